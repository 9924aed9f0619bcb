"""The colours of static/tokens.css can be read in both themes, and told apart by every kind of sight."""

from itertools import combinations

import pytest

from tests.design.palette import SIGHTS, STATIC, THEMES, Pair, contrast, difference, grounds_and_inks, palette

PALETTE = palette()
GROUNDS = ("page", "surface", "sunken", "raised")
MEANINGS = ("good", "warn", "bad", "accent")
MANY = tuple(f"line-{number}" for number in range(1, 9))

# (ground, ink): plain text may stand on every ground; a meaning on its own tint as well.
TEXT = {
    *((ground, ink) for ground in GROUNDS for ink in ("ink", "muted", "accent", "accent-strong", *MEANINGS)),
    *((f"{meaning}-tint", ink) for meaning in MEANINGS for ink in (meaning, "ink", "muted")),
    *(("accent", "on-accent"), ("accent-strong", "on-accent"), ("bad", "on-bad")),
}
# What has to be seen, but is not read: curves, and borders of controls.
LINES = {
    (ground, line)
    for ground in ("page", "surface", "raised")
    for line in ("line-strong", "training", "validation", "utilization", "rate", *MANY)
}
# Two that stand beside each other and mean different things → how far apart they must be (a ΔE of 2.3 is just seen).
APART = {
    **dict.fromkeys(combinations(MEANINGS, 2), 12),
    ("training", "validation"): 60,
    **dict.fromkeys(combinations(MANY, 2), 12),
}


def in_theme(name: str, theme: str) -> str:
    return str(getattr(PALETTE[name], theme))


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_on_every_ground_it_stands_on(theme: str) -> None:
    written = {
        pair
        for path in STATIC.rglob("*.css")
        for pair in grounds_and_inks(path.read_text("utf-8"))
        if all(name in PALETTE for name in pair)
    }
    assert len(written) > 8
    ratios = {pair: contrast(*(in_theme(name, theme) for name in pair)) for pair in TEXT | written}
    assert not {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5}


@pytest.mark.parametrize("theme", THEMES)
def test_curves_and_borders_of_controls_can_be_seen(theme: str) -> None:
    ratios = {pair: contrast(*(in_theme(name, theme) for name in pair)) for pair in LINES}
    assert not {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 3}


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", THEMES)
def test_what_means_different_things_looks_different_to_everybody(theme: str, sight: str) -> None:
    apart = {(one, other): difference(in_theme(one, theme), in_theme(other, theme), sight) for one, other in APART}
    assert not {pair: round(found, 1) for pair, found in apart.items() if found < APART[pair]}


def test_training_is_orange_and_validation_blue() -> None:
    for theme in THEMES:
        for name, order in (("training", "rgb"), ("validation", "bgr")):
            color = in_theme(name, theme)
            channels = {channel: int(color[at : at + 2], 16) for channel, at in zip("rgb", (1, 3, 5), strict=True)}
            assert "".join(sorted(channels, key=lambda channel: -channels[channel])) == order


def test_the_yardsticks_are_the_published_ones() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert difference("#000000", "#ffffff", "full sight") == pytest.approx(100, abs=0.01)
    # Red and green of one lightness: nothing to tell them apart by where red or green cones are missing.
    assert difference("#c0392b", "#7a7a00", "deuteranopia") < difference("#c0392b", "#7a7a00", "full sight") / 3
    assert grounds_and_inks(".a { color: var(--ink); background: var(--page); } .b { color: var(--bad); }") == {
        ("page", "ink")
    }
    assert PALETTE["training"] == Pair("#d2570a", "#ff9a4d")
