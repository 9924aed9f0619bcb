"""The monitor's parts: tabs by keyboard, curves and their table, copying, small refreshes."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Response, Route, expect

from tests.e2e.conftest import A_TURN_LATER, AT_ONCE, Open
from tests.e2e.installation import LONG, Installation

# Until the page has seen it: lines that come in the same moment still find the reader at the end.
GO_BACK = """async (log) => {
    do {
        log.scrollTop = 0;
        for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
    } while (log.scrollTop);
}"""


@pytest.fixture(scope="module")
def ended(installation: Installation, dataset: dict[str, Any]) -> dict[str, Any]:
    """A job of alice's that has completed."""
    return installation.await_end("alice", installation.job("alice", dataset))


def test_tabs_move_by_arrow_keys_and_are_kept_in_the_address(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{ended['id']}")
    tab.get_by_role("tab", name="Metrics & Charts").focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.get_by_role("tab", name="Configuration")).to_be_focused()
    expect(tab.get_by_role("tabpanel", name="Configuration")).to_contain_text("LoRA rank")
    expect(tab.get_by_role("tabpanel", name="Configuration")).to_contain_text("$8.40")
    tab.keyboard.press("ArrowRight")
    info = tab.get_by_role("tabpanel", name="Job Info")
    expect(info).to_contain_text(ended["external_job_id"])
    expect(info).to_contain_text(ended["id"])
    assert tab.url.endswith("#info")
    info.get_by_role("button", name="Copy the job id").focus()
    tab.keyboard.press("2")
    expect(tab.get_by_role("tab", name="Configuration")).to_be_focused()
    tab.keyboard.press("3")
    tab.reload()
    expect(tab.get_by_role("tab", name="Job Info")).to_have_attribute("aria-selected", "true")


def test_tabs_are_steps_that_back_and_forward_go_along(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{ended['id']}#checkpoints")  # an address of before there were artifacts
    expect(tab.get_by_role("tab", name="Artifacts")).to_have_attribute("aria-selected", "true")
    expect(tab.get_by_role("heading", name="Checkpoints", exact=True)).to_be_in_viewport()
    tab.get_by_role("tab", name="Logs").click()
    tab.get_by_role("tab", name="Timeline").click()
    for move, name in ((tab.go_back, "Logs"), (tab.go_back, "Artifacts"), (tab.go_forward, "Logs")):
        move()
        expect(tab.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def test_the_log_and_the_timeline_are_kept_after_the_end(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{ended['id']}#logs")
    expect(tab.locator("#log-count")).to_contain_text("lines")
    expect(tab.locator("#log")).to_contain_text("step")
    tab.get_by_label("Show only lines with").fill("STEP 12/")
    expect(tab.locator("#log mark")).to_have_text(["Step 12/"])
    expect(tab.locator("#log-count")).to_contain_text("1 of the")
    tab.get_by_label("Show only lines with").fill("")
    tab.get_by_label("Level").select_option("Errors")
    expect(tab.locator("#log")).to_have_text("No line fits.")
    levels = tab.evaluate(
        """async (lines) => {
            const loaded = performance.getEntriesByType("resource");
            const { name } = loaded.find((each) => each.name.includes("monitor/lines"));
            return lines.map((await import(name)).levelOf);
        }""",
        ["loss 0.5", "UserWarning: slow", "WARN disk", "RuntimeError: no", "ERROR", "no errors", "--- Attempt 2 ---"],
    )
    assert levels == ["", "warn", "warn", "error", "error", "", "attempt"]
    tab.get_by_role("tab", name="Timeline").click()
    expect(tab.locator(".timeline-status").first).to_contain_text("The job was created.")
    expect(tab.locator(".timeline-status").first).to_contain_text("alice")


def test_what_is_said_of_a_running_job_is_what_the_api_says(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    job = installation.long_job("alice", dataset, max_cost=40)
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    expect(tab.locator("#badge")).to_have_text("Running")
    sentence = tab.locator('[data-field="sentence"]')
    expect(sentence).to_have_text("Training is under way. Nothing is needed from you.")
    said = installation.api("alice").get(f"jobs/{job['id']}")["situation"]
    assert (said["sentence"], said["waits_for"]) == (sentence.text_content(), "training")
    for clock in ("cluster", "heartbeat", "step"):
        expect(tab.locator(f'[data-clock="{clock}"] [data-clock-text]')).to_have_text(re.compile(r"^\d+ s ago$"))
    phases = tab.get_by_role("list", name="Phases")
    expect(phases.locator('[aria-current="step"]')).to_contain_text("Training (now)")
    expect(phases.get_by_text("(done)").first).to_be_attached()
    expect(tab.locator('[data-trend="training_loss"]')).to_have_text(re.compile("since step"))
    expect(tab.locator('[data-field="cost_note"]')).to_contain_text("at the end")

    # The head scrolls away, its bar stays, and nothing that gets the focus is under it.
    bar = tab.get_by_role("group", name="Job", exact=True)
    expect(bar).to_be_hidden()
    tab.get_by_text("The same as a table").scroll_into_view_if_needed()
    expect(bar).to_contain_text(job["name"])
    expect(bar).to_contain_text("Running")
    tab.get_by_role("tab", name="Logs").focus()
    below = "tab => tab.getBoundingClientRect().top - document.getElementById('monitor-bar').offsetHeight"
    assert tab.get_by_role("tab", name="Logs").evaluate(below) >= 0
    tab.set_viewport_size({"width": 390, "height": 500})
    tab.get_by_text("The same as a table").scroll_into_view_if_needed()
    bar.get_by_role("button", name="Cancel job").click()
    expect(tab.get_by_role("dialog", name="Cancel this training job?")).to_be_visible()
    installation.api("alice").post(f"jobs/{job['id']}/cancel", {})
    expect(tab.get_by_role("alert")).to_contain_text("nothing to cancel any more")
    tab.get_by_role("button", name="Close").click()
    expect(tab.locator("#badge")).to_have_text("Cancelled")


def test_new_lines_of_the_log_are_followed_only_by_a_reader_at_its_end(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    talkative = {**LONG["hyperparameters"], "eval_steps": 100}  # of each evaluation there is a line
    job = installation.job("alice", dataset, **{**LONG, "hyperparameters": talkative})
    tab = open_tab("alice", f"/training/jobs/{job['id']}#logs")
    log = tab.locator("#log")
    # So that few lines are too many for it, of which some may be there already.
    log.evaluate("log => { log.style.maxHeight = '4rem'; log.scrollTop = log.scrollHeight }")
    counted = tab.locator("#log-count")
    former = str(counted.text_content())
    expect(counted).to_have_text(re.compile(r"\d\d lines"))
    expect(counted).not_to_have_text(former)
    way_to_end = "log => log.scrollHeight - log.scrollTop - log.clientHeight"
    assert log.evaluate(way_to_end) < 8
    log.evaluate(GO_BACK)  # the next lines must not drag the reader on
    tab.evaluate(AT_ONCE)
    more = tab.get_by_role("button", name="New lines")
    expect(more).to_be_visible()
    assert log.evaluate("log => log.scrollTop") == 0
    more.click()
    assert log.evaluate(way_to_end) < 8
    expect(more).to_be_hidden()

    # While an answer is on its way it is not asked again, so that none is taken for more or for less than it is.
    asked: list[Route] = []
    newer = "**/logs?after=*"
    tab.evaluate("AbortSignal.timeout = () => new AbortController().signal")  # none is given up, and asked for again
    tab.route(newer, lambda route: asked.append(route))
    with tab.expect_request(newer):  # once what it asked before is answered
        tab.evaluate(AT_ONCE)
    step = tab.locator('[data-field="step"]')
    for _ in range(3):
        former = str(step.text_content())
        tab.evaluate(AT_ONCE)
        expect(step).not_to_have_text(former)
    assert len(asked) == 1
    former = str(counted.text_content())
    tab.unroute(newer)  # which lets it go
    expect(counted).not_to_have_text(former)
    expect(counted).to_have_text(re.compile(r"^\d+ lines$"))
    installation.api("alice").post(f"jobs/{job['id']}/cancel", {})


def test_curves_are_drawn_and_have_a_twin_of_words_and_numbers(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{ended['id']}")
    for name in ("Loss", "GPU utilization", "Learning rate", "Throughput", "Gradient norm"):
        expect(tab.get_by_role("img", name=f"{name} over steps")).to_be_visible()
    expect(tab.locator("canvas")).to_have_count(5)
    tab.get_by_text("The same as a table").click()
    rows = tab.locator("#twin tbody tr")
    expect(rows).not_to_have_count(0)
    expect(rows.first).to_contain_text(f"{ended['total_steps']:,}")


def test_a_curve_goes_on_where_a_lost_attempt_was_resumed(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{ended['id']}")
    expect(tab.locator(".u-over").first).to_be_attached()
    history = tab.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType("resource");
            const { name } = loaded.find((each) => each.name.includes("charts/points"));
            const { Points } = await import(name);
            const run = (attempt, first, last, superseded) => Array.from({ length: last - first + 1 }, (_, index) => (
                { attempt, restart: 0, step: first + index, superseded: superseded(first + index) }));
            const metrics = [...run(1, 1, 60, (step) => step > 40), ...run(2, 41, 90, () => false)];
            const points = new Points();
            points.take({ metrics, metrics_total: metrics.length, metrics_superseded: 0, metrics_next: 2 });
            const { points: shown, seams } = points.history([{ attempt: 1, restart: 0, step: 40 }]);
            return { steps: shown.map(({ step }) => step), attempts: shown.map(({ attempt }) => attempt), seams };
        }"""
    )
    assert history == {"steps": list(range(1, 91)), "attempts": [1] * 40 + [2] * 50, "seams": [40]}


def test_a_curve_never_widens_its_page_not_even_until_it_is_drawn_anew(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{ended['id']}")
    expect(tab.locator("canvas")).to_have_count(5)
    # Within one script no frame is drawn, so the curves still have the width of before.
    narrowed = "main => { main.style.width = '390px'; return [main.scrollWidth, main.clientWidth] }"
    needed, there_is = tab.locator("main").evaluate(narrowed)
    assert needed <= there_is


def test_a_refresh_of_an_unchanged_job_moves_next_to_nothing(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    job = installation.long_job("alice", dataset)
    tab = open_tab("alice", f"/training/jobs/{job['id']}")
    expect(tab.locator("#badge")).to_have_text("Running")

    def is_refresh(answer: Response) -> bool:
        return bool(re.search(rf"/api/jobs/{job['id']}\?since=[1-9]", answer.url))

    with tab.expect_response(is_refresh) as refresh:
        pass
    assert weight_without_points(refresh.value) < 5_000
    installation.api("alice").post(f"jobs/{job['id']}/cancel", {})


def weight_without_points(answer: Response) -> int:
    """The bytes of a job's answer, but for the new points in it: how many those are depends on the machine."""
    if answer.status == 304:
        return 0
    return len(answer.body()) - len(json.dumps(answer.json()["data"]["metrics"], separators=(",", ":")))


def test_a_part_of_a_page_is_never_replaced_by_an_older_one(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{ended['id']}#timeline")
    expect(tab.locator(".timeline-status").first).to_be_visible()
    tab.evaluate("document.querySelector('[data-region=timeline]').textContent = 'Before.'")
    asked: list[Route] = []
    tab.route(f"**/training/jobs/{ended['id']}", lambda route: asked.append(route))
    tab.evaluate(
        """() => {
            const loaded = performance.getEntriesByType("resource");
            const { name } = loaded.find((each) => each.name.includes("/regions."));
            window.both = import(name).then(({ refresh }) => Promise.all(
                ['[data-region="timeline"]', "[data-region]"].map((selector) => refresh(selector))));
        }"""
    )
    tab.evaluate(A_TURN_LATER)
    earlier, later = asked
    answer = later.fetch()
    later.fulfill(response=answer)
    expect(tab.locator('[data-region="timeline"]')).to_contain_text("The job was created.")
    earlier.fulfill(response=answer, body=answer.text().replace("The job was created.", "Long ago."))
    tab.evaluate("both.then(() => null)")
    expect(tab.locator('[data-region="timeline"]')).to_contain_text("The job was created.")


def test_a_page_weighs_less_than_200_kb(open_tab: Open, ended: dict[str, Any]) -> None:
    tab = open_tab("alice", "/training/jobs")
    weights: list[int] = []
    tab.on("requestfinished", lambda request: weights.append(weighed(request)))
    tab.goto(f"/training/jobs/{ended['id']}")
    expect(tab.locator("canvas")).to_have_count(5)
    assert 20_000 < sum(weights) < 200_000


def weighed(request: Any) -> int:
    sizes = request.sizes()
    return int(sizes["responseBodySize"] + sizes["responseHeadersSize"])


@pytest.fixture
def without_scripts(open_tab: Open, ended: dict[str, Any]) -> Page:
    return open_tab("alice", f"/training/jobs/{ended['id']}", java_script_enabled=False)


def test_the_first_state_needs_no_script(without_scripts: Page, ended: dict[str, Any]) -> None:
    expect(without_scripts.locator("#badge")).to_have_text("Completed")
    expect(without_scripts.locator('[data-field="cost"]')).to_contain_text("$")
    expect(without_scripts.get_by_role("img", name="Loss over steps")).to_be_visible()
