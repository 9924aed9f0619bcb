"""Reads one line as one JSON value, stricter than `json.loads`, and explains what is wrong with it.

Refused besides bad syntax: duplicate keys (the last would silently win), NaN and Infinity (not JSON, though
Python writes them), text that is not UTF-8, lone surrogates (they cannot be written as UTF-8 again).
"""

import json
from typing import Any, NoReturn

from datasets.validation.problems import printable


class BadJSON(Exception):
    """Why a line cannot be read: the parts of a Problem, and `at`, the character where it is seen."""

    def __init__(self, field: str, error: str, suggestion: str, at: int | None = None) -> None:
        super().__init__(error)
        self.field = field
        self.error = error
        self.suggestion = suggestion
        self.at = at


def parse(line: bytes) -> Any:
    """The value on this line; raises BadJSON."""
    text = _decode(line)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _explain(error, text) from None
    except RecursionError:
        raise BadJSON("", "The JSON is nested too deeply.", "Flatten it: examples need few levels.") from None
    except ValueError:
        raise BadJSON("", "A number has too many digits.", "Write it as a string.") from None
    if "\\ud" in text or "\\uD" in text:
        _refuse_lone_surrogates(value)
    return value


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJSON(
            "",
            f"Byte {error.start + 1} (0x{line[error.start]:02x}) is not UTF-8.",
            "Save the file as UTF-8; it may be in Windows-1252 or Latin-1 now.",
            at=len(line[: error.start].decode("utf-8")),
        ) from None


def _explain(error: json.JSONDecodeError, text: str) -> BadJSON:
    if not text.lstrip().startswith(("{", "[", '"')):
        advice = "Each line has to be one JSON object."
    elif error.pos >= len(text.rstrip()):
        advice = "The line ends in the middle of its JSON: an example must not contain raw line breaks."
    elif error.msg.startswith("Extra data"):
        advice = "Put each example on a line of its own, with no comma behind it."
    elif text[error.pos : error.pos + 1] == "'" or "property name enclosed in double quotes" in error.msg:
        advice = "JSON wants double quotes and no trailing commas; write it with a JSON library."
    elif error.msg.startswith("Invalid control character"):
        advice = "Write tabs and line breaks inside a text as \\t and \\n."
    elif error.msg.startswith("Invalid \\"):
        advice = "Write a backslash inside a text as \\\\."
    else:
        advice = "Write the line with a JSON library, for example json.dumps in Python."
    return BadJSON("", f"Not valid JSON at column {error.colno}: {error.msg}.", advice, at=error.pos)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadJSON(
            twice,
            f"The key “{printable(twice, 60)}” appears twice in one object.",
            "Keep one of them: readers disagree on which one counts.",
        )
    return value


def _constant(name: str) -> NoReturn:
    raise BadJSON("", f"{name} is not a JSON value.", "Use null or leave the key out.")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise BadJSON("", f"The number {printable(digits, 40)} is too large.", "Write it as a string.")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _refuse_lone_surrogates(value: Any) -> None:
    """Only called when the line has surrogate escapes at all, since walking every value costs time."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadJSON(
            "",
            "A text contains half of a surrogate pair (\\ud800 to \\udfff).",
            "Remove it: it is not a character, and trainers stop at it.",
        ) from None
