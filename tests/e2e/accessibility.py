"""What every page has to stand: axe-core in both schemes, and the width of a phone."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def check(tab: Page) -> None:
    """Nothing to object to in either scheme, and nothing to scroll sideways on a phone."""
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour on its way to another one
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
