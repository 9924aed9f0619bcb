"""Which addresses a user's webhook may go to: judged in numbers, after the name was resolved."""

import ipaddress
import socket

import pytest

from notifications.channels import targets
from notifications.channels.targets import NoSuchHost, Refused
from notifications.channels.webhook import Message, send
from tests.contracts.wire import Wire
from tests.notifications.conftest import Receive

NOT_PUBLIC = [
    *("127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("100.64.0.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "0.1.2.3", "255.255.255.255"),  # noqa: S104
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "192.88.99.1"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "fe80::1", "fec0::1", "fc00::1"),
    *("fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1"),
    *("100::1", "2001:10::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        targets.check(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_called(address: str) -> None:
    targets.check(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200", "224.0.0.1", "ff02::1", "0.0.0.0", "::"),  # noqa: S104
        *("::ffff:169.254.169.254", "::ffff:100.100.100.200", "::ffff:0.0.0.0"),
        *("64:ff9b::169.254.169.254", "64:ff9b::100.100.100.200"),
    ],
)
def test_the_clouds_own_addresses_are_refused_even_where_private_ones_are_allowed(address: str) -> None:
    with pytest.raises(Refused):
        targets.check(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"])
def test_the_setting_allows_private_addresses(address: str) -> None:
    targets.check(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://:@example.com/",
        "https://example.com@127.0.0.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://example.com:22/",
        "https://example.com:25/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com\\.example.org/",
        "https://127%2E0%2E0%2E1/",
        "https://ex%61mple.com/",
        "https://example.com/\r\nX:y",
        "https://example.com/\x00",
        "https://example.com/\x7f",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://exämple.com/",
        "https://example.com/ä",
        "https://[::1",
        "https://example.com/" + "x" * 2000,
    ],
)
def test_a_url_that_is_none_of_ours_to_call_is_refused_when_it_is_written(url: str) -> None:
    with pytest.raises(Refused):
        targets.parse(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.com", "example.com", 443),
        ("https://EXAMPLE.com./hook?a=b", "example.com", 443),
        ("https://example.com:8443/", "example.com", 8443),
        ("https://example.com:80/", "example.com", 80),
        ("https://example.com:1024/", "example.com", 1024),
        ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 443),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int) -> None:
    target = targets.parse(url, allow_private=False)
    assert (target.host, target.port) == (host, port)


# The system's resolver itself turns these into numbers.
@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0177.0.0.1", "localhost."])
def test_another_way_to_write_a_private_address_is_refused_when_it_resolves(host: str) -> None:
    target = targets.parse(f"https://{host}/", allow_private=False)
    with pytest.raises(Refused):
        targets.resolve(target, allow_private=False)


class Resolver:
    """The world's name service: each look-up gets the next answer."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        if _is_number(host):  # the connection's own call, with the address that was judged
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return [(family, socket.SOCK_STREAM, 6, "", (host, port))]
        self.asked.append(host)
        if not self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.answers.pop(0)]


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["169.254.1.1"]])
def test_a_name_with_any_private_address_is_refused(answer: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(answer))
    target = targets.parse("https://inside.example.com/", allow_private=False)
    with pytest.raises(Refused) as refusal:
        targets.resolve(target, allow_private=False)
    assert not any(address in refusal.value.message for address in answer)  # nobody's to learn


@pytest.mark.parametrize("answers", [[], [[]]], ids=["unknown", "no address"])
def test_a_name_that_nobody_knows_may_be_known_later(answers: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(*answers))
    with pytest.raises(NoSuchHost):
        targets.resolve(targets.parse("https://gone.example.com/", allow_private=False), allow_private=False)


def test_a_name_cannot_change_its_mind_between_the_check_and_the_call(
    receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Wire = receive()
    port = server.url.rpartition(":")[2]
    resolver = Resolver(["127.0.0.1"], ["192.0.2.1"])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    message = Message(url=f"http://rebinding.example.com:{port}/", id="m", at=1, body=b"{}", secrets=())
    outcome = send(message, allow_private=True)
    assert outcome.ok
    assert resolver.asked == ["rebinding.example.com"]
    assert server.requests[0].headers["host"] == f"rebinding.example.com:{port}"


def test_a_refused_address_gets_no_byte(receive: Receive) -> None:
    server = receive()
    https = server.url.replace("http://", "https://")
    outcome = send(Message(url=https, id="m", at=1, body=b"{}", secrets=()), allow_private=False)
    assert not outcome.ok
    assert "not a public one" in outcome.error
    assert server.connections == 0


def test_a_name_that_does_not_resolve_is_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver())
    outcome = send(Message(url="https://gone.example.com/", id="m", at=1, body=b"{}", secrets=()), allow_private=False)
    assert (outcome.error, outcome.permanent) == ("The host's name does not resolve.", False)
