"""The summary that a training program writes about its run, read as JSON that every database can keep. Pure."""

import json
import math
from collections.abc import Mapping

from accounts.redaction import redact
from jobs.summary import figure

SUMMARY_FILE = "training_summary.json"
MAX_SUMMARY_BYTES = 1024**2
QUALITY = ("training_loss", "validation_loss", "best_validation_loss", "base_validation_loss", "best_step")


def read_summary(content: bytes) -> dict[str, object]:
    """The object in the file; empty where it is none or is nested too deeply.

    A run that diverged writes NaN and Infinity, which JSON does not have: they become null. Characters that a
    database cannot keep are left out of texts: a model may answer with any.
    """
    try:
        summary = _storable(json.loads(content, parse_constant=lambda _: None, parse_float=_finite))
    except (ValueError, RecursionError):
        return {}
    return summary if isinstance(summary, dict) else {}


def quality(summary: Mapping[str, object], last_known: Mapping[str, float | None]) -> dict[str, float | None]:
    """How good the adapter is: the run's own figures, else the last points of its curve. Null where nobody knows."""
    told = {name: value for name in QUALITY if (value := figure(summary.get(name))) is not None}
    return {
        **dict.fromkeys(QUALITY),
        "training_loss": last_known.get("training_loss"),
        "validation_loss": last_known.get("validation_loss"),
        **told,
    }


def versions(summary: Mapping[str, object]) -> dict[str, str]:
    """The libraries that the run was trained with, as it says itself."""
    told = summary.get("versions")
    return {str(name)[:64]: str(text)[:64] for name, text in told.items()} if isinstance(told, dict) else {}


def _storable(value: object) -> object:
    """The same without lone surrogates, which cannot be encoded, NUL, which PostgreSQL does not have, and secrets."""
    if isinstance(value, str):
        return redact(value.replace("\0", "").encode(errors="ignore").decode())
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {str(_storable(name)): _storable(each) for name, each in value.items()}
    return value


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
