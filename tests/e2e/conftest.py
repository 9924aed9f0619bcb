"""A real browser in front of a real installation. Every tab fails its test if its console shows an error."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, StorageState, expect

from tests.e2e.installation import Installation, installed

CHROMIUM_SWITCHES = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 60_000
# What the server says with each answer, and what makes a page ask at once.
OURS = {"X-Answered-By": "lora-pipeline"}
AT_ONCE = "dispatchEvent(new Event('online'))"
LOOKED_AT = "document.dispatchEvent(new Event('visibilitychange'))"
# What was asked for before has come to its route, and what was answered before has been dealt with.
A_TURN_LATER = "fetch('/health').then(() => new Promise(setTimeout))"
REPORT_REFUSALS = (
    "document.addEventListener('securitypolicyviolation', e => console.error(`${e.violatedDirective} ${e.blockedURI}`))"
)
# Notes down what toasts say: they go by themselves.
HEAR_TOASTS = """addEventListener("DOMContentLoaded", () => {
    window.heard = [];
    const region = document.getElementById("toasts");
    const note = (changes) => {
        for (const { addedNodes } of changes) heard.push(...Array.from(addedNodes, (box) => box.textContent));
    };
    if (region) new MutationObserver(note).observe(region, { childList: true });
})"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium. Without one these tests are skipped, or fail where REQUIRE_BROWSER=1."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        missing = "Chromium is not installed (apt-get install chromium)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    # Playwright keeps an event loop in this thread, in which Django would refuse to touch the database in
    # later tests of this process.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    return {"executable_path": executable, "args": CHROMIUM_SWITCHES}


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Web server, workers, Beat, broker, S3 server and GPU node, once for all browser tests."""
    with installed(tmp_path_factory.mktemp("installation")) as running:
        yield running


@pytest.fixture(scope="session")
def dataset(installation: Installation) -> dict[str, Any]:
    """A dataset of alice's that the workers have found ready."""
    return installation.await_ready("alice", installation.dataset("alice", "Sums"))


@dataclass
class Complaints:
    """What consoles showed. A test that provokes an error forgives it."""

    texts: list[str] = field(default_factory=list)
    _forgives_answers: bool = False

    def note(self, message: ConsoleMessage) -> None:
        is_answer = message.text.startswith("Failed to load resource")
        if message.type == "error" and not (is_answer and self._forgives_answers):
            self.texts.append(f"{message.text} ({message.location.get('url')})")

    def forgive(self) -> None:
        """What was heard, and refused or lost requests from now on: a page goes on asking until it is closed."""
        self.texts.clear()
        self._forgives_answers = True


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """The test's consoles; they must be clean at its end."""
    heard = Complaints()
    yield heard
    assert heard.texts == []


Open = Callable[..., Page]


@pytest.fixture(scope="session")
def logged_in(browser: Browser, installation: Installation) -> Callable[[str], StorageState]:
    """`logged_in("alice")` are the cookies of alice's session, from the login page."""

    @cache
    def cookies(username: str) -> StorageState:
        with browser.new_context(base_url=installation.url) as context:
            tab = context.new_page()
            tab.goto("/login?next=/settings/tokens")
            tab.get_by_label("Username").fill(username)
            tab.get_by_label("Password").fill(installation.users[username]["password"])
            tab.get_by_role("button", name="Log in").click()
            tab.wait_for_url("**/settings/tokens")
            return context.storage_state()

    return cookies


@pytest.fixture
def open_tab(
    browser: Browser, installation: Installation, logged_in: Callable[[str], StorageState], complaints: Complaints
) -> Iterator[Open]:
    """`open_tab("alice", "/training/jobs", color_scheme="dark")` is a tab in which alice has logged in (None: nobody).

    What the content security policy refuses is an error in its console. With `has_clock` its clock can be moved
    (`tab.clock`): from the start, as for a moment of its installation a page reads 1970. Without the service worker:
    requests of a page that one answers for pass by `tab.route`; `service_workers="allow"` lets it in.
    """
    contexts: list[BrowserContext] = []

    def open_(username: str | None, path: str, *, has_clock: bool = False, **options: Any) -> Page:
        cookies = logged_in(username) if username else None
        options = {"service_workers": "block", **options}
        context = browser.new_context(base_url=installation.url, storage_state=cookies, **options)
        contexts.append(context)
        context.add_init_script(REPORT_REFUSALS)
        context.add_init_script(HEAR_TOASTS)
        context.set_default_timeout(PATIENCE_MS)
        if has_clock:
            context.clock.install()
        tab = context.new_page()
        tab.on("console", complaints.note)
        tab.on("pageerror", lambda error: complaints.texts.append(str(error)))
        tab.goto(path)
        return tab

    expect.set_options(timeout=PATIENCE_MS)
    yield open_
    for context in contexts:
        context.close()


@contextmanager
def held_back(tab: Page, requests: str) -> Iterator[None]:
    """For the time of a block these requests of the tab's do not leave the browser."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.route(requests, hold)
    yield
    for route in held:
        route.continue_()
    tab.unroute(requests)


def stand_still(tab: Page) -> None:
    """From now on no timer of the tab's runs, until `tab.clock.resume()`: it does nothing by itself, and what it says
    stays. For a tab that `has_clock`, which jumps ahead by a minute: what was due by then is begun once.
    """
    tab.clock.pause_at(tab.evaluate("Date.now()") / 1000 + 60)


def hear(tab: Page, words: str) -> None:
    """Wait until a toast has said so. It may be gone again."""
    tab.wait_for_function("words => heard.some((text) => text.includes(words))", arg=words)
