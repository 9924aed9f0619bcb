"""The costs page: what a job cost, found by range, group, bar and table, and taken along as a sheet."""

import csv
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Open
from tests.e2e.installation import Installation


def test_what_a_job_cost_is_found_and_taken_along(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    job = installation.billed_job("alice", dataset, name="Dear one")
    api = installation.api("alice")
    # What jobs of other tests cost would move the total.
    installation.await_true(lambda: not api.get("jobs", status="queued,initializing,running,cancelling")["jobs"])
    tab = open_tab("alice", "/training/jobs")
    tab.get_by_role("link", name="Costs").click()
    tab.wait_for_url("**/costs")
    tab.get_by_label("Range").select_option("Last 12 months")  # another month may have begun since the bill was written
    tab.wait_for_url(re.compile(r"/costs\?range=12-months&group=job$"))
    row = tab.get_by_role("row").filter(has_text="Dear one")
    expect(row).to_contain_text(f"${job['final_cost']:,.2f}")
    expect(row).to_contain_text("Cluster's figures")

    tab.locator(".bar").last.hover(position={"x": 5, "y": 5})
    expect(tab.locator("#readout")).to_contain_text("$")
    tab.get_by_text("The same as a table").click()
    expect(tab.get_by_role("columnheader", name="H100-80GB")).to_be_visible()

    tab.get_by_role("link", name="GPU type", exact=True).click()
    total = installation.api("alice").get("costs/summary?range=12-months")["total"]
    expect(tab.locator(".cost-main")).to_contain_text(f"${total:,.2f}")
    tab.get_by_role("link", name="GPU time").click()
    expect(tab.get_by_role("columnheader", name="GPU time")).to_have_attribute("aria-sort", "descending")

    with tab.expect_download() as taken:
        tab.get_by_role("link", name="Download CSV").click()
    rows = list(csv.DictReader(Path(taken.value.path()).read_text().splitlines()))
    assert [row["amount_usd"] for row in rows if row["job"] == "Dear one"] == [f"{job['final_cost']:.2f}"]
    assert round(sum(float(row["amount_usd"]) for row in rows), 2) == total

    tab.wait_for_load_state()
    tab.get_by_label("Range").select_option("Custom dates")
    tab.get_by_label("From").fill("2020-01-02")
    tab.get_by_label("To, included").fill("2020-01-01")
    tab.get_by_role("button", name="Show").click()
    expect(tab.get_by_label("To, included")).to_have_accessible_description(
        "Choose a day that is not before the first one."
    )
    tab.get_by_label("To, included").fill("2020-01-03")
    tab.get_by_role("button", name="Show").click()
    expect(tab.get_by_text("No bill in these days")).to_be_visible()
