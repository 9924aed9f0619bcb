"""bin/test runs steps side by side: nothing of what they say is mixed or lost, and Ctrl-C leaves none behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lora_pipeline.devstack import steps
from lora_pipeline.devstack.console import Console
from lora_pipeline.devstack.lanes import side_by_side
from lora_pipeline.devstack.places import ROOT
from lora_pipeline.devstack.steps import Step


def saying(name: str, *lines: str, failed: int = 0) -> Step:
    def run(console: Console) -> tuple[int, int, int]:
        for line in lines:
            console.say(line)
        return 1 - failed, failed, 0

    return Step(name, run)


def test_lanes_run_at_once_and_each_step_is_shown_whole() -> None:
    """Each of the two waits for the other in the middle of what it says."""
    meeting = threading.Barrier(2)
    shown: list[str] = []

    def wait_for_the_other(console: Console) -> tuple[int, int, int]:
        console.say("before")
        meeting.wait(30)
        console.say("after")
        return 1, 0, 0

    outcomes = side_by_side([Step("left", wait_for_the_other)], [Step("right", wait_for_the_other)], show=shown.append)
    assert [outcome.name for outcome in outcomes] == ["left", "right"]
    assert sorted(shown) == ["\n--- left\nbefore\nafter", "\n--- right\nbefore\nafter"]


def test_a_failure_hides_nothing_of_what_comes_after_it_or_runs_beside_it() -> None:
    shown: list[str] = []
    outcomes = side_by_side(
        [saying("first", "it broke", failed=1), saying("second", "fine")], [saying("beside")], show=shown.append
    )
    assert [(outcome.name, outcome.failed) for outcome in outcomes] == [("first", 1), ("second", 0), ("beside", 0)]
    assert "\n--- first\nit broke" in shown
    assert "\n--- second\nfine" in shown


def test_what_programs_write_is_shown_with_the_rest(tmp_path: Path) -> None:
    shown: list[str] = []
    side_by_side(
        [steps.check("lint", ["/bin/sh", "-c", "echo line 7 >&2; exit 3"], folder=tmp_path)], show=shown.append
    )
    assert "".join(shown).split() == ["---", "lint", "line", "7"]


def test_meanwhile_a_line_says_how_far_each_lane_is() -> None:
    told = threading.Event()

    def half(console: Console) -> tuple[int, int, int]:
        console.say("....                [ 34%]\n....                [ 68%]")
        assert told.wait(30)
        return 1, 0, 0

    def show(text: str) -> None:
        if text.endswith("s: tests 68%, lint"):
            told.set()

    def wait(console: Console) -> tuple[int, int, int]:
        return int(told.wait(30)), 0, 0

    outcomes = side_by_side([Step("tests", half)], [Step("lint", wait)], show=show, news_every=0.01)
    assert [outcome.passed for outcome in outcomes] == [1, 1]


def test_a_step_that_breaks_is_not_passed_over() -> None:
    def run(console: Console) -> tuple[int, int, int]:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        side_by_side([Step("broken", run)], [saying("beside")])


TWO_LONG_STEPS = """
import signal, sys
from pathlib import Path
from lora_pipeline.devstack import steps
from lora_pipeline.devstack.lanes import side_by_side

signal.signal(signal.SIGINT, signal.default_int_handler)
command = "echo $$ > {}; exec sleep 600"
side_by_side(*(
    [steps.check(name, ["/bin/sh", "-c", command.format(name)], folder=Path(sys.argv[1])) for name in lane]
    for lane in (["left", "never"], ["right"])
))
"""


def test_ctrl_c_ends_what_runs_in_every_lane_and_starts_nothing_more(tmp_path: Path) -> None:
    for name in ("left", "right"):
        os.mkfifo(tmp_path / name)
    command = subprocess.Popen([sys.executable, "-c", TWO_LONG_STEPS, tmp_path], cwd=ROOT, start_new_session=True)
    sleeping = [int((tmp_path / name).read_text()) for name in ("left", "right")]
    os.killpg(command.pid, signal.SIGINT)
    assert command.wait() != 0
    for pid in sleeping:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not (tmp_path / "never").exists()
