"""pip's package mirrors, said in uv's words.

Companies point pip at their mirror, by PIP_… variables or in pip's configuration files. uv reads neither, so
what `pip config list` reports is translated. What the user has told uv itself always wins.
"""

import ast
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# pip's option → uv's variable, and what joins several values of it.
_VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "client-cert": ("SSL_CLIENT_CERT", " "),
    "proxy": ("ALL_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
}
# An older name of the same thing, which counts as "the user has told uv".
_OLDER_NAMES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
_WHERE = ("global", "install", ":env:")  # later ones win, as in pip


@dataclass(frozen=True)
class Mirrors:
    """What uv needs to load packages from where pip would."""

    environment: Mapping[str, str]
    arguments: tuple[str, ...]


def for_uv(pip_config: str, environment: Mapping[str, str]) -> Mirrors:
    """Translate the text of `pip config list`; variables that are set in `environment` are left alone."""
    options = dict(_options(pip_config))
    translated: dict[str, str] = {}
    for option, (variable, separator) in _VARIABLES.items():
        if option not in options or _is_set(variable, environment):
            continue
        translated[variable] = separator.join(shlex.split(options[option]))
    if "UV_INDEX" in translated and "UV_INDEX_STRATEGY" not in environment:
        # pip asks every index; uv stops at the first that knows the name. Hashes keep that safe.
        translated["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    no_index = options.get("no-index", "").lower() in {"1", "true", "yes", "on"}
    return Mirrors(environment=translated, arguments=("--no-index",) if no_index else ())


def _options(pip_config: str) -> Iterator[tuple[str, str]]:
    """(option, value) from lines like `global.index-url='https://…'`, the winning line last."""
    found: list[tuple[int, str, str]] = []
    for line in pip_config.splitlines():
        name, equals, value = line.partition("=")
        where, dot, option = name.rpartition(".")
        if equals and dot and where in _WHERE:
            found.append((_WHERE.index(where), option, _unquoted(value)))
    found.sort(key=lambda entry: entry[0])
    for _, option, value in found:
        yield option, value


def _unquoted(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value


def _is_set(variable: str, environment: Mapping[str, str]) -> bool:
    return variable in environment or _OLDER_NAMES.get(variable, variable) in environment
