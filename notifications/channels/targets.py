"""Where a user's webhook may go: an address is judged after its name was resolved, and the call goes to that address.

Names, decimal and octal hosts, a trailing dot, several records: whatever is written in a URL ends as numbers here,
and only the numbers are judged. All of a name's addresses have to be public.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL = 2000
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
# Ways to say an IPv4 address in IPv6 within 2000::/3: 6to4 and Teredo. (NAT64 and mapped ones lie outside.)
_DISGUISES = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"))
# Networks that know IPv6 alone reach IPv4 addresses through this prefix.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_RELAYS = ipaddress.ip_network("192.88.99.0/24")
# Clouds hand out the machine's own keys here: refused even where private addresses are allowed.
_METADATA = (ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200"))
# Below 1024 only what web servers use: no mail, no shells.
_LOW_PORTS = {80, 443}
# Without the address: what names inside our network stand for is nobody's to learn by a webhook.
_NOT_PUBLIC = "The host's address is not a public one. An operator can allow it (WEBHOOK_ALLOW_PRIVATE)."


class Refused(Exception):
    """This URL is not called; `message` says why, in words for whoever wrote it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NoSuchHost(Exception):
    """The name does not resolve now; it may later."""


@dataclass(frozen=True)
class Target:
    """A URL taken apart. `host` is in lower case, without brackets and without a trailing dot."""

    url: str
    scheme: str
    host: str
    port: int


def parse(url: str, *, allow_private: bool) -> Target:
    """What can be said about a URL without asking anybody; raises Refused.

    `allow_private` also lets plain HTTP and every port through.
    """
    if len(url) > MAX_URL:
        raise Refused(f"The URL is longer than {MAX_URL} characters.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Refused("The URL holds characters that no URL has: write them as %…, and other scripts' names as xn--…")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("This is not a URL such as https://example.com/hooks.") from None
    if parts.scheme not in ({"http", "https"} if allow_private else {"https"}):
        raise Refused("The URL has to begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise Refused("The URL holds a user or password: leave it out and check the signature instead.")
    host = (parts.hostname or "").removesuffix(".")
    if not host or "%" in host:
        raise Refused("The URL names no host.")
    port = port if port is not None else {"http": 80, "https": 443}[parts.scheme]
    if port == 0 or (not allow_private and port < 1024 and port not in _LOW_PORTS):
        raise Refused(f"Port {port} is not called: use 443, 80, or one from 1024.")
    literal = _literal(host)
    if literal is not None:
        check(literal, allow_private=allow_private)
    return Target(url=url, scheme=parts.scheme, host=host, port=port)


def resolve(target: Target, *, allow_private: bool) -> str:
    """The address to call, in numbers. Asks the system's resolver; raises NoSuchHost or Refused."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoSuchHost from None
    addresses = [str(place[4][0]) for place in found]
    if not addresses:
        raise NoSuchHost
    for address in addresses:
        check(ipaddress.ip_address(address.partition("%")[0]), allow_private=allow_private)
    return addresses[0]


def check(address: Address, *, allow_private: bool) -> None:
    """Raises Refused unless calls may go to `address`."""
    within = _ipv4_within(address)
    if within is not None:
        if not allow_private:
            raise Refused(_NOT_PUBLIC)
        address = within
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        raise Refused("The host is never called: its address is a link-local, multicast, empty or metadata address.")
    if not allow_private and not _is_public(address):
        raise Refused(_NOT_PUBLIC)


def _ipv4_within(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a mapped or a NAT64 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    return ipaddress.IPv4Address(int(address) % 2**32) if address in _NAT64 else address.ipv4_mapped


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_reserved and address not in _RELAYS
    return address.is_global and address in _PUBLIC_IPV6 and not any(address in net for net in _DISGUISES)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
