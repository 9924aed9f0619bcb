"""The colours of pictures: those of the page's two looks (static/tokens.css, a test compares them). Pure."""

from collections.abc import Mapping
from typing import Literal

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

# Token → its colour, light and dark.
_TOKENS = {
    "surface": ("#ffffff", "#161b22"),
    "ink": ("#171b22", "#e8ecf2"),
    "muted": ("#566070", "#9ca8b8"),
    "line": ("#dde1e8", "#29313c"),
    "line-strong": ("#7d8797", "#6f7d8f"),
    "good": ("#0b7655", "#70e0b4"),
    "warn": ("#8f5400", "#f6cf6e"),
    "training": ("#d2570a", "#ff9a4d"),
    "validation": ("#1668c7", "#66b2ff"),
    "utilization": ("#11786f", "#4fd1c2"),
    "rate": ("#8437b0", "#d29bf5"),
}
INKS: Mapping[Theme, Mapping[str, str]] = {
    theme: {token: colours[index] for token, colours in _TOKENS.items()} for index, theme in enumerate(THEMES)
}
