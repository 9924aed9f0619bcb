"""Every address that the product answers to, as Django's resolver knows them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

_PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")


@dataclass(frozen=True)
class Route:
    """`pattern` is the whole path, such as /api/jobs/<uuid:job_id>/cancel; an unnamed route goes by its pattern."""

    name: str
    pattern: str

    @property
    def parameters(self) -> dict[str, str]:
        """Name of each variable part → its converter."""
        return {found["name"]: found["converter"] or "str" for found in _PARAMETER.finditer(self.pattern)}

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("/api/")

    @property
    def is_admin(self) -> bool:
        return self.pattern.startswith("/admin")

    def path(self, values: dict[str, str]) -> str:
        """The address with its variable parts filled in."""
        return _PARAMETER.sub(lambda found: values[found["name"]], self.pattern)


def every_route() -> list[Route]:
    """All of them, in the resolver's order."""
    return list(_walk(get_resolver().url_patterns, "/", ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str, namespace: str) -> Iterator[Route]:
    for pattern in patterns:
        # The admin's last resort is a regular expression; it leads to a 404 or a login.
        part = str(pattern.pattern) if isinstance(pattern.pattern, RoutePattern) else "<path:url>"
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, prefix + part, inner)
        else:
            yield Route(f"{namespace}{pattern.name}" if pattern.name else prefix + part, prefix + part)
