"""The list of jobs: live rows, filters in the address, an empty state that leads on."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Open
from tests.e2e.installation import Installation


def test_rows_follow_their_jobs(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    installation.job("alice", dataset, name="Followed in the list")
    tab = open_tab("alice", "/training/jobs?search=Followed in the list")
    row = tab.get_by_role("row").filter(has_text="Followed in the list")
    expect(row.locator(".badge")).to_have_text("Completed")


def test_filters_are_in_the_address(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    installation.await_end("alice", installation.job("alice", dataset, name="Found by its name"))
    tab = open_tab("alice", "/training/jobs")
    tab.get_by_label("Search name, dataset or id").fill("found by")
    tab.get_by_role("button", name="Apply").click()
    tab.wait_for_url(re.compile(r"search=found\+by"))
    expect(tab.locator("tbody tr")).to_have_count(1)
    tab.get_by_label("Status").select_option("failed")
    tab.wait_for_url(re.compile(r"status=failed"))
    expect(tab.get_by_role("heading", name="No job fits")).to_be_visible()
    tab.get_by_role("link", name="Show all jobs").click()
    expect(tab.get_by_role("link", name="Found by its name")).to_be_visible()


def test_the_first_visit_leads_to_the_first_job(open_tab: Open) -> None:
    tab = open_tab("operator", "/")
    tab.get_by_role("link", name="Create your first job").click()
    tab.wait_for_url("**/training/configure")
