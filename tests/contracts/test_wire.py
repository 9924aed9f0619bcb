"""What may happen on the way: each fault gets its name, costs bounded time and memory, and tells no secret."""

import gzip
import socket
import traceback
from collections.abc import Callable, Iterator
from time import monotonic

import pytest
import requests

from jobs.clusters.base import ClusterError, NotSent, Refused, Unknown, Unreadable
from jobs.clusters.http import deadline
from jobs.clusters.http.driver import HttpCluster
from jobs.clusters.registry import open_session
from tests.contracts.conftest import KEY, Speaking
from tests.contracts.orders import LEVEL_1, LEVEL_2, order
from tests.contracts.wire import Script, Wire, drip, hang, hang_up, raw, reply, reset, trickle

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BIG = b'{"external_job_id": "' + b"x" * 9 * 1024**2 + b'"}'


@pytest.fixture
def unused_url() -> Iterator[str]:
    """An address that refuses connections: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


# -- Nothing was sent -------------------------------------------------------------------------------------


def test_a_refused_connection_means_not_sent(patient: requests.Session, unused_url: str) -> None:
    with pytest.raises(NotSent, match="connection refused"):
        HttpCluster(url=unused_url, key=KEY, session=patient).submit(order(), capabilities=LEVEL_1)


def test_a_name_that_does_not_resolve_means_not_sent(patient: requests.Session) -> None:
    with pytest.raises(NotSent, match="cannot be reached"):
        HttpCluster(url="http://cluster.invalid", key=KEY, session=patient).submit(order(), capabilities=LEVEL_1)


def test_a_failed_tls_handshake_means_not_sent(wires: Callable[[Script], Wire], patient: requests.Session) -> None:
    plain = wires(reply(200, {}))
    url = plain.url.replace("http:", "https:")
    with pytest.raises(NotSent, match="cannot be reached"):
        HttpCluster(url=url, key=KEY, session=patient).submit(order(), capabilities=LEVEL_1)


def test_a_full_backlog_means_not_sent(impatient: requests.Session) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        with pytest.raises(NotSent, match="no connection in time"):
            HttpCluster(url=f"http://127.0.0.1:{address[1]}", key=KEY, session=impatient).capabilities()
        for each in waiting:
            each.close()


@pytest.mark.parametrize("url", ["ftp://cluster", "cluster:80", "http://", "http://[::1"])
def test_an_address_that_cannot_be_called_means_not_sent(patient: requests.Session, url: str) -> None:
    with pytest.raises(NotSent):
        HttpCluster(url=url, key=KEY, session=patient).capabilities()


def test_a_key_that_no_header_can_carry_means_not_sent_and_is_not_shown(patient: requests.Session) -> None:
    key = "first-line\nsecond-line"
    with pytest.raises(NotSent) as caught:
        HttpCluster(url="http://127.0.0.1:1", key=key, session=patient).capabilities()
    assert "first-line" not in "".join(traceback.format_exception(caught.value))


# -- It may have happened ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        hang,
        hang_up,
        reset,
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        drip(HEAD + b"Content-Length: 100000\r\n\r\n"),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"),
        raw(HEAD + b"Content-Length: 100\r\n\r\n{", then_close=True),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n", then_close=True),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", then_close=True),
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 3),
        reply(500, {"detail": "Internal Server Error"}),
        reply(502, "<html>Bad Gateway</html>"),
        reply(503, {"title": "no Retry-After"}),
        reply(500, "", Retry_After=f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT"),
        reply(408, ""),
    ],
    ids=[
        "silence",
        "hang-up",
        "reset",
        "dripping headers",
        "dripping body",
        "dripping chunks",
        "half a body",
        "not HTTP",
        "too many headers",
        "100 and nothing more",
        "500",
        "502",
        "503 without Retry-After",
        "a date beyond all calendars",
        "408",
    ],
)
def test_a_submit_without_an_answer_has_an_unknown_outcome(speaking_impatiently: Speaking, script: Script) -> None:
    cluster, wire = speaking_impatiently(script)
    with pytest.raises(Unknown):
        cluster.submit(order(), capabilities=LEVEL_1)
    assert len(wire.requests) == 1, "a submit is never repeated by the driver itself"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (reply(200, "<html>Welcome</html>"), "not JSON"),
        (reply(200, b"\xff\xfe\x00"), "not"),
        (reply(200, '{"external_job_id": "run-1"'), "not JSON"),
        (reply(200, "[" * 100_000), "not JSON"),
        (reply(200, []), "not a JSON object"),
        (reply(200, {"ok": True}), "external_job_id is missing"),
        (reply(200, {"external_job_id": ".."}), "external_job_id"),
        (reply(200, {"external_job_id": "x" * 300}), "external_job_id"),
        (reply(200, BIG), "8 MiB"),
        (reply(200, gzip.compress(BIG), Content_Encoding="gzip"), "8 MiB"),
        (reply(200, b"no gzip at all", Content_Encoding="gzip"), "unpacked"),
    ],
    ids=[
        "HTML",
        "bytes",
        "cut off",
        "nested deeply",
        "list",
        "no id",
        "dots for an id",
        "long id",
        "9 MiB",
        "9 MiB packed",
        "falsely packed",
    ],
)
def test_an_answer_that_makes_no_sense_is_unreadable(speaking: Speaking, script: Script, why: str) -> None:
    cluster, _ = speaking(script)
    with pytest.raises(Unreadable, match=why):
        cluster.submit(order(), capabilities=LEVEL_1)


def test_a_redirect_is_not_followed_and_the_message_says_where_it_leads(
    speaking: Speaking, wires: Callable[[Script], Wire]
) -> None:
    elsewhere = wires(reply(200, {"external_job_id": "run-1"}))
    cluster, _ = speaking(reply(307, "", Location=f"{elsewhere.url}/login?token=secret"))
    with pytest.raises(Unreadable, match=f"redirect to {elsewhere.url}") as caught:
        cluster.submit(order(), capabilities=LEVEL_1)
    assert elsewhere.requests == []
    assert "secret" not in caught.value.message


def test_the_body_of_a_redirect_is_not_read_to_its_end(speaking_impatiently: Speaking) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 10000000000\r\n\r\n"
    cluster, _ = speaking_impatiently(raw(head + b"x" * 200_000))
    with pytest.raises(Unreadable, match="redirect"):
        cluster.submit(order(), capabilities=LEVEL_1)


# -- Secrets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        hang,
        reset,
        reply(401, {"detail": f"Incorrect API key provided: {KEY}"}),
        reply(400, {"detail": f"cannot fetch {order().dataset.url}, token the-callback-token"}),
        reply(422, {"detail": [{"loc": ["body", "rank"], "msg": "too high", "input": KEY}]}),
        reply(500, f"Traceback: key={KEY}", Content_Type="text/plain"),
        reply(200, f"garbage {KEY}"),
        raw(b"HTTP/1.1 " + KEY.encode() + b"\r\n\r\n", then_close=True),
    ],
    ids=["silence", "reset", "401", "400", "422", "500", "garbage", "bad status line"],
)
def test_no_fault_tells_the_key_a_signature_or_a_token(speaking_impatiently: Speaking, script: Script) -> None:
    cluster, _ = speaking_impatiently(script)
    with pytest.raises(ClusterError) as caught:
        cluster.submit(
            order(callback_url="http://here/callback", callback_token="the-callback-token"), capabilities=LEVEL_2
        )
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    for secret in (KEY, "secret-signature", "the-callback-token"):
        assert secret not in told


def test_the_key_goes_to_the_clusters_own_origin_only(speaking: Speaking, wires: Callable[[Script], Wire]) -> None:
    cluster, own = speaking(reply(200, b"own"))
    foreign = wires(reply(200, b"foreign"))
    assert b"".join(cluster.download(f"{own.url}/files/a")) == b"own"
    assert b"".join(cluster.download("/files/b")) == b"own"
    assert b"".join(cluster.download(f"{foreign.url}/files/c")) == b"foreign"
    assert [request.headers["authorization"] for request in own.requests] == [f"Bearer {KEY}"] * 2
    assert "authorization" not in foreign.requests[0].headers


def test_a_netrc_file_changes_nothing(
    speaking: Speaking, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    cluster, wire = speaking(reply(200, {"external_job_id": "run-1"}))
    cluster.submit(order(), capabilities=LEVEL_1)
    assert wire.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_cookies_are_not_kept(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(404, "", Set_Cookie="session=1"))
    cluster.capabilities()
    cluster.capabilities()
    assert "cookie" not in wire.requests[1].headers


# -- Connections ------------------------------------------------------------------------------------------


def test_calls_in_a_row_share_a_connection(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(404, ""))
    for _ in range(3):
        cluster.capabilities()
    assert (len(wire.requests), wire.connections) == (3, 1)


def test_a_connection_that_lay_idle_is_not_trusted_with_a_submit(
    speaking: Speaking, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, wire = speaking(reply(200, {"external_job_id": "run-1"}))
    cluster.submit(order(), capabilities=LEVEL_1)
    monkeypatch.setattr(deadline, "monotonic", lambda: monotonic() + 60)
    cluster.submit(order(), capabilities=LEVEL_1)
    assert wire.connections == 2


def test_a_proxy_from_the_environment_is_used_under_the_same_clock(
    wires: Callable[[Script], Wire], impatient: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = wires(drip(b"HTTP/1.1 200 OK\r\nX-Slow: "))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(Unknown):
        HttpCluster(url="http://cluster.invalid", key=KEY, session=impatient).capabilities()
    assert proxy.requests[0].target == "http://cluster.invalid/training/capabilities"


# -- Downloads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_file_that_is_refused_says_nothing_about_our_key(speaking: Speaking, status: int) -> None:
    cluster, _ = speaking(reply(status, {"title": "Link refused"}))
    with pytest.raises(Refused, match="Link refused"):
        list(cluster.download("/files/a"))


def test_a_download_follows_no_redirect(speaking: Speaking, wires: Callable[[Script], Wire]) -> None:
    elsewhere = wires(reply(200, b"other"))
    cluster, _ = speaking(reply(302, "", Location=elsewhere.url))
    with pytest.raises(Unreadable, match="redirect"):
        list(cluster.download("/files/a"))
    assert elsewhere.requests == []


def test_a_download_that_crawls_is_given_up(speaking_impatiently: Speaking) -> None:
    cluster, _ = speaking_impatiently(drip(HEAD + b"Content-Length: 100000\r\n\r\n"))
    with pytest.raises(Unknown, match="in time"):
        list(cluster.download("/files/a"))


def test_a_download_may_last_longer_than_a_call_as_long_as_it_moves(wires: Callable[[Script], Wire]) -> None:
    wire = wires(trickle(b"x" * 16_384, count=60))
    with open_session(connect_s=1, call_s=1) as session:
        cluster = HttpCluster(url=wire.url, key=KEY, session=session)
        assert sum(map(len, cluster.download("/files/a"))) == 60 * 16_384


def test_a_download_that_breaks_off_is_not_taken_for_whole(speaking: Speaking) -> None:
    cluster, _ = speaking(raw(HEAD + b"Content-Length: 100\r\n\r\nhalf", then_close=True))
    with pytest.raises(Unknown):
        list(cluster.download("/files/a"))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/file", "http://[::1"])
def test_a_download_from_anything_but_http_is_not_tried(speaking: Speaking, url: str) -> None:
    cluster, _ = speaking(reply(200, b""))
    with pytest.raises(ClusterError):
        list(cluster.download(url))
