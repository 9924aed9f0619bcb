"""Where Chromium is, for tests that drive pages in a real browser."""

import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of an installed Chromium (or Chrome), else None."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)
