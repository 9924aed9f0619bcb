"""JSON from a stranger, one value at a time: what has the wrong type, sign or size is None, never an error.

Text comes out free of what a database refuses (NUL, lone surrogates), of query strings and of secrets, because
a cluster may echo the signed URLs and tokens it was given. Times are UTC. Numbers fit the columns they go to.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from accounts.redaction import redact

MAX_INT = 2**31 - 1
MAX_BIGINT = 2**63 - 1
TEN_YEARS_S = 10 * 366 * 24 * 3600
MAX_NAMES = 100

_NONFINITE = {"nan": "NaN", "inf": "Infinity", "infinity": "Infinity", "-inf": "-Infinity", "-infinity": "-Infinity"}
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")
_QUERY = re.compile(r"(\bhttps?://[^\s?\"'<>]+)\?[^\s\"'<>]+", re.IGNORECASE)


def parse(body: bytes) -> Any:
    """The JSON value; NaN, Infinity and numbers of any length are read. Raises ValueError."""
    try:
        return json.loads(body, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _integer(digits: str) -> int | float:
    # Python refuses to convert thousands of digits; as a float they are simply infinite.
    return int(digits) if len(digits) < 64 else float(digits)


def text(value: object, *, longest: int = 500) -> str | None:
    """A cleaned, bounded text; numbers as they print; None for anything else and for nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    clean = redact(_QUERY.sub(r"\1?…", _UNPRINTABLE.sub(" ", value[: 4 * longest]))).strip()
    return (clean if len(clean) <= longest else clean[: longest - 1] + "…") or None


def number(value: object, *, low: float = -math.inf, high: float = math.inf) -> float | None:
    """A finite number within the bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or not low <= value <= high:
        return None
    return float(value)


def integer(value: object, *, high: int = MAX_INT) -> int | None:
    """A whole number from 0 to `high`; fractions are cut off, a text of digits is read."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    whole = int(value)
    return whole if 0 <= whole <= high else None


def moment(value: object) -> datetime | None:
    """An ISO 8601 time; one without a zone is UTC."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def texts(value: object) -> dict[str, str]:
    """The text members of an object."""
    pairs = ((text(name, longest=64), text(member)) for name, member in list(mapping(value).items())[:MAX_NAMES])
    return {name: member for name, member in pairs if name is not None and member is not None}


def numbers(value: object) -> tuple[dict[str, float | None], dict[str, str]]:
    """The named numbers of an object, and the names of those that are not finite, with what they were."""
    finite: dict[str, float | None] = {}
    nonfinite: dict[str, str] = {}
    for given, member in list(mapping(value).items())[:MAX_NAMES]:
        name = _name(given)
        if name is None:
            continue
        finite[name] = number(member)
        if finite[name] is None and (word := _nonfinite(member)) is not None:
            nonfinite[name] = word
    return finite, nonfinite


@lru_cache(maxsize=1024)
def _name(given: str) -> str | None:
    # The same few names come with every point of every job.
    return text(given, longest=64)


def _nonfinite(value: object) -> str | None:
    if isinstance(value, str):
        return _NONFINITE.get(value.strip().lower().removeprefix("+"))
    if isinstance(value, float) and not math.isfinite(value):
        return _NONFINITE[str(value)]
    return None
