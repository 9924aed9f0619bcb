"""The monitor goes on through what happens to networks, servers and laptops, and its dialog through what happens
meanwhile."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import AT_ONCE, LOOKED_AT, OURS, Complaints, Open, hear, held_back, stand_still
from tests.e2e.installation import LONG, Installation


@pytest.fixture
def running(installation: Installation, dataset: dict[str, Any]) -> Any:
    """A job of alice's that trains for long enough."""
    job = installation.long_job("alice", dataset)
    yield job
    installation.cancel("alice", job["id"])


@pytest.fixture
def tab(open_tab: Open, running: dict[str, Any], complaints: Complaints) -> Any:
    """Its page."""
    yield opened(open_tab, running)
    complaints.forgive()  # requests without an answer are errors in the console


@pytest.fixture
def tab_with_clock(open_tab: Open, running: dict[str, Any], complaints: Complaints) -> Any:
    """Its page, whose time can be moved."""
    yield opened(open_tab, running, has_clock=True)
    complaints.forgive()


def opened(open_tab: Open, job: dict[str, Any], **options: Any) -> Page:
    tab = open_tab("alice", f"/training/jobs/{job['id']}", **options)
    expect(tab.locator("#badge")).to_have_text("Running")
    return tab


def drop(route: Route) -> None:
    route.abort()


def test_without_a_network_it_says_how_old_its_data_is_and_asks_at_once_when_told_to(
    tab_with_clock: Page,
) -> None:
    tab = tab_with_clock
    stale = tab.locator("#stale")
    tab.route("**/api/jobs/**", drop)
    expect(stale).to_have_text(re.compile(r"Data is \d+ s old\. Next try in \d s\."))
    stand_still(tab)  # or else it may try again by itself just now
    expect(stale).to_contain_text("Next try in")
    tab.unroute("**/api/jobs/**")
    step = tab.locator('[data-field="step"]').text_content()
    tab.get_by_role("button", name="Retry now").evaluate(
        """button => {
            button.click();
            if (!stale.textContent.includes("Trying again…")) throw new Error(stale.textContent);
        }"""
    )
    expect(stale).to_be_hidden()
    tab.clock.resume()
    expect(tab.locator('[data-field="step"]')).not_to_have_text(str(step))


def test_it_asks_less_and_less_often_while_nobody_answers_and_at_once_when_the_network_is_back(
    tab_with_clock: Page,
) -> None:
    tab = tab_with_clock
    stand_still(tab)
    tries: list[str] = []

    def note(route: Route) -> None:
        tries.append(route.request.url)
        route.abort()

    tab.route("**/api/jobs/**", note)
    for _ in range(36):  # three minutes, in which a page that is answered asks 36 times
        tab.clock.run_for(5000)
        tab.evaluate("new Promise((done) => done())")
    assert 3 <= len(tries) <= 9
    expect(tab.locator("#stale")).to_contain_text(re.compile(r"Data is \d+ min"))
    tab.unroute("**/api/jobs/**")
    tab.evaluate(AT_ONCE)
    expect(tab.locator("#stale")).to_be_hidden()


def test_a_laptop_that_wakes_up_asks_at_once(tab_with_clock: Page) -> None:
    tab = tab_with_clock
    tab.clock.pause_at(tab.evaluate("Date.now()") / 1000 + 3600)  # no timer runs, as in a machine that sleeps
    with tab.expect_request("**/api/jobs/*?since=*"):
        tab.evaluate(LOOKED_AT)


def test_the_dialog_says_what_went_wrong_and_lets_try_again(
    tab: Page, running: dict[str, Any], installation: Installation
) -> None:
    tab.get_by_role("button", name="Cancel job").click()
    question = tab.get_by_role("dialog", name="Cancel this training job?")
    expect(question).to_contain_text("Billed so far")
    expect(question.get_by_label("Stop and keep the adapter")).to_be_checked()
    question.get_by_label("Stop and discard it").check()
    tab.route("**/cancel", drop)
    question.get_by_role("button", name="Cancel job").click()
    expect(question.get_by_role("alert")).to_contain_text("Not cancelled: The server does not answer.")
    expect(tab.locator("#badge")).to_have_text("Running")
    tab.unroute("**/cancel")
    with held_back(tab, "**/api/jobs/*?since=*"):  # the page cannot learn how quickly it was proved
        question.get_by_role("button", name="Cancel job").click()
        expect(question).to_be_hidden()
        expect(tab.locator("#badge")).to_have_text("Cancelling…")
    hear(tab, "Training job cancelled successfully")
    assert installation.api("alice").get(f"jobs/{running['id']}")["job"]["artifact_id"] is None


def test_a_job_whose_cancel_was_accepted_does_not_run_again_for_an_answer_from_before(
    tab: Page, running: dict[str, Any], installation: Installation
) -> None:
    poll = "**/api/jobs/*?since=*"
    asked: list[Route] = []
    tab.route(poll, lambda route: asked.append(route))
    with tab.expect_request(poll):
        tab.evaluate(AT_ONCE)
    before = installation.api("alice").get(f"jobs/{running['id']}", since=0)
    tab.get_by_role("button", name="Cancel job").click()
    question = tab.get_by_role("dialog", name="Cancel this training job?")
    question.get_by_role("button", name="Cancel job").click()
    expect(question).to_be_hidden()
    with tab.expect_request(poll):  # which stays without an answer
        asked[0].fulfill(json={"success": True, "data": before}, headers=OURS)
    assert before["job"]["status"] == "running"
    expect(tab.locator("#badge")).to_have_text("Cancelling…")


def test_a_cancel_that_comes_too_late_says_so_in_the_dialog(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    every_gpu = {"type": "V100-32GB", "count": 8}  # so that it waits until the dialog is open
    before = installation.job("alice", dataset, **{**LONG, "gpu_config": every_gpu})
    job = installation.job("alice", dataset, gpu_config=every_gpu)
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    tab.get_by_role("button", name="Cancel job").click()
    tab.route("**/api/jobs/*?since=*", drop)  # the page does not learn that it ends
    installation.api("alice").post(f"jobs/{before['id']}/cancel", {})
    installation.await_end("alice", job)
    question = tab.get_by_role("dialog")
    question.get_by_role("button", name="Cancel job").click()
    expect(question.get_by_role("alert")).to_contain_text("already completed. There is nothing to cancel any more.")
    tab.unroute("**/api/jobs/*?since=*")
    question.get_by_role("button", name="Close").click()
    tab.evaluate(AT_ONCE)  # however long nothing came, it asks at once
    expect(tab.locator("#badge")).to_have_text("Completed")
    expect(tab).to_have_title(re.compile(rf"^(\(\d+\+?\) )?Completed · {job['name']} · LoRA Pipeline$"))
    complaints.forgive()  # the browser notes the 409


def test_a_failed_job_opens_on_who_is_to_blame_with_what_helps(open_tab: Open, installation: Installation) -> None:
    changed = installation.await_ready("alice", installation.dataset("alice", "Altered"))
    installation.store("alice", "altered.jsonl", b"{}\n")
    job = installation.job("alice", changed)
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    blame = tab.get_by_role("region", name="Outcome")
    expect(blame).to_contain_text("You: it is the data")
    expect(blame).to_contain_text("Import or upload it again")
    expect(tab.get_by_role("list", name="Phases")).to_contain_text("Queued (failed here)")
    with tab.expect_download() as download:
        blame.get_by_role("link", name="Diagnostics").click()
    assert download.value.suggested_filename == f"job-{job['id'][:8]}-diagnostics.zip"
    blame.get_by_role("link", name="Clone and change").click()
    tab.wait_for_url(f"**/training/configure?clone={job['id']}")
