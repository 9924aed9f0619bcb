"""The signed POST: what a receiver gets and can check, and what a bad receiver cannot do to us."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from lora_pipeline.devstack.places import ROOT
from notifications.channels import signing, webhook
from notifications.channels.webhook import Message, send
from tests.contracts.wire import drip, hang, raw, reply
from tests.notifications.conftest import Receive

SECRET = signing.secret_of(key="k" * 50, endpoint_id="1", salt="s")
OLD_SECRET = signing.secret_of(key="k" * 50, endpoint_id="1", salt="older")
BODY = '{"type":"job_completed","data":{"title":"“support bot”"}}'.encode()


def message(url: str, *secrets: str) -> Message:
    return Message(url=url, id="msg_7", at=int(datetime.now(UTC).timestamp()), body=BODY, secrets=secrets or (SECRET,))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is long enough to see that the deadline holds."""
    monkeypatch.setattr(webhook, "CALL_S", 1.0)


def test_the_receiver_can_verify_it_with_the_standards_own_library(receive: Receive) -> None:
    server = receive()
    assert send(message(server.url), allow_private=True).ok
    request = server.requests[0]
    assert Webhook(SECRET).verify(request.body, dict(request.headers))["type"] == "job_completed"
    assert request.body == BODY
    assert request.headers["content-type"] == "application/json"


def test_the_check_that_our_documentation_shows_works(receive: Receive) -> None:
    shown = (ROOT / "docs" / "notifications.md").read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(shown, names)  # noqa: S102 - our own words
    server = receive()
    send(message(server.url, SECRET, OLD_SECRET), allow_private=True)
    request = server.requests[0]
    for secret in (SECRET, OLD_SECRET):
        assert names["is_genuine"](secret, request.headers, request.body)
        assert not names["is_genuine"](secret, request.headers, request.body + b" ")
        assert not names["is_genuine"](secret, {**request.headers, "webhook-timestamp": "1"}, request.body)


def test_another_secret_or_a_changed_body_is_noticed(receive: Receive) -> None:
    server = receive()
    send(message(server.url), allow_private=True)
    request = server.requests[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_SECRET).verify(request.body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", dict(request.headers))


def test_both_secrets_verify_while_one_replaces_the_other(receive: Receive) -> None:
    server = receive()
    send(message(server.url, SECRET, OLD_SECRET), allow_private=True)
    request = server.requests[0]
    for secret in (SECRET, OLD_SECRET):
        assert Webhook(secret).verify(request.body, dict(request.headers))


def test_a_secret_is_long_enough_for_the_standard_and_its_own() -> None:
    assert len(base64.b64decode(SECRET.removeprefix("whsec_"))) == 32
    others = [
        signing.secret_of(key="x" * 50, endpoint_id="1", salt="s"),
        signing.secret_of(key="k" * 50, endpoint_id="2", salt="s"),
    ]
    assert len({SECRET, OLD_SECRET, *others}) == 4


def test_the_secret_is_not_in_the_messages_words() -> None:
    assert SECRET not in repr(message("https://example.com"))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered(status: int, receive: Receive) -> None:
    assert send(message(receive(reply(status, b"")).url), allow_private=True).ok


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 502, 503])
def test_any_other_answer_may_be_tried_again(status: int, receive: Receive) -> None:
    outcome = send(message(receive(reply(status, "no")).url), allow_private=True)
    assert (outcome.ok, outcome.status_code, outcome.permanent, outcome.answer) == (False, status, False, "no")
    assert outcome.error == f"It answered {status}."


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_no_redirect_is_delivered_or_followed(status: int, receive: Receive) -> None:
    elsewhere = receive()
    outcome = send(message(receive(reply(status, b"", Location=elsewhere.url)).url), allow_private=True)
    assert (outcome.ok, outcome.permanent) == (False, False)
    assert "final address" in outcome.error
    assert elsewhere.connections == 0


def test_gone_is_for_ever(receive: Receive) -> None:
    outcome = send(message(receive(reply(410)).url), allow_private=True)
    assert outcome.gone
    assert outcome.permanent


def test_a_redirect_is_not_followed_and_its_endless_body_not_read(receive: Receive) -> None:
    elsewhere = receive()
    head = f"HTTP/1.1 307 Elsewhere\r\nLocation: {elsewhere.url}/\r\nContent-Length: 10000000000\r\n\r\n"
    outcome = send(message(receive(raw(head.encode() + b"x" * 200_000)).url), allow_private=True)
    assert (outcome.ok, outcome.status_code) == (False, 307)
    assert "final address" in outcome.error
    assert elsewhere.requests == []


def test_ten_megabytes_are_not_read(receive: Receive) -> None:
    outcome = send(message(receive(reply(200, b"x" * 10_000_000)).url), allow_private=True)
    assert outcome.ok
    assert outcome.answer == "x" * 1000


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX-Long: "])
def test_a_receiver_that_drips_its_headers_is_left(start: bytes, receive: Receive) -> None:
    outcome = send(message(receive(drip(start)).url), allow_private=True)
    assert not outcome.ok
    assert "did not answer" in outcome.error or "broke the connection" in outcome.error
    assert outcome.seconds < 60


@pytest.mark.usefixtures("impatient")
def test_a_body_that_drips_is_left_but_its_status_counts(receive: Receive) -> None:
    outcome = send(message(receive(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")).url), allow_private=True)
    assert outcome.ok
    assert outcome.seconds < 60


@pytest.mark.usefixtures("impatient")
def test_a_receiver_that_says_nothing_is_left(receive: Receive) -> None:
    outcome = send(message(receive(hang).url), allow_private=True)
    assert outcome.error == "It did not answer within 1 seconds."


@pytest.mark.parametrize(
    "content", [b"garbage\r\n\r\n", b"HTTP/1.1 ", b"", b"\x00" * 100, b"HTTP/1.1 999999 X\r\n\r\n"]
)
def test_garbage_is_a_failure_in_words(content: bytes, receive: Receive) -> None:
    outcome = send(message(receive(raw(content, then_close=True)).url), allow_private=True)
    assert not outcome.ok
    assert outcome.error


def test_nobody_there_is_a_failure_in_words(receive: Receive) -> None:
    server = receive()
    url = server.url
    server.close()
    outcome = send(message(url), allow_private=True)
    assert outcome.error == "No connection: connection refused."


def test_what_cannot_be_shown_is_left_out_of_the_answer(receive: Receive) -> None:
    outcome = send(message(receive(reply(200, b"a\x00\x1b[31m\xff\nb")).url), allow_private=True)
    assert outcome.answer == "a  [31m�\nb"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        *(("120", 120), ("0", 0), ("soon", None), ("-5", None), ("", None), ("9" * 400, 999_999_999)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        (f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT", None),
        (f"Fri, 31 Dec 2100 23:59:59 +{'9' * 20}", None),
    ],
)
def test_retry_after_in_seconds_is_understood(said: str, seconds: float | None, receive: Receive) -> None:
    outcome = send(message(receive(reply(503, "", Retry_After=said)).url), allow_private=True)
    assert outcome.retry_after_s == seconds


def test_retry_after_as_a_date_is_understood(receive: Receive) -> None:
    outcome = send(
        message(receive(reply(429, "", Retry_After="Fri, 31 Dec 2100 23:59:59 GMT")).url), allow_private=True
    )
    assert (outcome.retry_after_s or 0) > 1_000_000_000


def test_a_proxy_of_the_environment_is_not_used(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = receive(), receive()
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "")
    assert send(message(server.url), allow_private=True).ok
    assert proxy.connections == 0
