"""What is due next: one moment per job, and the only timer of the node."""

import asyncio
import heapq
from collections.abc import Callable

from gpu_node.clock import Clock


class Agenda:
    """Keeps one due moment per name; the newest entry of a name replaces the older one. Pure."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def set(self, name: str, due: float | None) -> None:
        """Notes when `name` is due (seconds since the epoch); None takes it off."""
        if due is None:
            self._due.pop(name, None)
        elif self._due.get(name) != due:
            self._due[name] = due
            heapq.heappush(self._heap, (due, name))

    def next_due(self) -> float | None:
        """The earliest due moment, or None when nothing is."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> str | None:
        """Takes one name off that is due by `now`."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, name = heapq.heappop(self._heap)
        del self._due[name]
        return name


class Alarm:
    """A single event-loop timer that rings at the agenda's next due moment."""

    def __init__(self, agenda: Agenda, clock: Clock, ring: Callable[[], None]) -> None:
        self._agenda = agenda
        self._clock = clock
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._set_for: float | None = None

    def rearm(self) -> None:
        """Sets the timer to what is due next; cheap when nothing changed."""
        due = self._agenda.next_due()
        if due == self._set_for:
            return
        self.silence()
        if due is not None:
            self._set_for = due
            delay = max(0.0, due - self._clock.now())
            self._handle = asyncio.get_running_loop().call_later(delay, self._rang)

    def silence(self) -> None:
        """Takes the timer back."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._set_for = None

    def _rang(self) -> None:
        self._handle = self._set_for = None
        self._ring()
        self.rearm()
