"""Jobs side by side: picked in the list, added and left out, what differs, and what is the best."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.e2e.conftest import Open
from tests.e2e.installation import Installation


def test_jobs_are_picked_compared_added_and_left_out(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "Ranked 8": {"rank": 8},
        "Ranked 32": {"rank": 32},
        "Late comer": {"rank": 64},
    }
    for name, changed in changes.items():
        job = installation.job("alice", dataset, name=name, hyperparameters={"epochs": 1, **changed})
        installation.await_end("alice", job)
    tab = open_tab("alice", "/training/jobs?search=ranked")
    tab.get_by_role("checkbox", name="Compare Ranked 8").check()
    expect(tab.get_by_role("form", name="Comparison")).to_contain_text("1 job is ticked.")
    expect(tab.get_by_role("button", name="Compare", exact=True)).to_be_disabled()
    # A tick outlives the filter that leaves its row out.
    tab.get_by_label("Search name, dataset or id").fill("ranked 32")
    expect(tab.locator("tbody tr")).to_have_count(1)
    tab.get_by_role("checkbox", name="Compare Ranked 32").check()
    tab.get_by_role("button", name="Compare 2 jobs").click()
    tab.wait_for_url(re.compile(r"/training/compare\?jobs=[0-9a-f-]{36},[0-9a-f-]{36}$"))

    # A run whose points take long, or do not come, holds up no other one.
    slow = tab.url.rpartition(",")[2]
    tab.route(f"**/api/jobs/{slow}/metrics?*", lambda route: None)
    tab.reload()
    curve = tab.get_by_role("region", name="Training loss").get_by_role("img", name=re.compile("Ranked 8"))
    expect(curve).to_be_visible()
    tab.unroute_all()
    tab.reload()
    for chart in ("Training loss", "Validation loss"):
        picture = tab.get_by_role("region", name=chart).get_by_role("img", name=re.compile("Ranked 8.+Ranked 32"))
        expect(picture).to_be_visible()
    expect(tab.locator("#compare-points")).to_have_text(re.compile(r"^\d+ points$"))
    tab.get_by_role("radio", name="Epoch").check()
    tab.wait_for_url(re.compile("x=epoch"))

    results = tab.get_by_role("region", name="Results, side by side")
    expect(results.get_by_role("row", name="Best validation loss").get_by_text("Best", exact=True)).to_have_count(1)
    results.get_by_role("link", name="Ranked 32").focus()
    expect(
        tab.get_by_role("listitem").filter(has=tab.get_by_role("link", name="Leave out Ranked 32"))
    ).to_have_attribute("data-lit", "")
    settings = tab.get_by_role("region", name="Settings, side by side")
    expect(settings.get_by_role("row", name=re.compile("^LoRA rank"))).to_be_visible()
    expect(settings.get_by_role("row", name=re.compile("^LoRA alpha"))).to_be_hidden()
    tab.get_by_label(re.compile("Show all")).check()
    expect(settings.get_by_role("row", name=re.compile("^LoRA alpha"))).to_be_visible()

    tab.get_by_text("Add a job").click()
    tab.get_by_label("Search name, dataset or id").fill("late")
    tab.get_by_role("link", name="Add Late comer").click()
    expect(results.get_by_role("columnheader")).to_have_count(4)
    tab.get_by_role("link", name="Leave out Ranked 8").click()
    expect(results.get_by_role("columnheader")).to_have_count(3)
    kept = tab.get_by_role("listitem").filter(has=tab.get_by_role("link", name="Leave out Ranked 32"))
    expect(kept.locator(".swatch")).to_have_class("swatch series-2")  # as it was
    with tab.expect_download() as download:
        tab.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "comparison.csv"
