"""Steps of bin/test that run side by side: most tests wait more than they compute.

A lane's steps run one after the other. What a step writes is shown whole once it has ended; until then a line now
and then tells how far each lane is.
"""

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from lora_pipeline.devstack.console import Console
from lora_pipeline.devstack.steps import Outcome, Step

# A signal that the kernel gives to a lane's thread does not wake the main one, which is to act on it.
_SECONDS_TO_NOTICE = 0.5
_PERCENT = re.compile(r"\[ *(\d+)%\]")


class _Lane:
    """Steps that write to one log."""

    def __init__(self, steps: Sequence[Step], log: IO[str], show: Callable[[str], None]) -> None:
        self.console = Console(log)
        self._steps = steps
        self._show = show
        self._log = log
        self._current = ""
        self._shown = 0

    def run(self) -> list[Outcome]:
        """Run the steps, whatever becomes of each, until the console is closed."""
        outcomes = []
        for step in self._steps:
            self._current = step.name
            outcomes.append(step.outcome(self.console))
            text = self._unseen()
            self._current, self._shown = "", self._shown + len(text)
            self._show(text.rstrip("\n"))
            if self.console.is_closed:
                break
        return outcomes

    def news(self) -> str:
        """What runs, and how far pytest says that it is; empty where nothing does."""
        percents = _PERCENT.findall(self._unseen())
        return f"{self._current} {percents[-1]}%" if self._current and percents else self._current

    def _unseen(self) -> str:
        return Path(self._log.name).read_text(errors="replace")[self._shown :]


def _print(text: str) -> None:
    print(text, flush=True)


def side_by_side(*lanes: Sequence[Step], show: Callable[[str], None] = _print, news_every: float = 60) -> list[Outcome]:
    """Run all lanes at once; their outcomes, lane by lane. Ctrl-C ends what runs in every lane.

    `show` is given the whole of what a step wrote, and every `news_every` seconds a line of news; it is called from
    several threads.
    """
    with ExitStack() as stack:
        logs = [stack.enter_context(tempfile.NamedTemporaryFile("w", prefix="lane-")) for _ in lanes]
        running = [_Lane(steps, log.file, show) for steps, log in zip(lanes, logs, strict=True)]
        pool = stack.enter_context(ThreadPoolExecutor(len(running)))
        started = told = time.monotonic()
        try:
            ends = [pool.submit(lane.run) for lane in running]
            while wait(ends, min(news_every, _SECONDS_TO_NOTICE)).not_done:
                now = time.monotonic()
                if now - told >= news_every:
                    told = now
                    show(f"    {now - started:5.0f} s: {', '.join(filter(None, (lane.news() for lane in running)))}")
        except BaseException:
            for lane in running:
                lane.console.close()
            raise
        return [outcome for end in ends for outcome in end.result()]
