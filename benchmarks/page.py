"""S5: what somebody waits for who opens a monitor, in a real Chromium: the curve, the page's weight, a refresh."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request, sync_playwright

from benchmarks import seed
from benchmarks.report import row, spread
from benchmarks.rig import Rig
from jobs.models import TrainingJob

POINTS = 100_000
LOADS = 15
REFRESHES = 5
NEW_POINTS = 5  # of a run that makes one step a second
PATIENCE_MS = 60_000
# From the last byte of the points to the frame after the one in which the curve was drawn.
WATCH = """() => {
    const timer = setInterval(() => {
        const canvas = document.querySelector('[data-chart="loss"] canvas');
        if (!canvas?.getAttribute("aria-label")) return;
        clearInterval(timer);
        requestAnimationFrame(() => requestAnimationFrame(() => { globalThis.curveOnScreenAt = performance.now(); }));
    }, 1);
}"""
SECONDS = """() => {
    const answer = performance.getEntriesByType("resource").find(({ name }) => name.includes("?since=0"));
    return (globalThis.curveOnScreenAt - answer.responseEnd) / 1000;
}"""
DRAW = """async (count) => {
    const { name } = performance.getEntriesByType("resource").find(({ name }) => name.includes("charts/group"));
    const { Group } = await import(name);
    const box = document.createElement("div");
    document.querySelector("main").append(box);
    const points = Array.from({ length: count }, (_, step) => ({
        step, epoch: step / 1000, timestamp: null, training_loss: 2 + Math.sin(step), learning_rate: 1 }));
    const started = performance.now();
    const group = new Group();
    const line = { label: "Loss", color: "--training", points, metric: "training_loss", smooth: true };
    group.add(box, { title: "Many", write: String }).show([line]);
    group.draw();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const seconds = (performance.now() - started) / 1000;
    box.remove();
    return seconds;
}"""


def measure(rig: Rig) -> None:
    """Print the figures."""
    alice, _ = seed.user()
    [job, short] = seed.jobs(alice, seed.dataset(alice), 2)
    seed.points(job, POINTS)
    seed.points(short, 200)
    with logged_in(rig) as context:
        _weights(context, rig, short, "the monitor of a new job, everything cold")
        _weights(context, rig, job, f"the same, {POINTS:,} points")
        seconds = [_curve(context, rig, job) for _ in range(LOADS)]
        what = f"curve of {POINTS:,} points on screen after its data"
        row("S5", what, spread(seconds), "goal < 300 ms")
        page = context.new_page()
        _open(page, rig, job)
        drawn = [float(page.evaluate(DRAW, POINTS)) for _ in range(5)]
        row("", f"the same, {POINTS:,} drawn by the browser itself", spread(drawn), "not needed: the server thins out")
        _refreshes(page, job)


@contextmanager
def logged_in(rig: Rig) -> Iterator[BrowserContext]:
    """A browser in which alice has logged in."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise RuntimeError("Chromium is not installed (apt-get install chromium)")
    # Playwright keeps an event loop in this thread, in which Django would refuse to touch the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    users = {user["username"]: user for user in json.loads(rig.stack.users_file.read_text())}
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=rig.stack.base_url)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill(users["alice"]["password"])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/training/jobs")
        page.close()
        yield context
        browser.close()


def _open(page: Page, rig: Rig, job: TrainingJob) -> None:
    page.goto(f"{rig.stack.base_url}/training/jobs/{job.pk}")
    page.locator('[data-chart="loss"] canvas').wait_for()


def _curve(context: BrowserContext, rig: Rig, job: TrainingJob) -> float:
    page = context.new_page()
    page.add_init_script(f"({WATCH})()")
    _open(page, rig, job)
    page.wait_for_function("() => globalThis.curveOnScreenAt")
    seconds = float(page.evaluate(SECONDS))
    page.close()
    return seconds


def _weights(context: BrowserContext, rig: Rig, job: TrainingJob, what: str) -> None:
    """All bytes of a first visit: a browser without a cache, in which somebody is logged in."""
    browser = context.browser
    assert browser is not None
    with browser.new_context(storage_state=context.storage_state()) as cold:
        page = cold.new_page()
        finished: list[Request] = []
        page.on("requestfinished", lambda request: finished.append(request))
        _open(page, rig, job)
        page.wait_for_load_state("networkidle")
        weights = {request.url: bytes_of(request) for request in finished}
    points = sum(size for url, size in weights.items() if "/api/" in url)
    parts = f"{sum(weights.values()) / 1000:.0f} kB in {len(weights)} answers, {points / 1000:.0f} kB of them data"
    row("S5", what, parts, "goal < 200 kB")


def _refreshes(page: Page, job: TrainingJob) -> None:
    """The answers to an open page after new points."""
    sizes = []
    first = POINTS + 1
    for _ in range(REFRESHES):
        with page.expect_response(lambda answer: "?since=" in answer.url and answer.status == 200) as answer:
            seed.points(job, NEW_POINTS, first=first)
        first += NEW_POINTS
        sizes.append(bytes_of(answer.value.request))
    row("S5", f"a refresh with {NEW_POINTS} new points", f"{max(sizes) / 1000:.1f} kB at most", "goal < 5 kB")
    with page.expect_response(lambda answer: "?since=" in answer.url and answer.status == 304) as unchanged:
        pass
    row("S5", "a refresh of what has not changed", f"{bytes_of(unchanged.value.request) / 1000:.1f} kB", "goal < 5 kB")


def bytes_of(request: Request) -> int:
    sizes: Any = request.sizes()
    return int(sizes["responseBodySize"] + sizes["responseHeadersSize"])
