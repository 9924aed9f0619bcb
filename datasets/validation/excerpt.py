"""What a page shows of a faulty line: the place and some text around it, with nothing in it that cannot be seen."""

import unicodedata
from dataclasses import asdict, dataclass
from typing import Any

AROUND = 90  # characters shown on either side of the place
MARKED = 120
NEIGHBOUR = 100

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass
class Excerpt:
    """The line as `before` + `mark` + `after`, cut with “…”; `previous` and `next` begin the lines beside it.

    Without a place `mark` is empty, and `after` begins the line. None for a neighbour that there is not.
    """

    before: str
    mark: str
    after: str
    previous: str | None = None
    next: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def excerpt(line: bytes, place: tuple[int, int] | None) -> Excerpt:
    """Of a line as it stands in the file; `place` is from and to, in characters of `decoded(line)`."""
    text = decoded(line)
    if place is None:
        return Excerpt("", "", _beginning(text, 2 * AROUND))
    start, end = (min(position, len(text)) for position in place)
    if start == end == len(text):
        return Excerpt(_end(text), "⏎", "")  # something is missing at the line's end
    end = max(end, start + 1)
    return Excerpt(_end(text[:start]), _beginning(text[start:end], MARKED), _beginning(text[end:], AROUND))


def neighbour(line: bytes | None) -> str:
    """The beginning of a line beside the faulty one; None for one that is too long to be read."""
    return "…" if line is None else _beginning(decoded(line[: 4 * NEIGHBOUR + 4]), NEIGHBOUR)


def decoded(line: bytes) -> str:
    """The line as text, whatever it is."""
    return line.decode("utf-8", "replace")


def visible(text: str) -> str:
    """The text with a sign for each character that cannot be seen: ␉ for a tab, ⟨U+200B⟩ for others."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_sign(character) for character in text)


def _sign(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"⟨U+{code:04X}⟩" if unicodedata.category(character) in _UNSEEN else character


def _beginning(text: str, limit: int) -> str:
    return visible(text[: limit - 1]) + "…" if len(text) > limit else visible(text)


def _end(text: str) -> str:
    return "…" + visible(text[1 - AROUND :]) if len(text) > AROUND else visible(text)
