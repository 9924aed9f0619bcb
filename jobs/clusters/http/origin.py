"""Where a cluster is, and that its key goes nowhere else."""

from urllib.parse import urljoin

import requests
from requests.auth import AuthBase
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from jobs.clusters.base import Refused

_PORTS = {"http": 80, "https": 443}


def is_sendable(key: str) -> bool:
    """Whether a key can be put into a header."""
    return key.isascii() and key.isprintable() and " " not in key


class KeyForOrigin(AuthBase):
    """Adds the key to requests to one origin. Given for every request, it also keeps ~/.netrc out."""

    def __init__(self, key: str, url: str) -> None:
        self._key = key
        self._origin = _origin(url)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key and self._origin is not None and _origin(request.url or "") == self._origin:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port, by the parser that requests connects by; None for what is no http(s) URL."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return None
    if parts.scheme not in _PORTS or not parts.host:
        return None
    return parts.scheme, parts.host.lower(), parts.port or _PORTS[parts.scheme]


def resolved(base_url: str, url: str) -> str:
    """A file's URL, which may be relative to the cluster's. Raises Refused for anything but http(s)."""
    try:
        whole = urljoin(base_url, url)
    except ValueError:
        whole = ""
    if _origin(whole) is None:
        raise Refused("The cluster names an address for a file that is no http(s) URL.", code="bad_url")
    return whole
