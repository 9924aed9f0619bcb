"""axe-core finds nothing to object to, in either colour scheme, and no page is wider than a phone."""

from collections.abc import Mapping
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template import loader
from playwright.sync_api import Page

from tests.e2e import scene
from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation
from tests.e2e.pages import SIGHTS

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def ids(installation: Installation) -> Mapping[str, str]:
    return scene.arrange(installation)


@pytest.mark.parametrize("name", SIGHTS)
def test_a_page_is_accessible_in_both_schemes_and_fits_a_phone(
    name: str, open_tab: Open, ids: Mapping[str, str], complaints: Complaints
) -> None:
    sight = SIGHTS[name]
    tab = open_tab(sight.username, sight.path.format(**ids))
    tab.wait_for_load_state("networkidle")
    sight.arrange(tab)
    check(tab)
    if sight.is_missing:
        complaints.forgive()  # the browser notes the 404


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "429.html", "500.html"])
def test_a_page_that_refuses_is_accessible_too(template: str, open_tab: Open) -> None:
    """Nobody can make an installation that works show these, so it is their look alone that comes from elsewhere."""
    page = loader.get_template(template).render({"wait": 30, "back": "/", "away": True})
    tab = open_tab(None, "/login")
    tab.route("**/refused", lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"))
    tab.goto("/refused")
    tab.wait_for_load_state("networkidle")
    check(tab)


def check(tab: Page) -> None:
    """Nothing to object to in either scheme, and nothing to scroll sideways on a phone."""
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour on its way to another one
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
