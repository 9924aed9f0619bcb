"""axe-core finds nothing to object to, in either colour scheme, and no page is wider than a phone."""

from collections.abc import Mapping

import pytest
from django.template import loader

from tests.e2e import scene
from tests.e2e.accessibility import check
from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation
from tests.e2e.pages import SIGHTS


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
