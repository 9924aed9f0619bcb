"""No browser refuses anything by our content security policy: not on a page, not in the admin, not in the API's."""

from typing import Any

import pytest

from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation

PAGES = (
    "/training/jobs",
    "/training/configure",
    "/training/jobs/{job}",
    "/datasets",
    "/datasets/{dataset}",
    "/datasets/{dataset}/edit",
    "/notifications",
    "/settings/tokens",
    "/settings/password",
    "/no/such/page",
    "/api/docs",
    "/login",
)
REPORT = (
    "document.addEventListener('securitypolicyviolation', e => console.error(`${e.violatedDirective} ${e.blockedURI}`))"
)


@pytest.fixture(scope="module")
def ids(installation: Installation, dataset: dict[str, Any]) -> dict[str, str]:
    job = installation.await_end("alice", installation.job("alice", dataset))
    return {"job": job["id"], "dataset": dataset["id"]}


def visit(tab: Any, paths: list[str], complaints: Complaints) -> None:
    """Opens each page; what a policy refuses is an error in its console, which fails the test."""
    tab.add_init_script(REPORT)
    for path in paths:
        tab.goto(path)
        tab.wait_for_load_state("networkidle")
    complaints.texts[:] = [text for text in complaints.texts if "404 (Not Found)" not in text]


def test_no_page_does_what_the_policy_refuses(open_tab: Open, ids: dict[str, str], complaints: Complaints) -> None:
    tab = open_tab("alice", "/training/jobs")
    visit(tab, [path.format(**ids) for path in PAGES], complaints)
    tab.goto("/api/docs")
    tab.locator(".opblock-summary").first.click()
    tab.locator(".opblock-body").first.wait_for()


def test_the_admin_does_nothing_that_the_policy_refuses(
    open_tab: Open, ids: dict[str, str], complaints: Complaints
) -> None:
    tab = open_tab("operator", "/admin/")
    lists = [link.get_attribute("href") or "" for link in tab.locator("th a[href^='/admin/']").all()]
    assert len(lists) > 15
    forms = [f"{path}add/" for path in lists if tab.locator(f"a[href='{path}add/']").count()]
    rows = []
    for path in lists:
        tab.goto(path)
        first = tab.locator("#result_list th a").first
        rows += [first.get_attribute("href") or ""] if first.count() else []
    assert len(rows) > 5
    visit(tab, ["/admin/", *lists, *forms, *rows, "/admin/password_change/"], complaints)
