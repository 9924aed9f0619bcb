"""What somebody waits for who compares as many long runs as can be compared, in a real Chromium."""

from time import perf_counter
from typing import Any

from playwright.sync_api import BrowserContext, Request

from benchmarks import seed
from benchmarks.page import POINTS, bytes_of, logged_in
from benchmarks.report import row, spread
from benchmarks.rig import Rig
from jobs.comparisons import MOST

VISITS = 5
DRAWN = """() => [...document.querySelectorAll("[data-chart] canvas")].filter(
    (canvas) => canvas.getAttribute("aria-label")).length === 2"""
ANSWERS = """() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/metrics?"))
    .map(({ requestStart, responseStart }) => (responseStart - requestStart) / 1000)"""


def measure(rig: Rig) -> None:
    """Print the figures."""
    alice, _ = seed.user()
    jobs = seed.jobs(alice, seed.dataset(alice), MOST)
    for job in jobs:
        seed.points(job, POINTS)
    address = f"{rig.stack.base_url}/training/compare?jobs={','.join(str(job.pk) for job in jobs)}"
    with logged_in(rig) as context:
        seconds, answers, weights = zip(*(_visit(context, address) for _ in range(VISITS + 1)), strict=True)
    what = f"{MOST} jobs of {POINTS:,} points compared"
    data = sum(size for url, size in weights[0].items() if "/metrics?" in url)
    row("S5", f"{what}: the first time", f"{seconds[0]:.2f} s, slowest answer {max(answers[0]):.2f} s")
    row("S5", f"{what}: curves on screen after the click", spread(list(seconds[1:])))
    row("S5", "of that the slowest answer", spread([max(each) for each in answers[1:]]))
    row("S5", "weight, everything cold", f"{sum(weights[0].values()) / 1000:.0f} kB, {data / 1000:.0f} kB of them data")


def _visit(context: BrowserContext, address: str) -> tuple[float, list[float], dict[str, int]]:
    """Seconds until both charts are drawn, seconds of each answer with points, and bytes by address."""
    page = context.new_page()
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))
    began = perf_counter()
    page.goto(address)
    page.wait_for_function(DRAWN)
    seconds = perf_counter() - began
    answers: Any = page.evaluate(ANSWERS)
    page.wait_for_load_state("networkidle")
    weights = {request.url: bytes_of(request) for request in finished}
    page.close()
    return seconds, answers, weights
