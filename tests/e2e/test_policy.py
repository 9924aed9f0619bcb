"""The browser refuses nothing by our content security policy, in the admin or the API's page.

Our own pages are visited by test_accessibility.py; every tab of these tests reports what was refused.
"""

from typing import Any

import pytest

from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation


@pytest.fixture(scope="module", autouse=True)
def rows(installation: Installation, dataset: dict[str, Any]) -> None:
    """So that the admin has rows to show."""
    installation.await_end("alice", installation.job("alice", dataset))


def visit(tab: Any, paths: list[str], complaints: Complaints) -> None:
    """Opens each page; what a policy refuses is an error in its console, which fails the test."""
    for path in paths:
        tab.goto(path)
        tab.wait_for_load_state("networkidle")
    complaints.texts[:] = [text for text in complaints.texts if "404 (Not Found)" not in text]


def test_the_api_s_page_does_nothing_that_the_policy_refuses(open_tab: Open) -> None:
    tab = open_tab("alice", "/api/docs")
    tab.locator(".opblock-summary").first.click()
    tab.locator(".opblock-body").first.wait_for()


def test_the_admin_does_nothing_that_the_policy_refuses(open_tab: Open, complaints: Complaints) -> None:
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
