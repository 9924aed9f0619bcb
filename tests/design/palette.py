"""The palette of static/tokens.css, and how far apart two of its colours are: for the law, and for other eyes.

Contrast is that of WCAG 2.2 (relative luminance). Other sights are simulated with the matrices of Machado, Oliveira
and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.0, which
work on linear RGB; distance is CIE 1976 ΔE*ab in CIELAB (D65), of which some 2.3 can just be noticed.
"""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).resolve().parents[2] / "static"
THEMES = ("light", "dark")

_PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

SIGHTS: Mapping[str, Matrix] = {
    "full sight": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_TO_XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE: Vector = (0.95047, 1.0, 1.08883)


class Pair(NamedTuple):
    light: str
    dark: str


def palette() -> dict[str, Pair]:
    """Name of each colour token, without its dashes → its two values, such as "#d2570a"."""
    text = (STATIC / "tokens.css").read_text("utf-8")
    return {name: Pair(light, dark) for name, light, dark in _PAIR.findall(text)}


def contrast(one: str, other: str) -> float:
    """1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def difference(one: str, other: str, sight: str) -> float:
    """ΔE*ab of the two as somebody with this sight sees them."""
    seen = (_lab(_times(SIGHTS[sight], _linear(color))) for color in (one, other))
    return math.dist(*seen)


def grounds_and_inks(css: str) -> set[tuple[str, str]]:
    """(ground, ink) of each rule that sets both from tokens."""
    found = set()
    for rule in re.findall(r"\{([^{}]*)\}", css):
        ground = re.search(r"background(?:-color)?: var\(--([\w-]+)\);", rule)
        ink = re.search(r"(?<![-\w])color: var\(--([\w-]+)\);", rule)
        if ground and ink:
            found.add((ground[1], ink[1]))
    return found


def _linear(color: str) -> Vector:
    red, green, blue = (_expanded(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return red, green, blue


def _expanded(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _luminance(color: str) -> float:
    return _dot(_TO_XYZ[1], _linear(color))


def _lab(linear: Vector) -> Vector:
    within = tuple(min(1.0, max(0.0, value)) for value in linear)
    x, y, z = (_root(_dot(row, within) / white) for row, white in zip(_TO_XYZ, _WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(value: float) -> float:
    return float(value ** (1 / 3)) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116


def _times(matrix: Matrix, vector: Vector) -> Vector:
    first, second, third = (_dot(row, vector) for row in matrix)
    return first, second, third


def _dot(row: Sequence[float], column: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(row, column, strict=True))
