"""Every page and dialog that there is to see: what the accessibility test visits and `bin/screenshots` pictures.

A new page, tab or dialog gets a line here. `{job}` and the like in a path are ids of tests.e2e.scene.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page


def _stay(tab: Page) -> None:
    pass


def press(name: str) -> Callable[[Page], None]:
    """Press the first button of that name, to open what it opens."""
    return lambda tab: tab.get_by_role("button", name=name).first.click()


def _send_without_token(tab: Page) -> None:
    """A form that was written before its sender logged in: what it gets is a page, too."""
    tab.locator("main [name=csrfmiddlewaretoken]").first.evaluate("field => { field.value = '' }")
    tab.get_by_label("Name").fill("laptop")
    tab.get_by_role("button", name="Make a token").click()
    tab.get_by_role("heading", name="That page was out of date").wait_for()


def _unfold(tab: Page) -> None:
    for fold in ("Advanced settings", "Where the memory goes", "The same as an API call"):
        tab.get_by_text(fold).click()


def _start_with_nonsense(tab: Page) -> None:
    tab.get_by_role("textbox", name="Epochs").fill("99")
    tab.get_by_label("Budget in dollars").fill("much")
    tab.get_by_role("button", name="Start training").click()
    tab.get_by_text("2 fields need a look").first.wait_for()


def _ring(tab: Page) -> None:
    """Open what the bell opens."""
    tab.get_by_role("link", name="Notifications").click()
    tab.get_by_role("link", name="All notifications").wait_for()


def tick(tab: Page) -> None:
    """Choose jobs to compare."""
    for box in tab.get_by_role("checkbox", name="Compare").all():
        box.check()


def show_all(tab: Page) -> None:
    """All settings of a comparison, and jobs to add to it."""
    tab.get_by_label("Show all").check()
    tab.get_by_text("Add a job").click()


@dataclass(frozen=True)
class Sight:
    """A page as `username` sees it (None: nobody has logged in), after `arrange` has opened what is to be seen.

    `documented` are the looks (tests.e2e.screenshots) in which the documentation shows it.
    """

    path: str
    arrange: Callable[[Page], None] = _stay
    username: str | None = "alice"
    documented: tuple[str, ...] = ()
    is_missing: bool = False  # an answer of 4xx, which the browser notes in its console


SIGHTS = {
    "login": Sight("/login", username=None),
    "jobs": Sight("/training/jobs", documented=("light",)),
    "jobs-none": Sight("/training/jobs", username="bob"),
    "jobs-none-found": Sight("/training/jobs?search=no+such+job"),
    "jobs-filtered": Sight("/training/jobs?status=ended&search=tone&gpu=H100-80GB&sort=cost", tick),
    "jobs-cancel": Sight("/training/jobs?status=active", press("Cancel Support tone, long run")),
    "compare": Sight("/training/compare?jobs={job},{other},{running}", documented=("dark",)),
    "compare-all-settings": Sight("/training/compare?jobs={job},{failed}", show_all),
    "compare-few": Sight("/training/compare?jobs={job}"),
    "compare-none": Sight("/training/compare", username="bob"),
    "configure": Sight("/training/configure?dataset={dataset}", documented=("light",)),
    "configure-all": Sight("/training/configure?clone={job}", _unfold),
    "configure-refused": Sight("/training/configure?dataset={dataset}", _start_with_nonsense, is_missing=True),
    "configure-none": Sight("/training/configure", username="bob"),
    "monitor": Sight("/training/jobs/{running}", documented=("light", "dark")),
    "monitor-cancel": Sight("/training/jobs/{running}", press("Cancel job")),
    "monitor-completed": Sight("/training/jobs/{job}"),
    "monitor-files": Sight("/training/jobs/{job}", lambda tab: tab.get_by_label("Save the chart: Loss").click()),
    "monitor-configuration": Sight("/training/jobs/{job}#configuration"),
    "monitor-info": Sight("/training/jobs/{job}#info"),
    "monitor-logs": Sight("/training/jobs/{job}#logs"),
    "monitor-timeline": Sight("/training/jobs/{job}#timeline"),
    "monitor-artifacts": Sight("/training/jobs/{job}#artifacts"),
    "monitor-failed": Sight("/training/jobs/{failed}"),
    "datasets": Sight("/datasets"),
    "datasets-none": Sight("/datasets", username="bob"),
    "datasets-none-found": Sight("/datasets?search=no+such+dataset"),
    "dataset-import": Sight("/datasets/import"),
    "dataset-import-all": Sight("/datasets/import?folder=alice/&choose=all"),
    "dataset-import-refused": Sight("/datasets/import?folder=charlie/", is_missing=True),
    "dataset": Sight("/datasets/{dataset}"),
    "dataset-examples": Sight("/datasets/{dataset}?order=random&seed=7&example=3#sample"),
    "dataset-line": Sight("/datasets/{faulty}?line=61#sample"),
    "dataset-delete": Sight("/datasets/{dataset}", press("Delete")),
    "dataset-faulty": Sight("/datasets/{faulty}", documented=("light",)),
    "dataset-edit": Sight("/datasets/{dataset}/edit"),
    "costs": Sight("/costs"),
    "costs-year": Sight("/costs?range=12-months&group=gpu", lambda tab: tab.get_by_text("The same as a table").click()),
    "costs-wrong-dates": Sight("/costs?range=custom&from=2026-11-10&to=2026-11-01"),
    "costs-none": Sight("/costs", username="bob"),
    "notifications": Sight("/notifications"),
    "notifications-none": Sight("/notifications", username="bob"),
    "notification-settings": Sight("/settings/notifications"),
    "webhook": Sight("/settings/webhooks/{webhook}"),
    "tokens": Sight("/settings/tokens"),
    "token-revoke": Sight("/settings/tokens", press("Revoke")),
    "password": Sight("/settings/password"),
    "bell": Sight("/training/jobs", _ring),
    "bell-none": Sight("/costs", _ring, username="bob"),
    "account-menu": Sight("/settings/password", lambda tab: tab.get_by_label("Account of").click()),
    "keys": Sight("/training/jobs", lambda tab: tab.keyboard.press("?")),
    "forbidden": Sight("/api/process-training-jobs", is_missing=True),
    "not-for-you": Sight("/admin/"),
    "out-of-date": Sight("/settings/tokens", _send_without_token, is_missing=True),
    "offline": Sight("/offline", username=None),
    "missing": Sight("/no/such/page", is_missing=True),
}
