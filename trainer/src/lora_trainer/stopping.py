"""SIGTERM: at first it ends the process at once, later it is a wish that training looks up between two batches."""

import signal
from types import FrameType

from lora_trainer.errors import Stopped


class Stopper:
    """Installed before anything heavy is imported, so that a stop is obeyed while importing too."""

    def __init__(self) -> None:
        self.wanted = False
        self._at_once = True

    def install(self) -> None:
        """Answer SIGTERM and SIGINT in this process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def defer(self) -> None:
        """From now on a signal only sets `wanted`; raises Stopped if one came before."""
        self.settle()
        self.check()

    def settle(self) -> None:
        """From now on a signal interrupts nothing: what is being saved is saved."""
        self._at_once = False

    def check(self) -> None:
        """Raises Stopped if somebody wants us to end."""
        if self.wanted:
            raise Stopped

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
        if self._at_once:
            raise Stopped
