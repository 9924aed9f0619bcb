"""The node's own notes on a run, kept in the run's folder. Times are epoch seconds."""

from dataclasses import asdict, dataclass
from pathlib import Path

from gpu_node.executor import Outcome
from gpu_node.trained.folder import read_json, write_json


@dataclass(frozen=True)
class Launch:
    """One start of a child: why it was started, and the machine's count of out-of-memory kills before it."""

    at: float
    reason: str
    memory_kills: int = 0


@dataclass(frozen=True)
class StopOrder:
    """The run is to end; it is killed at `kill_at`. With an error code it fails, else it was stopped."""

    at: float
    kill_at: float
    keep_adapter: bool
    error_code: str | None = None
    error_message: str | None = None


@dataclass(frozen=True)
class Record:
    """What a restarted node must know. `paused`: the node itself stopped the child, to start it again.

    `settled_at`: since when nobody waits for the run's files any more.
    """

    run_id: str
    gpu_type: str
    gpu_count: int
    devices: tuple[str, ...]
    python: str
    begun_at: float
    launches: tuple[Launch, ...] = ()
    crashes: int = 0
    furthest_at_crash: int | None = None
    paused: bool = False
    stop: StopOrder | None = None
    outcome: Outcome | None = None
    delivered: bool = False
    settled_at: float | None = None

    def save(self, path: Path) -> None:
        write_json(path, asdict(self))


def load(path: Path) -> Record | None:
    """The record that `save` wrote; None when the run never began."""
    facts = read_json(path)
    if facts is None:
        return None
    known = {
        "devices": tuple(facts["devices"]),
        "launches": tuple(Launch(**launch) for launch in facts["launches"]),
        "stop": StopOrder(**facts["stop"]) if facts["stop"] else None,
        "outcome": Outcome(**facts["outcome"]) if facts["outcome"] else None,
    }
    return Record(**(facts | known))
