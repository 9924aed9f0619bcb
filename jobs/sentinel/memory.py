"""What the sentinel remembers of a run: a few dozen numbers, kept as JSON in the attempt's row. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

WINDOW = 32


@dataclass
class Memory:
    """Of one attempt and restart; a resumed run starts anew, for its steps and losses fall back legally.

    `losses` are the last WINDOW that are numbers and not 0, `best` the lowest median of such a window. `nans`, `zeros`,
    `high` and `worse` count points in a row. `moved_at` is when `at_step` was first seen, `beat_at` when `beat` (the
    cluster's heartbeat, never compared with our clock) was: both by our clock, as `looked_at`. `slowest_s` is how long
    the run is known to have stood at one step before it moved on.
    """

    restart: int = 0
    step: int = -1
    seen: int = 0
    losses: list[float] = field(default_factory=list)
    best: float | None = None
    nans: int = 0
    zeros: int = 0
    high: int = 0
    worse: int = 0
    since: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    at_step: int | None = None
    moved_at: str | None = None
    looked_at: str | None = None
    slowest_s: float = 0.0
    beat: str | None = None
    beat_at: str | None = None

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Self:
        """From a row; what an older version stored and this one does not know is left out."""
        return cls(**{name: value for name, value in stored.items() if name in _EMPTY})

    def as_json(self) -> dict[str, Any]:
        """For a row: only what differs from a run of which nothing is known."""
        return {name: value for name, value in vars(self).items() if value != _EMPTY[name]}

    def resumed(self, restart: int) -> None:
        """The cluster resumed the run: everything starts anew."""
        if restart > self.restart:
            self.__init__(restart=restart)  # type: ignore[misc]


_EMPTY = dict(vars(Memory()))


def seconds_since(moment: str, now: datetime) -> float:
    """Seconds from a remembered moment of our clock until `now`."""
    return (now - datetime.fromisoformat(moment)).total_seconds()
