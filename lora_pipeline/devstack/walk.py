"""The journey on a thread of its own, since the main thread minds the processes."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lora_pipeline.devstack.client import Api
from lora_pipeline.devstack.interrupts import StopRequested
from lora_pipeline.devstack.journey import Journey, JourneyFailed
from lora_pipeline.devstack.stack import Stack
from lora_pipeline.devstack.terminal import Terminal


class Walk:
    """Begins with its block and ends with it, wherever it is then. `wake` is called when it is done by itself."""

    def __init__(self, stack: Stack, user: dict[str, str], terminal: Terminal, wake: Callable[[], None]) -> None:
        self.succeeded = False
        self._terminal = terminal
        self._wake = wake
        self._stopped = threading.Event()
        self._done = threading.Event()
        self._journey = Journey(
            Api(stack.base_url, user["token"]),
            username=user["username"],
            s3=stack.s3,
            buckets=stack.buckets,
            cluster_name=stack.cluster_name,
            trains_here=stack.trains_here,
            say=terminal.say,
            pause=self._pause,
        )
        self._thread = threading.Thread(target=self._go, name="journey")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def is_done(self) -> bool:
        """True at the journey's end, good or bad."""
        return self._done.is_set()

    def _go(self) -> None:
        try:
            jobs = self._journey.begin()
            self._journey.follow(jobs, self._terminal.show)
            self._terminal.freeze()
            self._journey.check_results(jobs)
            self._terminal.say("Both jobs are completed, their adapters are in lora-models.")
            self.succeeded = True
        except JourneyFailed as error:
            self._terminal.freeze()
            self._terminal.say(str(error))
        except StopRequested:
            return
        finally:
            self._done.set()
            self._wake()

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise StopRequested
