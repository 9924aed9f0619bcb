"""Pages that follow something, when their questions are refused, answered by somebody else, or not at all: each says
why and how old it is, and goes on once there is an answer."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import AT_ONCE, LOOKED_AT, OURS, Complaints, Open, stand_still
from tests.e2e.installation import Installation

OURSELVES = "Something went wrong on our side"
STRANGER = "Something else answers in the server's place"
GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
PORTAL = "<html><head><title>Hotel</title></head><body><main id='content'>Room number?</main></body></html>"

# What comes instead of an answer (None: nothing does), and what the page says.
INSTEAD: Mapping[str, tuple[dict[str, Any] | None, str]] = {
    "a limit of ours": ({"status": 429, "headers": {**OURS, "Retry-After": "1"}}, "Too many requests"),
    "a fault of ours": ({"status": 500, "headers": OURS, "body": "<h1>Something broke</h1>"}, OURSELVES),
    "a proxy without a server": ({"status": 502, "content_type": "text/html", "body": GATEWAY}, STRANGER),
    "a proxy's own 404": ({"status": 404, "content_type": "text/html", "body": "Not found"}, STRANGER),
    "a proxy's own 403": ({"status": 403, "content_type": "text/html", "body": "Forbidden"}, STRANGER),
    "a hotel's portal": ({"status": 200, "content_type": "text/html", "body": PORTAL}, STRANGER),
    "a lost network": (None, "The server does not answer"),
}


@pytest.fixture(scope="module")
def running(installation: Installation, dataset: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A job of alice's that trains for as long as it is looked at."""
    job = installation.long_job("alice", dataset)
    installation.await_true(lambda: bool(installation.api("alice").get(f"jobs/{job['id']}")["job"]["current_step"]))
    yield job
    installation.cancel("alice", job["id"])


@pytest.fixture(scope="module")
def validating(installation: Installation) -> Iterator[dict[str, Any]]:
    """A dataset that waits for its worker."""
    worker = installation.stop("worker-data")
    yield installation.dataset("alice", "Patience")
    installation.start(worker)


@pytest.mark.parametrize(
    "path", ["/training/jobs/{job}", "/training/jobs", "/costs", "/notifications", "/datasets", "/datasets/{dataset}"]
)
def test_a_page_that_gets_no_answer_says_why_and_goes_on_when_there_is_one(
    path: str, open_tab: Open, running: dict[str, Any], validating: dict[str, Any], complaints: Complaints
) -> None:
    tab = open_tab("alice", path.format(job=running["id"], dataset=validating["id"]), has_clock=True)
    tab.wait_for_load_state("networkidle")
    stand_still(tab)  # from here on it asks when it is told to, only
    shown = tab.locator("main table, main article, main .notice, main .now").count()
    note = tab.locator("#stale")
    for answer, words in INSTEAD.values():
        tab.route(re.compile(r"/(?!static/)"), _instead(answer))
        tab.evaluate(AT_ONCE)
        expect(note).to_contain_text(words)
        expect(note).to_contain_text(re.compile(r"Data is \d+ s old\. (Next try in|Trying again)"))
        tab.unroute_all()
        note.get_by_role("button", name="Retry now").click()
        expect(note).to_be_hidden()
        assert tab.get_by_text("No longer in this list").count() == 0
    assert tab.locator("main table, main article, main .notice, main .now").count() >= shown
    complaints.forgive()  # what is refused is an error in the console


def test_who_logs_in_again_in_another_tab_finds_the_page_alive(
    open_tab: Open, installation: Installation, running: dict[str, Any], complaints: Complaints
) -> None:
    tab = open_tab("alice", f"/training/jobs/{running['id']}#logs")
    session = tab.context.cookies()
    tab.context.clear_cookies()
    tab.evaluate(AT_ONCE)
    banner = tab.locator("#connection > p")
    expect(banner).to_contain_text("You are logged out. Nothing here is kept up to date.")
    expect(tab.locator("#stale")).to_be_hidden()

    tab.context.add_cookies(session)  # type: ignore[arg-type]  # as they were read
    step = tab.locator('[data-field="step"]').first.text_content()
    tab.evaluate(LOOKED_AT)  # back from the other tab
    expect(banner).to_contain_text("You are logged in again. Reload the page")
    expect(tab.locator('[data-field="step"]').first).not_to_have_text(str(step))
    with tab.expect_navigation():
        banner.get_by_role("link", name="Reload the page").click()
    expect(banner).to_be_hidden()
    complaints.forgive()  # the browser notes the 401


def test_a_page_whose_job_belongs_to_somebody_else_now_says_that_it_stands_still(
    open_tab: Open, running: dict[str, Any], complaints: Complaints
) -> None:
    """As after somebody else has logged in in another tab."""
    tab = open_tab("alice", f"/training/jobs/{running['id']}")
    others = open_tab("bob", "/training/jobs").context.cookies()
    tab.context.add_cookies(others)  # type: ignore[arg-type]  # as they were read
    tab.evaluate(AT_ONCE)
    note = tab.locator("#stale")
    expect(note).to_contain_text("There is no such training job. This page is not kept up to date any more.")
    expect(note.get_by_role("button")).to_be_hidden()
    complaints.forgive()  # the browser notes the 404


def _instead(answer: dict[str, Any] | None) -> Callable[[Route], None]:
    return lambda route: route.abort() if answer is None else route.fulfill(**answer)
