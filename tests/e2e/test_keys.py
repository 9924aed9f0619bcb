"""The whole road by keys alone: log in, configure, start, watch, cancel, see the datasets; and where the focus is."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Complaints, Open, stand_still
from tests.e2e.installation import Installation

MOST_STOPS = 150
HAS_FOCUS = "element => element === document.activeElement"
# The outline may be drawn around what stands for the element: its label, its card, its neighbour.
SEES_FOCUS = """() => {
  const element = document.activeElement;
  const around = [element, element.nextElementSibling, element.closest("label, .choice, .u-over, summary")];
  return around.some((one) => {
    if (!one) return false;
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
  }) ? "" : element.outerHTML.slice(0, 200);
}"""


def go_to(tab: Page, place: Locator) -> None:
    """Press Tab until the focus is there."""
    for _ in range(MOST_STOPS):
        if place.evaluate(HAS_FOCUS):
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {place}")


def type_in_one_go(tab: Page, keys: str) -> None:
    """So that no key comes too late to belong to the one before it."""
    stand_still(tab)
    tab.keyboard.type(keys)
    tab.clock.resume()


def test_a_job_is_started_watched_and_cancelled_by_keys_alone(
    browser: Browser, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    with browser.new_context(base_url=installation.url) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.clock.install()
        tab = context.new_page()
        tab.on("console", complaints.note)
        tab.goto("/training/jobs")
        tab.keyboard.type("alice")
        tab.keyboard.press("Tab")
        tab.keyboard.type(installation.users["alice"]["password"])
        tab.keyboard.press("Enter")
        tab.wait_for_url(re.compile(r"\d/training/jobs$"))

        type_in_one_go(tab, "gc")
        tab.wait_for_url("**/training/configure")
        go_to(tab, tab.get_by_role("combobox", name="Dataset", exact=True))
        tab.keyboard.type(dataset["name"])
        tab.keyboard.press("Enter")  # takes it where there are many to choose from, and never starts anything
        for name, value in (("Epochs", "50"), ("Batch size", "1")):  # so that it is still running when it is looked at
            go_to(tab, tab.get_by_role("textbox", name=name))
            tab.keyboard.press("ControlOrMeta+a")
            tab.keyboard.type(value)
        go_to(tab, tab.get_by_role("button", name="Start training"))
        tab.keyboard.press("Enter")

        tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
        expect(tab.locator("#badge")).to_have_text("Running")
        opener = tab.get_by_role("button", name="Cancel job")
        go_to(tab, opener)
        tab.keyboard.press("Enter")
        question = tab.get_by_role("dialog", name="Cancel this training job?")
        expect(question).to_be_visible()
        type_in_one_go(tab, "gd")  # no shortcut reaches past a question
        tab.keyboard.press("Escape")
        expect(question).to_be_hidden()
        assert opener.evaluate(HAS_FOCUS)
        tab.keyboard.press("Enter")
        go_to(tab, question.get_by_role("button", name="Cancel job"))
        tab.keyboard.press("Enter")
        expect(tab.locator("#badge")).to_have_text("Cancelled")

        type_in_one_go(tab, "gd")
        tab.wait_for_url("**/datasets")
        expect(tab.get_by_role("heading", name="Datasets", exact=True)).to_be_visible()


def test_a_token_is_made_and_revoked_after_a_question_by_keys_alone(open_tab: Open) -> None:
    tab = open_tab("bob", "/settings/tokens")
    tab.get_by_label("Name").press_sequentially("short-lived")
    tab.keyboard.press("Enter")
    revoke = tab.get_by_role("button", name="Revoke short-lived")
    revoke.press("Enter")
    question = tab.get_by_role("dialog", name="Revoke “short-lived”?")
    expect(question.get_by_role("button", name="Keep it")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(revoke).to_be_focused()
    revoke.press("Enter")
    question.get_by_role("button", name="Revoke").press("Enter")
    expect(revoke).to_have_count(0)


def test_keys_search_explain_and_leave_fields_alone(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    installation.job("alice", dataset)  # without any job there is nothing to search
    tab = open_tab("alice", "/settings/tokens")
    tab.keyboard.press("?")
    help_ = tab.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_).to_be_visible()
    tab.keyboard.press("Escape")
    expect(help_).to_be_hidden()

    name = tab.get_by_label("Name")
    name.press_sequentially("g c?/")
    expect(name).to_have_value("g c?/")
    expect(help_).to_be_hidden()
    name.blur()

    tab.keyboard.press("/")  # there is nothing to search here, so the jobs' search it is
    tab.wait_for_url("**/training/jobs#search")
    search = tab.get_by_role("searchbox")
    expect(search).to_be_focused()
    tab.keyboard.type("nothing")
    tab.keyboard.press("Escape")
    expect(search).to_have_value("")
    tab.keyboard.press("Escape")
    expect(search).not_to_be_focused()

    tab.keyboard.press("?")
    help_.get_by_label("Single keys work").uncheck()
    help_.get_by_role("button", name="Close").click()
    tab.keyboard.press("?")
    tab.keyboard.press("/")
    expect(help_).to_be_hidden()
    expect(search).not_to_be_focused()


def test_the_first_key_leads_past_the_menu(open_tab: Open) -> None:
    tab = open_tab("alice", "/training/jobs")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to content")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("#content")).to_be_focused()


@pytest.mark.parametrize("path", ["/training/configure", "/datasets", "/settings/notifications"])
def test_the_focus_can_be_seen_wherever_it_goes(path: str, open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = open_tab("alice", path)
    unseen = []
    for _ in range(MOST_STOPS):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement === document.body"):
            break
        unseen += [found] if (found := tab.evaluate(SEES_FOCUS)) else []
    assert unseen == []
