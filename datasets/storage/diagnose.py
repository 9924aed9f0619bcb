"""Does the storage work for us? What `manage.py doctor` asks, with what to do about each fault.

Per bucket: can we reach it, does a URL that we sign open an object under the public address, and is a URL
that was tampered with or has expired refused? Where we may write, a small probe object is uploaded and
removed again; training-files is only read.
"""

import time
import uuid
from dataclasses import dataclass

import requests

from datasets.exceptions import DatasetError
from datasets.storage import open_store
from datasets.storage.buckets import LOGICAL_NAMES, TRAINING_FILES
from datasets.storage.signing import sign_download, sign_upload

TIMEOUT_S = (3, 10)
SHORT_LIFE_S = 1
MAX_ANSWER_BYTES = 4096
PROBE = b"LoRA Pipeline was here to test its signed URLs.\n"
_PROBE_FOLDER = "lora-pipeline-doctor"
_CONTENT_TYPE = "text/plain"


@dataclass(frozen=True)
class Finding:
    """One thing that was tried. `advice` is empty where all is well."""

    name: str
    ok: bool
    message: str
    advice: str = ""


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status < 400


def diagnose() -> list[Finding]:
    """Try everything, for every bucket; never raises. Takes about two seconds, and the time-outs of what is broken."""
    findings = [finding for bucket in LOGICAL_NAMES for finding in _diagnose_bucket(bucket)]
    if all(finding.ok for finding in findings):
        findings.append(_try_expiry())
    return findings


def _diagnose_bucket(bucket: str) -> list[Finding]:
    name = f"bucket {bucket}"
    store = open_store()
    try:
        store.ping(bucket=bucket)
    except DatasetError as error:
        return [Finding(name, False, error.message, "Check S3_ENDPOINT_URL, the S3 keys and the bucket's name.")]
    reachable = Finding(name, True, "reachable")
    try:
        if bucket == TRAINING_FILES:
            return [reachable, _try_reading(bucket)]
        return [reachable, _try_writing(bucket)]
    except DatasetError as error:
        return [reachable, Finding(f"signing {bucket}", False, error.message, "Check the keys' permissions.")]
    except requests.RequestException as error:
        return [reachable, _not_public(bucket, error)]


def _try_writing(bucket: str) -> Finding:
    """Upload a probe by a signed PUT, as a browser would, read it by a signed GET, and remove it."""
    path = f"{_PROBE_FOLDER}/{uuid.uuid4()}"
    ticket = sign_upload(bucket=bucket, path=path, size=len(PROBE), content_type=_CONTENT_TYPE)
    try:
        sent = _call(ticket.method, ticket.url, PROBE, ticket.headers)
        if not sent.ok:
            return _refused(bucket, "PUT", sent)
        return _try_urls(bucket, path, PROBE)
    finally:
        open_store().delete(bucket=bucket, path=path)


def _try_reading(bucket: str) -> Finding:
    """Read some object that is there, or ask for one that is not."""
    objects = open_store().list(bucket=bucket, prefix="", limit=1).objects
    if objects:
        return _try_urls(bucket, objects[0].path, None)
    return _try_urls(bucket, f"{_PROBE_FOLDER}/{uuid.uuid4()}", None, expected_status=404)


def _try_urls(bucket: str, path: str, content: bytes | None, expected_status: int = 200) -> Finding:
    name = f"signing {bucket}"
    url = sign_download(bucket=bucket, path=path).url
    opened = _call("GET", url)
    if opened.status != expected_status:
        return _refused(bucket, "GET", opened)
    if content is not None and opened.body != content:
        advice = "Another service answers at S3_PUBLIC_ENDPOINT_URL: check the address."
        return Finding(name, False, "a signed URL returned other bytes than were stored", advice)
    tampered = url[:-1] + ("0" if url[-1] != "0" else "1")
    if _call("GET", tampered).ok or _call("GET", url.split("?")[0]).ok:
        advice = "Switch anonymous access off for this bucket: everybody can read it."
        return Finding(name, False, "a URL with a wrong signature or none is accepted", advice)
    return Finding(name, True, "signed URLs open; tampered and anonymous ones are refused")


def _try_expiry() -> Finding:
    """An expired URL is refused before the store looks for the object, so that none is needed."""
    name = "expiry of signed URLs"
    short = sign_download(bucket=TRAINING_FILES, path=f"{_PROBE_FOLDER}/{uuid.uuid4()}", expires_s=SHORT_LIFE_S)
    time.sleep(SHORT_LIFE_S + 1)
    try:
        answer = _call("GET", short.url)
    except requests.RequestException as error:
        return _not_public(TRAINING_FILES, error)
    if answer.status == 404 or answer.ok:
        advice = "Compare the clocks of this machine and of the storage."
        return Finding(name, False, "a URL is accepted after it expired", advice)
    return Finding(name, True, "expired URLs are refused")


def _call(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> _Answer:
    """One request; only the first bytes of the answer are read, since an object may be large."""
    with requests.request(method, url, data=body, headers=headers, timeout=TIMEOUT_S, stream=True) as answer:
        return _Answer(answer.status_code, answer.raw.read(MAX_ANSWER_BYTES, decode_content=True))


def _refused(bucket: str, method: str, answer: _Answer) -> Finding:
    code = _s3_code(answer.body)
    advice = {
        "SignatureDoesNotMatch": "Check S3_SECRET_ACCESS_KEY, S3_REGION, and that no proxy changes the Host header.",
        "InvalidAccessKeyId": "Check S3_ACCESS_KEY_ID.",
        "RequestTimeTooSkewed": "Compare the clocks of this machine and of the storage.",
        "AccessDenied": "Allow our key to read and, but for training-files, to write and delete in this bucket.",
    }.get(code, "Check S3_PUBLIC_ENDPOINT_URL: the address must lead to the same storage.")
    message = f"a signed {method} under the public address answered {answer.status} {code}".rstrip()
    return Finding(f"signing {bucket}", False, message, advice)


def _not_public(bucket: str, error: requests.RequestException) -> Finding:
    # The error's own text holds the signed URL.
    message = f"the public address does not answer ({type(error).__name__})"
    advice = "Check S3_PUBLIC_ENDPOINT_URL: browsers and GPU nodes have to reach it, and so has this machine."
    return Finding(f"signing {bucket}", False, message, advice)


def _s3_code(body: bytes) -> str:
    """The code in S3's XML error, such as AccessDenied; empty if there is none."""
    return body.partition(b"<Code>")[2].partition(b"</Code>")[0][:60].decode("ascii", "replace")
