"""axe-core finds nothing to object to, in either colour scheme, and no page is wider than a tablet or a phone."""

from collections.abc import Iterator, Mapping

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e import scene
from tests.e2e.accessibility import SCHEMES, check
from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation
from tests.e2e.pages import SIGHTS


@pytest.fixture(scope="module")
def ids(installation: Installation) -> Iterator[Mapping[str, str]]:
    arranged = scene.arrange(installation)
    yield arranged
    installation.cancel("alice", arranged["running"])


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


def test_the_api_s_page_is_readable_in_both_schemes(open_tab: Open) -> None:
    """How Swagger UI nests its elements is left to its package; what its colours are is not."""
    tab = open_tab("alice", "/api/docs", reduced_motion="reduce")
    tab.locator(".opblock-post .opblock-summary-control").first.click()
    tab.get_by_text("Responses").first.wait_for()
    rules = {
        "color-contrast",
        "document-title",
        "html-has-lang",
        "landmark-one-main",
        "button-name",
        "link-name",
        "label",
    }
    for scheme, ground in zip(SCHEMES, ("rgb(245, 246, 248)", "rgb(14, 18, 23)"), strict=True):
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(tab, options={"runOnly": sorted(rules), "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert tab.evaluate("getComputedStyle(document.querySelector('.opblock-tag')).color") != ground
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
