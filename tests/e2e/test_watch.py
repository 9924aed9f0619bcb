"""From the form to the finished job, and cancelled half-way, as a user sees it."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import PATIENCE_MS, Complaints, Open, hear, held_back
from tests.e2e.installation import Installation


def badge(tab: Page) -> Any:
    return tab.locator("#badge")


def figure(tab: Page, name: str) -> Any:
    return tab.locator(f'[data-field="{name}"]').first


def test_a_job_is_created_watched_and_completed(open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/configure?dataset={dataset['id']}")
    expect(tab.locator('[data-estimate="cost"]')).to_contain_text("$")
    tab.get_by_label("Name").fill("Sums, many passes")
    tab.get_by_label("Epochs").fill("30")  # so that it is seen running, on a busy machine too
    tab.get_by_role("button", name="Start training").click()

    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    expect(tab.get_by_role("heading", name="Sums, many passes")).to_be_visible()
    expect(badge(tab)).to_have_text("Running")
    expect(tab.get_by_text("Simulated run", exact=True)).to_be_visible()
    expect(figure(tab, "training_loss")).not_to_have_text("—")
    expect(figure(tab, "epoch")).to_contain_text("of 30")

    expect(badge(tab)).to_have_text("Completed", timeout=3 * PATIENCE_MS)
    expect(tab.locator("#progress")).to_be_hidden()
    expect(tab.get_by_role("button", name="Cancel job")).to_be_hidden()
    expect(figure(tab, "cost_note")).to_have_text("final")
    tab.get_by_role("tab", name="Artifacts").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="adapter_config.json", exact=True).click()
    assert download.value.suggested_filename == "adapter_config.json"


def test_a_running_job_is_cancelled_after_a_question(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    job = installation.long_job("alice", dataset)
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    expect(badge(tab)).to_have_text("Running")

    tab.get_by_role("button", name="Cancel job").click()
    question = tab.get_by_role("dialog", name="Cancel this training job?")
    question.get_by_role("button", name="Keep training").click()
    expect(question).to_be_hidden()
    expect(badge(tab)).to_have_text("Running")

    tab.get_by_role("button", name="Cancel job").click()
    with held_back(tab, "**/api/jobs/*?since=*"):  # the page cannot learn how quickly it was proved
        question.get_by_role("button", name="Cancel job").click()
        expect(badge(tab)).to_have_text("Cancelling…")
    hear(tab, "Training job cancelled successfully")
    expect(badge(tab)).to_have_text("Cancelled")
    expect(tab.locator("#progress")).to_be_hidden()
    expect(tab.locator("#cancel-open")).to_be_hidden()


def test_the_cancel_dialog_is_left_by_escape(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    job = installation.long_job("alice", dataset)
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    tab.get_by_role("button", name="Cancel job").press("Enter")
    expect(tab.get_by_role("dialog")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    assert installation.api("alice").get(f"jobs/{job['id']}")["job"]["status"] not in ("cancelling", "cancelled")
    installation.api("alice").post(f"jobs/{job['id']}/cancel", {})


def test_a_failed_job_says_why_and_is_retried_as_a_new_one(open_tab: Open, installation: Installation) -> None:
    changed = installation.await_ready("alice", installation.dataset("alice", "Changed later"))
    installation.store("alice", "changed-later.jsonl", b"{}\n")
    job = installation.job("alice", changed)
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    expect(badge(tab)).to_have_text("Failed")
    expect(tab.get_by_text("Import or upload it again")).to_be_visible()
    expect(tab.get_by_text("Cause: the data")).to_be_visible()
    tab.get_by_role("button", name="Retry as a new job").click()
    tab.wait_for_url(lambda url: job["id"] not in url)


def test_the_page_survives_a_restart_of_the_server(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    job = installation.long_job("alice", dataset)
    tab = open_tab("alice", f"/training/jobs/{job['id']}", has_clock=True)
    expect(badge(tab)).to_have_text("Running")
    before = figure(tab, "step").text_content()
    web = installation.stop("web")
    expect(tab.locator("#stale")).to_have_text(re.compile(r"Data is \d+ s old\."))
    installation.start(web)
    tab.clock.fast_forward(60_000)  # the longest that it waits before it tries again
    expect(tab.locator("#stale")).to_be_hidden()
    expect(figure(tab, "step")).not_to_have_text(str(before))
    complaints.forgive()  # requests without a server are errors in the console
    installation.api("alice").post(f"jobs/{job['id']}/cancel", {})


def test_somebody_else_s_job_is_a_page_not_found(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    job = installation.job("alice", dataset)
    tab = open_tab("bob", f"/training/jobs/{job['id']}")
    expect(tab.get_by_role("heading", name="Page not found")).to_be_visible()
    complaints.forgive()  # the browser notes the 404 itself
