"""What every page has to stand: axe-core in both schemes, tables that say what they are, and smaller screens."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# 24 px to hit, or room around (WCAG 2.5.8), besides what axe looks at anyway
OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
WIDTHS = (1024, 768, 390, 320)  # tablets; a phone; 1280 px at four times their size (WCAG 1.4.10)
# Questions, and tables of which whoever chooses by them wants to see every column, however wide the screen.
TOO_WIDE = """() => [...document.querySelectorAll(":has(> :is(.jobs-table, .gpus)), dialog[open]")]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map(({ id, className }) => `${id} ${className}`)"""
NAMELESS_TABLES = """() => [...document.querySelectorAll("table")]
  .filter((table) => !table.caption && !table.ariaLabel && !table.ariaLabelledByElements?.length)
  .map((table) => table.className)"""
HEADS_OF_NOTHING = """() => [...document.querySelectorAll("th:not([scope])")].map((head) => head.textContent.trim())"""


def check(tab: Page) -> None:
    """Nothing to object to in either scheme, and nothing to scroll sideways on a tablet or a phone."""
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour on its way to another one
        found = Axe().run(tab, options=OPTIONS)
        assert found.violations_count == 0, found.generate_report()
    assert tab.evaluate(NAMELESS_TABLES) == []
    assert tab.evaluate(HEADS_OF_NOTHING) == []
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 844})
        assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        assert tab.evaluate(TOO_WIDE) == [], width
