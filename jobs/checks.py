"""System checks of settings.GPU_CLUSTERS: a wrong value is reported at start, by the name that mends it."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from jobs.clusters import registry
from jobs.clusters.http.origin import is_sendable

VARIABLES = {"DRIVER": "GPU_CLUSTER_DRIVER", "URL": "GPU_CLUSTER_API_URL", "KEY": "GPU_CLUSTER_API_KEY"}


def clusters_are_usable(**_: Any) -> list[CheckMessage]:
    """Each cluster's driver can be imported, its address called, its key put into a header."""
    return [
        Error(problem, hint=_hint(name, key), id=code)
        for name, config in settings.GPU_CLUSTERS.items()
        for key, problem, code in _problems(config)
    ]


def a_cluster_is_configured(**_: Any) -> list[CheckMessage]:
    """In production some cluster has an address, and each that has one has a key."""
    configs = {name: config for name, config in settings.GPU_CLUSTERS.items() if config.get("URL")}
    if not configs:
        return [Warning("No GPU cluster is configured: jobs will stay queued.", hint=_hint("", "URL"), id="jobs.W001")]
    return [
        Warning(f"The GPU cluster {name!r} is called without a key.", hint=_hint(name, "KEY"), id="jobs.W002")
        for name, config in configs.items()
        if not config.get("KEY")
    ]


def _problems(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Setting, what is wrong with it, id of the check. Never the key itself."""
    try:
        registry.driver_class(config.get("DRIVER", "http"))
    except (ImportError, TypeError, AttributeError):
        yield "DRIVER", f"There is no cluster driver {config['DRIVER']!r}.", "jobs.E001"
    url, key = config.get("URL", ""), config.get("KEY", "")
    if url and not _is_address(url):
        yield "URL", "The GPU cluster's address is not http(s)://host[:port][/path] without user or query.", "jobs.E002"
    if not isinstance(key, str) or not is_sendable(key):
        yield "KEY", "The GPU cluster's key has characters that no HTTP header can carry.", "jobs.E003"


def _is_address(url: Any) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no port
    except (ValueError, AttributeError, TypeError):
        return False
    extras = (parts.username, parts.password, parts.query, parts.fragment)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(extras) and not set(url) & set(" \\")


def _hint(name: str, key: str) -> str:
    return f"Set {VARIABLES[key]}." if name in {"", "default"} else f"See GPU_CLUSTERS[{name!r}][{key!r}]."
