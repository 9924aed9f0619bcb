"""A zoom while the run goes on: by a finger, kept while new points come, and counted right."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e.conftest import Open
from tests.e2e.installation import Installation

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
FINER = re.compile(r"/metrics\?from_step=")


@pytest.fixture
def running(installation: Installation, dataset: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A job of alice's that trains for long enough, and has points already."""
    job = installation.long_job("alice", dataset)
    api = installation.api("alice")
    installation.await_true(lambda: api.get(f"jobs/{job['id']}")["job"]["current_step"] > 200)
    yield job
    installation.cancel("alice", job["id"])


def swipe(tab: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A finger on the loss chart, from and to these shares of its width and height."""
    over = tab.locator('[data-chart="loss"] .u-over')
    over.evaluate("over => over.scrollIntoView({block: 'center'})")
    box = over.bounding_box()
    assert box is not None
    fingers = tab.context.new_cdp_session(tab)
    for share in (0, 0.1, 0.4, 0.7, 1):
        x, y = (begin + share * (to - begin) for begin, to in zip(start, end, strict=True))
        at = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        kind = "touchMove" if share else "touchStart"
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_finger_zooms_and_new_points_do_not_throw_the_reader_out(open_tab: Open, running: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{running['id']}", **PHONE)
    shown = tab.locator('[data-field="points"]')
    step = tab.locator('[data-field="step"]')
    reset = tab.get_by_role("button", name="Reset zoom")
    expect(tab.get_by_role("application", name="Loss chart")).to_be_visible()
    finer: list[Request] = []
    tab.on("request", lambda request: finer.append(request) if FINER.search(request.url) else None)

    swipe(tab, (0.5, 0.8), (0.5, 0.2))  # up: the page scrolls
    expect(reset).to_be_hidden()
    swipe(tab, (0.2, 0.5), (0.6, 0.5))
    expect(reset).to_be_visible()
    expect(shown).to_have_text(re.compile(r"^[\d,]+ points of this range$"))
    address, amount, asked = tab.url, shown.text_content(), len(finer)
    for _ in range(2):
        former = step.text_content()
        expect(step).not_to_have_text(str(former))
    assert (tab.url, shown.text_content(), len(finer)) == (address, amount, asked)

    reset.click()
    loss = tab.get_by_role("application", name="Loss chart")
    loss.focus()
    tab.keyboard.press("Home")
    tab.keyboard.press("Enter")  # the crosshair stays, too
    at = tab.locator('[data-chart="loss"] .chart-at')
    kept = at.text_content()
    former = step.text_content()
    expect(step).not_to_have_text(str(former))
    assert at.text_content() == kept
    assert "last" not in str(kept)


def test_points_of_a_range_are_counted_as_they_come(open_tab: Open, running: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{running['id']}")
    expect(tab.get_by_role("application", name="Loss chart")).to_be_visible()
    counted = tab.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
            const load = (name) => import(loaded.find((each) => each.includes(`charts/${name}.`)));
            const [{ Points }, { shownText }] = [await load("points"), await load("words")];
            const point = (step, stands_for = 1, restart = 0) =>
                ({ attempt: 1, restart, step, stands_for, means: null, superseded: false, training_loss: 1 });
            const [points, range, told] = [new Points(), { from: 60, to: 150 }, []];
            const take = (metrics, metrics_total) =>
                points.take({ metrics, metrics_total, metrics_superseded: 0, metrics_next: metrics_total });
            const say = () => shownText({ shown: 2, ...points.countingWithin(range), isRange: true });
            take([point(1), point(50, 49), point(100, 50)], 100);
            told.push([points.isThin({ from: 60, to: 90 }), points.isThin({ from: 101, to: 150 }), say()]);
            const finer = [point(60), point(80, 20), point(100, 20)];
            points.takeRange(range, { metrics: finer, matching: 41, matching_superseded: 1 });
            told.push([points.isThin(range), say()]);
            take([point(101), point(102), point(80)], 102); // step 80 was evaluated meanwhile
            told.push([points.isOutdated, say()]);
            take([point(90, 1, 1)], 103); // resumed
            told.push([points.isOutdated]);
            return told;
        }"""
    )
    assert counted == [
        [True, False, "2 of about 50 points of this range shown"],  # between two that are shown
        [False, "2 of 40 points of this range shown"],
        [False, "2 of 42 points of this range shown"],
        [True],
    ]
