"""Pages that refuse, where they really come from: a limit is reached, a database is gone, or broken."""

import re
from pathlib import Path

from playwright.sync_api import expect

from lora_pipeline.devstack import ports
from tests.e2e.accessibility import check
from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation


def test_one_who_asks_too_much_is_told_how_long_to_wait(
    open_tab: Open, installation: Installation, complaints: Complaints
) -> None:
    elsewhere = installation.web_elsewhere("web-strict", API_RATE_USER="1/min")
    tab = open_tab("alice", "/settings/tokens")
    # Each of its processes grants one, and any may answer: the first refusal is the page that stays.
    asked = (tab.goto(f"{elsewhere}/api/costs") for _ in range(20))
    answer = next((answer for answer in asked if answer is not None and answer.status == 429), None)
    assert answer is not None
    expect(tab.get_by_role("heading", name="Too many requests")).to_be_visible()
    expect(tab.get_by_text(re.compile(r"Try again in \d+ s"))).to_be_visible()
    assert 0 < int(answer.headers["retry-after"]) <= 60
    check(tab)
    installation.stop("web-strict")
    complaints.forgive()  # the browser notes the 429s, the bell's among them


def test_without_its_database_a_page_says_so(
    open_tab: Open, installation: Installation, complaints: Complaints
) -> None:
    nobody = f"postgresql://nobody@127.0.0.1:{ports.free()}/nothing"
    elsewhere = installation.web_elsewhere("web-cut-off", DATABASE_URL=nobody)
    tab = open_tab("alice", "/settings/tokens")
    answer = tab.goto(f"{elsewhere}/training/jobs")
    assert answer is not None
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    expect(tab.get_by_role("heading", name="The database does not answer")).to_be_visible()
    check(tab)
    installation.stop("web-cut-off")
    complaints.forgive()  # the browser notes the 503


def test_a_fault_of_ours_is_a_page_that_leaks_nothing(
    open_tab: Open, installation: Installation, complaints: Complaints, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"This was a database once." * 100)
    elsewhere = installation.web_elsewhere("web-broken", DATABASE_URL=f"sqlite:///{broken}")
    tab = open_tab("alice", "/settings/tokens")
    answer = tab.goto(f"{elsewhere}/training/jobs")
    assert answer is not None
    assert answer.status == 500
    expect(tab.get_by_role("heading", name="Something broke on our side")).to_be_visible()
    assert "sqlite" not in tab.content()
    check(tab)
    installation.stop("web-broken")
    complaints.forgive()  # the browser notes the 500
