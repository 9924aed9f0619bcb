"""The list of jobs: live rows, filters that work as they change, jobs picked for a comparison, an empty state."""

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import A_TURN_LATER, AT_ONCE, OURS, Open, hear
from tests.e2e.installation import Installation

SEARCH = "Search name, dataset or id"


def rows(tab: Page) -> Any:
    return tab.locator("tbody tr")


def test_rows_follow_their_jobs_and_new_ones_wait_to_be_shown(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    installation.job("alice", dataset, name="Followed in the list")
    tab = open_tab("alice", "/training/jobs?search=followed in the list")
    row = rows(tab).filter(has_text="Followed in the list")
    expect(row.locator(".badge")).to_have_text("Completed")
    expect(row.get_by_role("img", name=re.compile("Training loss from .+ to .+"))).to_be_visible()
    # A row that is about to be used stays where it is, and stays ticked.
    tick = tab.get_by_role("checkbox", name="Compare Followed in the list")
    tick.check()
    installation.job("alice", dataset, name="Another to be followed in the list")
    tab.get_by_role("button", name="1 more job: show").click()
    expect(rows(tab)).to_have_count(2)
    expect(tick).to_be_checked()


def test_an_older_answer_marks_no_job_of_a_later_one_as_gone(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    installation.await_end("alice", installation.job("alice", dataset, name="First of two"))
    tab = open_tab("alice", "/training/jobs?search=of+two")
    before = tab.request.get(tab.url, headers={"X-Part": "results"}).text()
    installation.await_end("alice", installation.job("alice", dataset, name="Second of two"))
    tab.evaluate(AT_ONCE)
    more = tab.get_by_role("button", name="1 more job: show")
    expect(more).to_be_visible()
    results = re.compile(r"search=of\+two$")
    held: list[Route] = []
    tab.route(results, lambda route: route.continue_() if held else held.append(route))
    with tab.expect_request(results):
        tab.evaluate(AT_ONCE)
    more.click()
    expect(rows(tab)).to_have_count(2)
    held[0].fulfill(body=before, content_type="text/html", headers=OURS)
    tab.evaluate(A_TURN_LATER)
    assert tab.get_by_text("No longer in this list").count() == 0


def test_filters_work_as_they_change_and_are_in_the_address(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    installation.await_end("alice", installation.job("alice", dataset, name="Found by its name"))
    tab = open_tab("alice", "/training/jobs")
    search = tab.get_by_label(SEARCH)
    search.press_sequentially("found by")
    tab.wait_for_url(re.compile(r"search=found\+by"))
    expect(rows(tab)).to_have_count(1)
    expect(search).to_be_focused()
    expect(tab.locator("#list-said")).to_have_text("1 job found")
    tab.get_by_text("Filters", exact=True).click()
    tab.get_by_label("Dataset", exact=True).select_option(label="Sums")
    tab.wait_for_url(re.compile(r"dataset="))
    tab.get_by_role("link", name="Cost", exact=True).click()
    tab.wait_for_url(re.compile(r"sort=-cost"))
    expect(tab.get_by_role("columnheader", name="Cost")).to_have_attribute("aria-sort", "descending")
    expect(tab.get_by_role("link", name="Cost", exact=True)).to_be_focused()
    tab.get_by_role("link", name="Remove the filter Dataset").click()
    tab.wait_for_url(lambda url: "dataset=" not in url and "search=" in url)
    tab.go_back()
    expect(tab.get_by_role("link", name="Remove the filter Dataset")).to_be_visible()
    expect(tab.get_by_label("Dataset", exact=True)).to_have_value(re.compile(r".{36}"))
    search.fill("no such job")
    expect(tab.get_by_role("heading", name="No job fits")).to_be_visible()
    tab.get_by_role("link", name="Clear filters").click()
    expect(tab.get_by_role("link", name="Found by its name", exact=True)).to_be_visible()
    tab.reload()
    expect(tab.get_by_label(SEARCH)).to_have_value("")


def test_the_list_works_without_scripts(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    for number in (1, 2):
        installation.job("alice", dataset, name=f"Plain {number}")
    tab = open_tab("alice", "/training/jobs", java_script_enabled=False)
    tab.get_by_label(SEARCH).fill("plain")
    tab.get_by_role("button", name="Apply").click()
    expect(rows(tab)).to_have_count(2)
    for box in rows(tab).get_by_role("checkbox").all():
        box.check()
    tab.get_by_role("button", name="Compare").click()
    expect(tab.get_by_role("heading", name="Results")).to_be_visible()


def test_a_job_is_cancelled_from_its_row(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    installation.long_job("alice", dataset, name="To be cancelled")
    tab = open_tab("alice", "/training/jobs?search=to be cancelled")
    expect(tab.locator("[data-cancel][data-learned]")).to_have_count(1)
    tab.get_by_role("button", name="Cancel To be cancelled").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("Billed so far: $")
    expect(dialog.get_by_label("Stop and keep the adapter")).to_be_checked()
    dialog.get_by_role("button", name="Cancel job").click()
    hear(tab, "To be cancelled: training job cancelled successfully")
    expect(rows(tab).locator(".badge")).to_have_text("Cancelled")


def test_the_first_visit_leads_to_the_first_dataset(open_tab: Open) -> None:
    tab = open_tab("operator", "/")
    tab.get_by_role("link", name="Bring your first dataset").click()
    tab.wait_for_url("**/datasets")
