"""axe-core finds nothing to object to, in either colour scheme, and no page is wider than a phone."""

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAGES = {
    "list": "/training/jobs",
    "configure": "/training/configure",
    "monitor": "/training/jobs/{job}",
    "configuration": "/training/jobs/{job}#configuration",
    "info": "/training/jobs/{job}#info",
    "datasets": "/datasets",
    "dataset": "/datasets/{dataset}",
    "notifications": "/notifications",
    "notification settings": "/settings/notifications",
    "tokens": "/settings/tokens",
    "password": "/settings/password",
    "missing": "/no/such/page",
}


@pytest.fixture(scope="module")
def ids(installation: Installation, dataset: dict[str, Any]) -> dict[str, str]:
    job = installation.await_end("alice", installation.job("alice", dataset))
    return {"job": job["id"], "dataset": dataset["id"]}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_in_both_schemes_and_fits_a_phone(
    name: str, open_tab: Open, ids: dict[str, str], complaints: Complaints
) -> None:
    tab = open_tab("alice", PAGES[name].format(**ids))
    tab.wait_for_load_state("networkidle")
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme)
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if name == "missing":
        complaints.forgive()  # the browser notes the 404


def test_the_login_page_is_accessible(open_tab: Open) -> None:
    tab = open_tab("alice", "/training/jobs")
    tab.context.clear_cookies()
    tab.goto("/login")
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_the_cancel_dialog_is_accessible(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    job = installation.job("alice", dataset, hyperparameters={"epochs": 50})
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    tab.get_by_role("button", name="Cancel job").click()
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    installation.api("alice").post(f"jobs/{job['id']}/cancel", {})
