"""`bin/screenshots`: a picture of every page, light, dark and on a phone, from an installation made for it.

    bin/screenshots                     all, whole pages, into .local/screenshots
    bin/screenshots monitor datasets    just these
    bin/screenshots --documentation     those that the documentation shows, into docs/images

The installation's cluster is a simulation. Needs Chromium.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from lora_pipeline.devstack import chromium, stack
from lora_pipeline.devstack.places import ROOT
from tests.e2e import scene
from tests.e2e.installation import Installation, installed
from tests.e2e.pages import SIGHTS, Sight

OPTIONS = stack.Options(level=2, speed=20, poll_seconds=1)  # the running job outlasts its pictures
SETTLED_MS = 1000  # curves are drawn and estimates made


@dataclass(frozen=True)
class Look:
    """How the browser shows pages."""

    name: str
    scheme: Literal["light", "dark"]
    size: ViewportSize


DESKTOP: ViewportSize = {"width": 1280, "height": 1250}  # the monitor's curve is in sight
LIGHT, DARK = Look("light", "light", DESKTOP), Look("dark", "dark", DESKTOP)
PHONE = Look("phone", "light", {"width": 390, "height": 844})


@dataclass(frozen=True)
class Camera:
    """Takes pictures of an installation's pages into `folder`."""

    browser: Browser
    installation: Installation
    ids: Mapping[str, str]
    folder: Path
    full_page: bool

    def take(self, sights: Mapping[str, Sight], look: Look) -> None:
        """Each sight in this look, as NAME-LOOK.png."""
        for username in dict.fromkeys(sight.username for sight in sights.values()):
            theirs = {name: sight for name, sight in sights.items() if sight.username == username}
            self._take_as(username, theirs, look)

    def _take_as(self, username: str | None, sights: Mapping[str, Sight], look: Look) -> None:
        context = self.browser.new_context(
            base_url=self.installation.url, color_scheme=look.scheme, viewport=look.size, reduced_motion="reduce"
        )
        with context:
            tab = context.new_page()
            if username:
                self._log_in(tab, username)
            for name, sight in sights.items():
                tab.goto("about:blank")  # else a path that differs in its fragment alone would not load again
                tab.goto(sight.path.format(**self.ids))
                tab.wait_for_load_state("networkidle")
                sight.arrange(tab)
                tab.wait_for_timeout(SETTLED_MS)
                picture = self.folder / f"{name}-{look.name}.png"
                tab.screenshot(path=picture, full_page=self.full_page)
                print(picture, flush=True)

    def _log_in(self, tab: Page, username: str) -> None:
        tab.goto("/login?next=/settings/tokens")
        tab.get_by_label("Username").fill(username)
        tab.get_by_label("Password").fill(self.installation.users[username]["password"])
        tab.get_by_role("button", name="Log in").click()
        tab.wait_for_url("**/settings/tokens")


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; returns 0, or 1 where there is no browser."""
    parser = argparse.ArgumentParser(prog="bin/screenshots", description="Takes a picture of every page.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(SIGHTS)}; none: all")
    parser.add_argument("--documentation", action="store_true", help="renew the pictures in docs/images")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(SIGHTS)):
        parser.error(f"no such page: {', '.join(unknown)}")
    executable = chromium.find()
    if executable is None:
        print("Chromium is not installed (apt-get install chromium).", file=sys.stderr)
        return 1
    chosen = {name: SIGHTS[name] for name in options.names or SIGHTS}
    folder = ROOT / "docs" / "images" if options.documentation else ROOT / ".local" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, installed(Path(place), OPTIONS) as installation:
        ids = scene.arrange(installation)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            camera = Camera(browser, installation, ids, folder, full_page=not options.documentation)
            for look in (LIGHT, DARK, PHONE):
                wanted = {
                    name: sight
                    for name, sight in chosen.items()
                    if not options.documentation or look.name in sight.documented
                }
                camera.take(wanted, look)
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
