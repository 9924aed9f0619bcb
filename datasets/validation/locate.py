"""Where in the text of a line a field is: validation knows values, people look at characters."""

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed lacks it

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def locate(text: str, field: str) -> tuple[int, int] | None:
    """From and to (characters) of the value of a field such as messages[2].role in a line of JSON.

    Of the innermost part that is there, where the line lacks the rest; None where it has nothing of it.
    """
    try:
        whole = _child(text, _skip(text, 0), field)
        return whole or _descend(text, field)
    except (ValueError, IndexError, StopIteration, RecursionError):
        return None


def _descend(text: str, field: str) -> tuple[int, int] | None:
    span, at = None, _skip(text, 0)
    for index, name in _STEP.findall(field):
        found = _child(text, at, int(index) if index else name)
        if found is None:
            break
        span, at = found, found[0]
    return span


def _child(text: str, at: int, step: str | int) -> tuple[int, int] | None:
    children = _members(text, at) if isinstance(step, str) else _elements(text, at)
    return next((span for key, span in children if key == step), None)


def _members(text: str, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    if text[at] != "{":
        return
    at = _skip(text, at + 1)
    while text[at] == '"':
        key, at = scanstring(text, at + 1)
        start = _skip(text, _skip(text, at) + 1)  # behind the colon
        _, end = _DECODER.raw_decode(text, start)
        yield key, (start, end)
        at = _skip(text, _skip(text, end) + 1)  # behind the comma or the brace
        if at >= len(text):
            return


def _elements(text: str, at: int) -> Iterator[tuple[int, tuple[int, int]]]:
    if text[at] != "[":
        return
    at, index = _skip(text, at + 1), 0
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield index, (at, end)
        index += 1
        at = _skip(text, end)
        if text[at] == "]":
            return
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
