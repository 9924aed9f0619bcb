"""Real training as a user sees it: checkpoints, a killed trainer, the adapter and its answers, going on from there.

A model of 0.7 million random weights is trained on an installation of its own, whose node trains for real.
"""

import re
import zipfile
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import check
from tests.e2e.conftest import PATIENCE_MS, Complaints
from tests.training.conftest import ground
from tests.training.ground import Ground

__all__ = ["ground"]

TABS = ("metrics", "configuration", "info", "logs", "timeline", "artifacts")

STEPS = 60


@pytest.fixture
def tab(browser: Browser, ground: Ground, complaints: Complaints) -> Iterator[Page]:
    """A tab in which alice has logged in."""
    expect.set_options(timeout=2 * PATIENCE_MS)
    with browser.new_context(base_url=ground.installation.url, accept_downloads=True) as context:
        context.set_default_timeout(2 * PATIENCE_MS)
        page = context.new_page()
        page.on("console", complaints.note)
        page.on("pageerror", lambda error: complaints.texts.append(str(error)))
        page.goto("/login?next=/training/jobs")
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill(ground.installation.users["alice"]["password"])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/training/jobs")
        yield page


@pytest.fixture(scope="module")
def resumed(ground: Ground) -> str:
    """The id of a job that completed although its trainer was killed in mid-run."""
    return ground.interrupted(at_step=10, max_steps=STEPS)


def show(tab: Page, job_id: str, part: str = "metrics") -> None:
    tab.goto(f"/training/jobs/{job_id}#{part}")


def test_checkpoints_appear_while_it_trains_and_the_adapter_at_the_end(tab: Page, ground: Ground) -> None:
    with ground.halted(at_step=10, max_steps=STEPS) as job_id:
        show(tab, job_id, "checkpoints")
        expect(tab.locator("#badge")).to_have_text("Running")
        expect(tab.locator("#checkpoint-rows tbody tr").first).to_be_visible()
        expect(tab.get_by_role("button", name="Resume from step")).to_have_count(0)
    expect(tab.locator("#badge")).to_have_text("Completed")
    expect(tab.locator("#checkpoint-rows [data-best]")).to_have_count(1)
    expect(tab.get_by_role("button", name="Resume from step").first).to_be_visible()
    tab.get_by_role("tab", name="Artifacts").click()
    expect(tab.get_by_role("button", name="adapter_model.safetensors", exact=True)).to_be_visible()


def test_the_curve_of_a_run_that_was_killed_has_a_seam_and_every_step_once(tab: Page, resumed: str) -> None:
    show(tab, resumed)
    chart = tab.get_by_role("img", name="Loss over steps")
    expect(chart).to_have_attribute("aria-label", re.compile(r"Marked: .*resumed at step \d+"))
    tab.get_by_text("The same as a table").click()
    steps = tab.locator("#twin tbody td:first-child").all_text_contents()
    assert [int(step) for step in steps] == sorted({int(step) for step in steps}, reverse=True)


def test_the_answers_stand_side_by_side_and_stacked_on_a_phone(tab: Page, resumed: str) -> None:
    show(tab, resumed, "adapter")
    replies = tab.locator(".sample").first.locator(".reply")
    expect(replies).to_have_count(3)
    base, adapter, _ = (reply.bounding_box() for reply in replies.all())
    assert base is not None
    assert adapter is not None
    assert base["y"] == adapter["y"]
    assert base["x"] < adapter["x"]
    tab.set_viewport_size({"width": 390, "height": 844})
    base, adapter, _ = (reply.bounding_box() for reply in replies.all())
    assert base is not None
    assert adapter is not None
    assert base["x"] == adapter["x"]
    assert base["y"] < adapter["y"]


def test_the_adapter_comes_as_one_archive(tab: Page, ground: Ground, resumed: str) -> None:
    show(tab, resumed)
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download the adapter").click()
    assert download.value.suggested_filename == f"job-{resumed[:8]}-adapter.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        names = {name.partition("/")[2] for name in archive.namelist()}
    assert names == {file["path"] for file in ground.artifact(resumed)["files"]}


def test_what_it_took_stands_beside_the_estimate(tab: Page, resumed: str) -> None:
    show(tab, resumed)
    facts = tab.locator(".comparison > div").filter(has_text="Steps")
    expect(facts).to_contain_text(f"{STEPS}")
    expect(facts).to_contain_text(f"estimated {STEPS}")


def test_a_new_job_goes_on_from_a_checkpoint_by_keyboard_alone(tab: Page, ground: Ground, resumed: str) -> None:
    show(tab, resumed)
    opener = tab.get_by_role("button", name="Resume from a checkpoint…")
    opener.focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog", name="Resume as a new job")
    expect(dialog.get_by_label("Checkpoint")).to_be_focused()
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    tab.keyboard.press("Enter")
    dialog.get_by_label("Maximum steps").fill(f"{STEPS + 6}")
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda url: resumed not in url)
    expect(tab.get_by_text(f"Resumed from step {STEPS} of")).to_be_visible()
    expect(tab.locator("#badge")).to_have_text("Completed")
    tab.get_by_text("The same as a table").click()
    expect(tab.locator("#twin tbody td:first-child").last).to_have_text(re.compile(f"^({STEPS}|{STEPS + 1})$"))


def test_a_resumption_that_is_refused_says_so_beside_the_field(tab: Page, resumed: str, complaints: Complaints) -> None:
    show(tab, resumed)
    tab.get_by_role("button", name="Resume from a checkpoint…").click()
    dialog = tab.get_by_role("dialog", name="Resume as a new job")
    dialog.get_by_role("button", name="Start the new job").click()
    steps = dialog.get_by_label("Maximum steps")
    expect(steps).to_have_attribute("aria-invalid", "true")
    expect(steps).to_have_accessible_description(re.compile("nothing left to train"))
    expect(steps).to_be_focused()
    steps.fill(f"{STEPS + 6}")
    budget = dialog.get_by_label("Budget in dollars")
    budget.focus()
    tab.keyboard.type("1e999")  # no number, and not none either
    dialog.get_by_role("button", name="Start the new job").click()
    expect(budget).to_have_accessible_description(re.compile("Must be an amount in dollars"))
    complaints.forgive()  # the browser notes each 400


def test_a_job_is_stopped_and_its_adapter_kept(tab: Page, ground: Ground) -> None:
    job_id = ground.start(max_steps=100_000, save_steps=500)
    ground.at_step(job_id, 4)
    show(tab, job_id)
    tab.get_by_role("button", name="Cancel job").click()
    question = tab.get_by_role("dialog")
    question.get_by_label("Stop and keep the adapter").check()
    question.get_by_role("button", name="Cancel job").click()
    expect(tab.locator("#badge")).to_have_text("Cancelled")
    expect(tab.get_by_role("link", name="Download the partial adapter")).to_be_visible()
    tab.get_by_role("tab", name="Artifacts").click()
    expect(tab.get_by_role("tabpanel", name="Artifacts")).to_contain_text("stopped before its end")


def test_the_configuration_can_be_read_copied_and_kept(tab: Page, resumed: str) -> None:
    show(tab, resumed, "configuration")
    tab.get_by_text("As JSON").click()
    shown = tab.get_by_role("region", name="Configuration as JSON")
    expect(shown).to_contain_text('"request"')
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download", exact=True).click()
    assert download.value.suggested_filename == f"job-{resumed[:8]}-configuration.json"


def test_the_whole_log_can_be_kept(tab: Page, resumed: str) -> None:
    show(tab, resumed, "logs")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Whole log").click()
    assert "checkpoint at step" in download.value.path().read_text()


@pytest.mark.parametrize("part", TABS)
def test_each_part_is_accessible_in_both_schemes_and_fits_a_phone(part: str, tab: Page, resumed: str) -> None:
    show(tab, resumed, part)
    tab.wait_for_load_state("networkidle")
    check(tab)
