"""What some clusters wrap their answers in. Pure.

{"status": "COMPLETED", "output": {…}} or {"success": true, "data": {…}}: an answer is read as layers, the
outermost first, and the innermost that knows a field is asked for it.
"""

from collections.abc import Mapping
from typing import Any

_WRAPPERS = ("data", "output", "result", "job")
_DEEPEST = 4


def layers(answer: object) -> list[Mapping[str, Any]]:
    """The objects of an answer from the outside in. ValueError when it is no JSON object."""
    found: list[Mapping[str, Any]] = []
    layer = answer
    while isinstance(layer, dict) and len(found) < _DEEPEST:
        found.append(layer)
        layer = next((layer[name] for name in _WRAPPERS if isinstance(layer.get(name), dict)), None)
    if not found:
        raise ValueError("it is not a JSON object")
    return found


def merged(answer: object) -> dict[str, Any]:
    """All fields of an answer; the innermost wins. ValueError when it is no JSON object."""
    return {name: value for layer in layers(answer) for name, value in layer.items()}


def around(answer: object, field: str) -> Mapping[str, Any]:
    """The innermost object that has the field. ValueError when none has it."""
    for layer in reversed(layers(answer)):
        if layer.get(field) is not None:
            return layer
    raise ValueError(f"{field} is missing")


def listed(answer: object, field: str, *, most: int | None = None) -> tuple[Mapping[str, Any], list[Any]]:
    """The object that has the field, and the field, which must be a list of at most `most`."""
    layer = around(answer, field)
    entries = layer[field]
    if not isinstance(entries, list):
        raise ValueError(f"{field} is not a list")
    if most is not None and len(entries) > most:
        raise ValueError(f"{field} has more than {most} entries")
    return layer, entries
