"""Addresses in settings."""

from urllib.parse import urlsplit


def is_base(url: str) -> bool:
    """Whether `url` is http(s)://host[:port] and nothing more: paths can be put behind it."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return False
    extras = (parts.username, parts.password, parts.path, parts.query, parts.fragment)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(extras)
