"""The summary that a training program writes about its run, read as JSON that every database can keep. Pure."""

import json
import math

SUMMARY_FILE = "training_summary.json"
MAX_SUMMARY_BYTES = 1024**2


def read_summary(content: bytes) -> dict[str, object]:
    """The object in the file; empty where it is none, is nested too deeply or holds text that cannot be stored.

    A run that diverged writes NaN and Infinity, which JSON does not have: they become null.
    """
    try:
        summary = json.loads(content, parse_constant=lambda _: None, parse_float=_finite)
        # Lone surrogates cannot be encoded; PostgreSQL has no NUL.
        is_storable = "\\u0000" not in json.dumps(summary, ensure_ascii=False).encode().decode()
    except (ValueError, RecursionError):
        return {}
    return summary if isinstance(summary, dict) and is_storable else {}


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
