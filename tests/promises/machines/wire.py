"""The seam where the network begins, without sockets: the product's HTTP driver and S3 client, answered in memory."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import requests
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError, ProtocolError

from datasets.storage.clients import internal_client
from jobs.clusters.http.deadline import NotConnected
from jobs.clusters.http.driver import HttpCluster
from jobs.clusters.registry import open_session
from tests.promises.machines.faults import Answer, Silence

URL = "http://cluster.invalid"
DRIVER = "tests.promises.machines.wire.CarriedCluster"
S3 = {"S3_ENDPOINT_URL": "http://s3.invalid", "S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret"}

Carrier = Callable[[str, str, Mapping[str, str], Any], Answer]
Buckets = Callable[[str, str, bytes], tuple[int, bytes]]


class _Original:
    """As much of http.client's response as urllib3 and our deadline look at."""

    msg = http.client.HTTPMessage()

    @property
    def countdown(self) -> "_Original":
        return self

    def keep_pace(self, bytes_per_s: float) -> None:
        pass

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        pass


class _Carried(BaseAdapter):
    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        order = json.loads(request.body) if request.body else {}
        answer = CarriedCluster.carrier(request.method or "", request.path_url, request.headers, order)
        if isinstance(answer, Silence):
            raise _fault(answer.kind)
        response = requests.Response()
        response.status_code, response.request, response.url = answer.status, request, request.url or ""
        response.headers.update(answer.headers)
        response.raw = HTTPResponse(
            BytesIO(answer.body),
            headers=answer.headers,
            status=answer.status,
            preload_content=False,
            original_response=_Original(),  # type: ignore[arg-type]
        )
        return response

    def close(self) -> None:
        pass


def _fault(kind: str) -> requests.RequestException:
    match kind:
        case "refused":
            return requests.ConnectionError(MaxRetryError(None, "", NotConnected(None, "connection refused")))  # type: ignore[arg-type]
        case "timeout":
            return requests.ReadTimeout()
    return requests.ConnectionError(ProtocolError("Connection reset by peer"))


class CarriedCluster(HttpCluster):
    """The HTTP driver, whose requests are carried by hand."""

    carrier: ClassVar[Carrier]
    _session: ClassVar[requests.Session | None] = None

    def __init__(self, *, url: str, key: str, session: requests.Session) -> None:
        if CarriedCluster._session is None:
            CarriedCluster._session = open_session()
            CarriedCluster._session.mount("http://", _Carried())
        super().__init__(url=url, key=key, session=CarriedCluster._session)


# -- Storage -------------------------------------------------------------------------------------------------


class Store:
    """Buckets in memory. `answer` is what the client's requests reach; replace it to put something in between."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.is_denied = False

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if self.is_denied:
            return 403, b""
        if method == "PUT":
            self.objects[path] = body
            return 200, b""
        found = self.objects.get(path)
        return (404, b"") if found is None else (200, found)


class _Body(BytesIO):
    def stream(self, amt: int = 65536, **_: Any) -> Iterator[bytes]:
        while piece := self.read(amt):
            yield piece


def answer_storage(buckets: Buckets) -> None:
    """From now on `buckets` answers what the product asks of its storage."""
    _InMemory.buckets = staticmethod(buckets)
    events: Any = internal_client().meta.events  # its stubs know of no handler that answers
    events.register("before-send.s3", _InMemory.answered, unique_id="in memory")


class _InMemory:
    buckets: ClassVar[Buckets]

    @classmethod
    def answered(cls, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent: Any = request.body or b""
        body = sent.read() if hasattr(sent, "read") else sent
        status, content = cls.buckets(request.method, unquote(urlsplit(request.url).path), body)
        headers = HTTPHeaders()
        headers["Content-Length"], headers["ETag"] = str(len(content)), f'"{etag(content)}"'
        headers["Last-Modified"] = "Mon, 23 Nov 2026 12:00:00 GMT"
        return AWSResponse(request.url, status, headers, _Body(b"" if request.method == "HEAD" else content))


def etag(content: bytes) -> str:
    return f"{len(content)}-{sum(content)}"
