"""Nobody reaches another's files: not by a name, a path, a prefix, a listing, a cluster's word or a signed URL.

The attacks go to every door that takes a name or a path, with a real object store behind them; what counts is where
objects lie and what can be read in the end.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from datasets import services as datasets
from datasets.exceptions import FieldInvalid, ImportNotFound
from datasets.models import Dataset, ImportGrant
from datasets.selectors import import_prefixes
from datasets.storage import signing
from datasets.storage.base import InvalidKey, ObjectStore
from datasets.storage.keys import clean_key
from jobs import callbacks, deliveries, reconcile
from jobs.clusters.files import safe_path
from jobs.models import ModelArtifact, TrainingJob
from jobs.states import Status
from tests import factories
from tests.contracts.wire import reply
from tests.datasets.conftest import PutObject
from tests.datasets.files import chat_file
from tests.jobs.conftest import at_cluster, due_now, polled, scripted
from tests.jobs.scripted import ScriptedCluster

__all__ = ["scripted"]

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]

# What stands between one's own prefix and somebody else's file, written in every way that somebody may read as "..".
UPS = [
    "..", "../..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "%25252e%25252e", "..%2f..", "..%5c", "..\\", "\\..",
    "\uff0e\uff0e", "\u2025", "\u2024\u2024", ".\u2024",
    "..;", "..%00", "..\x00", "%c0%ae%c0%ae", "%u002e%u002e", ".. ", " ..", "...", "..\u200b",
    "\u202e..", "..\u0301", ".\u00ad.", "..%20", "..\t", "..\n", "..\r\n", "%2e%2e%2f%2e%2e",
]  # fmt: skip
SLASHES = ["/", "//", "%2f", "%2F", "%252f", "\\", "\uff0f", "\u2044", "\u2215", "%5c", "%c0%af", "/./", "/\u200b/"]
TRICKS = [f"{up}{slash}bob{slash}secret.jsonl" for up in UPS for slash in SLASHES[:4]] + [
    "/bob/secret.jsonl", "//bob/secret.jsonl", "bob/secret.jsonl", "./bob/secret.jsonl", "C:\\bob", "file:///bob",
    "s3://training-files/bob/secret.jsonl", "https://evil/bob", "", " ", ".", "..", "/", "a/", "a//b", "\x00", "a\x00b",
    "x" * 2000, "é" * 600, "a/" * 600 + "b", "alice/../bob/secret.jsonl",
    "alice/..;/bob", "ali\u0441e/x", "al/../alice/x",
    'x"; filename="y.exe', "x\r\nSet-Cookie: a=b", "CON", "nul.", "x.", "x ", "~/x", "$HOME/x", "`id`", "|id", "-rf",
    "*",
]  # fmt: skip


def up_to_no_good() -> st.SearchStrategy[str]:
    """Paths made of such parts, in any order and number."""
    parts = st.sampled_from([*UPS, *SLASHES, "bob", "alice", "al", "secret.jsonl", "a"])
    return st.lists(parts | st.text(max_size=3), min_size=1, max_size=8).map("".join)


@pytest.fixture
def secret(put_object: PutObject, bob: User) -> bytes:
    """A file of bob's, and of a user whose name begins like alice's."""
    body = chat_file(3)
    for path in ("bob/secret.jsonl", "alice2/secret.jsonl", "al/secret.jsonl", "secret.jsonl"):
        put_object(path, body)
    return body


def keys(store: ObjectStore, bucket: str) -> set[str]:
    return {found.path for found in store.list(bucket=bucket, prefix="", limit=1000).objects}


# -- What users name ---------------------------------------------------------------------------------------------


def test_an_upload_lands_in_ones_own_folder_or_nowhere(alice: User, store: ObjectStore) -> None:
    landed = set()
    for trick in TRICKS:
        try:
            dataset, ticket = datasets.dataset_create_upload(owner=alice, name="x", file_name=trick, file_size=1)
        except FieldInvalid:
            continue
        folder = f"{alice.pk}/{dataset.pk}/"
        assert dataset.storage_path.startswith(folder)
        assert "/" not in dataset.storage_path.removeprefix(folder)
        assert requests.put(ticket.url, data=b"x", headers=ticket.headers, timeout=60).ok
        landed.add(dataset.storage_path)
    assert len(landed) > 5
    assert keys(store, "lora-datasets") == landed


def test_an_import_reads_ones_own_files_or_nothing(alice: User, secret: bytes, api: Api) -> None:
    client = api(alice)
    for path in [each for trick in TRICKS for each in (trick, f"alice/{trick}")]:
        cache.clear()  # no throttle
        assert client.post("/api/datasets/import", {"path": path}).status_code in {400, 404}
        listed = client.get("/api/datasets/import", {"prefix": path, "after": path})
        assert listed.status_code in {200, 400, 404}
        assert listed.status_code != 200 or listed.json()["data"]["objects"] == []
    assert not Dataset.objects.exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(up_to_no_good())
def test_no_path_at_all_gets_another_users_file(alice: User, secret: bytes, path: str) -> None:
    for tried in (path, f"alice/{path}"):
        with pytest.raises((FieldInvalid, ImportNotFound)):
            datasets.dataset_import(owner=alice, path=tried)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(up_to_no_good())
def test_what_a_store_or_proxy_makes_of_a_clean_key_is_below_its_prefix(path: str) -> None:
    try:
        key = clean_key(f"alice/{path}")
    except InvalidKey:
        return
    assert requests.Request("GET", "http://s3/b/" + quote(key)).prepare().path_url.startswith("/b/alice/")


@pytest.mark.parametrize("name", ["al", "alice2", "alice.", "al.ice", "Alice", "alice@example.com", "..", ".", "@+-._"])
def test_no_username_covers_anothers_prefix(name: str, alice: User, put_object: PutObject) -> None:
    put_object("alice/chat.jsonl")
    other = User.objects.create_user(name)
    with pytest.raises((FieldInvalid, ImportNotFound)):
        datasets.dataset_import(owner=other, path="alice/chat.jsonl")
    assert not any("alice/chat.jsonl".startswith(prefix) for prefix in import_prefixes(other))
    job = factories.job(other, Status.RUNNING)
    assert not deliveries.prefix(job, 1).startswith(("alice/", "/"))


@pytest.mark.parametrize(
    "prefix", ["alice", "", "/", "../", "%2e%2e/", "alice//", "\\", "*/", "\uff41lice/", "a\x00/", " /"]
)
def test_operators_cannot_grant_by_mistake_what_covers_more_than_a_folder(
    prefix: str, operator: User, alice: User, browse: Callable[[User], Client]
) -> None:
    client = browse(operator)
    client.raise_request_exception = False
    answer = client.post("/admin/datasets/importgrant/add/", {"user": alice.pk, "prefix": prefix})
    granted = list(ImportGrant.objects.values_list("prefix", flat=True))
    assert answer.status_code in {200, 302, 400}
    assert granted in ([], ["*/"])  # a star is a character like any other


# -- What clusters name ------------------------------------------------------------------------------------------


def test_a_cluster_uploads_below_its_attempt_or_nowhere(alice: User, store: ObjectStore) -> None:
    job = factories.job(alice, Status.RUNNING)
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {callbacks.token(job.pk, 1)}")
    for trick in TRICKS:
        file = {"path": trick, "size": 1, "sha256": "0" * 64}
        answer = client.post(f"/api/callback/{job.pk}/1/uploads", {"files": [file]}, format="json")
        assert answer.status_code in {200, 400}
        if answer.status_code == 200:
            (ticket,) = answer.json()
            assert requests.put(ticket["url"], data=b"x", headers=ticket["headers"], timeout=60).ok
    landed = keys(store, "lora-models")
    assert len(landed) > 5
    assert all(key.startswith(f"alice/{job.pk}/1/") for key in landed)


@pytest.mark.parametrize(
    "trick", ["../../../bob/x", "/bob/x", "..\\bob", "a/../../x", "%2e%2e/%2e%2e/x", "\uff0e\uff0e/x", "a\x00b"]
)
def test_a_cluster_that_lists_such_files_gets_nothing_stored(
    trick: str, alice: User, store: ObjectStore, scripted: ScriptedCluster
) -> None:
    scripted.features = ["artifacts"]
    scripted.scripts["/training/artifacts"] = reply(200, {"files": [{"path": trick, "url": f"{scripted.url}/file"}]})
    scripted.scripts["/file"] = reply(200, b"x")
    job = at_cluster(alice)
    scripted.says("run-1", "completed")
    job = polled(job)
    due_now(job)
    reconcile.collect(job.pk)
    assert keys(store, "lora-models") == set()
    assert TrainingJob.objects.get(pk=job.pk).status == Status.RUNNING


@given(up_to_no_good())
def test_an_archive_unpacks_into_its_own_folder(path: str) -> None:
    try:
        name = f"job-x-adapter/{safe_path(path)}"
    except ValueError:
        return
    archive = zipfile.ZipFile(io.BytesIO(), "w")
    archive.writestr(zipfile.ZipInfo(name), b"")
    (member,) = archive.namelist()
    assert member.split("/")[0] == "job-x-adapter"
    assert not {"", ".", ".."} & set(member.split("/"))
    assert "\\" not in member


@pytest.mark.parametrize(
    "name", ['x"; filename="y.exe', "x\r\nSet-Cookie: a=b", "../../x", "\u202egnp.exe", "é😀", "x" * 200]
)
def test_no_name_gets_into_the_headers_of_a_download(
    name: str, alice: User, store: ObjectStore, api: Api, put_object: PutObject
) -> None:
    job = factories.job(alice, Status.COMPLETED, name=name)
    artifact = factories.artifact(job, name=name, files=[{"path": "a.bin", "size": 1, "sha256": None}])
    put_object(artifact.storage_prefix + "a.bin", b"x", bucket="lora-models")
    client = api(alice)
    for ending in ("metrics.csv", "loss.png", "logs?download=true", "artifact/archive"):
        sent = client.get(f"/api/jobs/{job.pk}/{ending}")["Content-Disposition"]
        assert sent.split("filename=")[1].strip('"').replace(".", "-").replace("-", "").isalnum()
    (file,) = client.get(f"/api/jobs/{job.pk}/artifact").json()["data"]["artifact"]["files"]
    assert requests.get(file["url"], timeout=60).headers["Content-Disposition"] == 'attachment; filename="a.bin"'


# -- Signed URLs -------------------------------------------------------------------------------------------------


@pytest.fixture
def ticket(store: ObjectStore) -> Any:
    return signing.sign_upload(bucket="lora-datasets", path="1/a/x.jsonl", size=3, content_type="application/jsonl")


def put(url: str, body: bytes = b"abc", content_type: str = "application/jsonl") -> int:
    return requests.put(url, data=body, headers={"Content-Type": content_type}, timeout=60).status_code


def test_a_ticket_is_for_one_key_method_size_and_type(ticket: Any, store: ObjectStore) -> None:
    for other in ("1/b/x.jsonl", "2/a/x.jsonl", "1/a/../../2/x.jsonl", "1/a/x.jsonl2"):
        assert put(ticket.url.replace("1/a/x.jsonl", other)) >= 400
    assert requests.get(ticket.url, timeout=60).status_code >= 400
    assert requests.delete(ticket.url, timeout=60).status_code >= 400
    assert requests.post(ticket.url, data=b"abc", timeout=60).status_code >= 400
    assert put(ticket.url, b"abcd") >= 400
    assert put(ticket.url, content_type="text/html") >= 400
    assert keys(store, "lora-datasets") == set()
    assert put(ticket.url) == 200


@pytest.mark.parametrize("tampered", ["X-Amz-Expires=604800", "X-Amz-Date=20990101T000000Z", "X-Amz-Credential=x"])
def test_a_ticket_cannot_be_made_to_live_longer(tampered: str, ticket: Any) -> None:
    name = tampered.partition("=")[0]
    query = urlsplit(ticket.url).query
    changed = "&".join(tampered if part.startswith(name) else part for part in query.split("&"))
    assert changed != query
    assert put(ticket.url.replace(query, changed)) >= 400


def test_an_expired_url_opens_nothing(store: ObjectStore, put_object: PutObject) -> None:
    put_object("alice/chat.jsonl")
    with time_machine.travel(timezone.now() - timedelta(hours=2)):
        old = signing.sign_download(bucket="training-files", path="alice/chat.jsonl")
    assert requests.get(old.url, timeout=60).status_code >= 400
    assert requests.get(signing.sign_download(bucket="training-files", path="alice/chat.jsonl").url, timeout=60).ok


def test_every_signed_url_lives_as_long_as_the_setting_says(
    alice: User, store: ObjectStore, api: Api, settings: Any, put_object: PutObject
) -> None:
    settings.SIGNED_URL_TTL_SECONDS = 777
    client, job = api(alice), factories.job(alice, Status.COMPLETED)
    factories.artifact(job)
    running = factories.job(alice, Status.RUNNING)
    cluster = APIClient()
    cluster.credentials(HTTP_AUTHORIZATION=f"Bearer {callbacks.token(running.pk, 1)}")
    door = f"/api/callback/{running.pk}/1"
    file = {"path": "a", "size": 1, "sha256": "0" * 64}
    told = [
        client.post("/api/datasets", {"name": "x", "file_name": "x.jsonl", "file_size": 1}),
        client.get(f"/api/jobs/{job.pk}/artifact"),
        cluster.post(f"{door}/uploads", {"files": [file]}, format="json"),
        cluster.get(f"{door}/dataset"),
    ]
    for answer in told:
        text = answer.content.decode()
        assert "X-Amz-Expires=777" in text
        assert text.count("X-Amz-Expires=") == text.count("X-Amz-Expires=777")
    assert ModelArtifact.objects.count() == 1
    assert parse_qs(urlsplit(signing.sign_download(bucket="lora-models", path="a").url).query)["X-Amz-Expires"] == [
        "777"
    ]
