"""The way of a job's present attempt as a row of phases, each with the time spent in it, from its timeline. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from jobs.states import TERMINAL, Stage, Status


class State(StrEnum):
    DONE = "done"
    CURRENT = "current"
    FAILED = "failed"
    STOPPED = "stopped"
    TO_COME = "to_come"
    NOT_REACHED = "not_reached"


# name -> (label, the stages it is made of), in order; one that is optional shows where a job went through it.
PHASES: dict[str, tuple[str, frozenset[Stage]]] = {
    "queued": ("Queued", frozenset({Stage.QUEUED, Stage.SUBMISSION_UNCONFIRMED})),
    "cluster_queue": ("Cluster queue", frozenset({Stage.QUEUED_ON_GPU})),
    "preparing": ("Preparing", frozenset({Stage.INITIALIZING, Stage.PREPROCESSING})),
    "loading": ("Loading model", frozenset({Stage.MODEL_LOADING})),
    "training": ("Training", frozenset({Stage.TRAINING})),
    "saving": ("Saving", frozenset({Stage.SAVING, Stage.UPLOADING})),
    "finalization": ("Finalization", frozenset({Stage.FINALIZATION})),
    "done": ("Done", frozenset({Stage.COMPLETED})),
}
OPTIONAL = frozenset({"cluster_queue"})
_NAMES = list(PHASES)
_PHASE_OF = {stage.value: name for name, (_, stages) in PHASES.items() for stage in stages}


@dataclass(frozen=True)
class Moment:
    """An event of the attempt: `stage` or `status` is what the job came to by it, "" where it did not change."""

    at: datetime
    status: str = ""
    stage: str = ""


@dataclass(frozen=True)
class Phase:
    """`seconds` are those spent in it up to now or its end, None where it was not entered; `since` while it lasts."""

    name: str
    label: str
    state: State
    seconds: float | None = None
    since: datetime | None = None


def moment(event: Any) -> Moment:
    """From a line of the timeline."""
    return Moment(event.created_at, event.to_status, str(event.detail.get("stage") or ""))


def phase_of(status: str, stage: str) -> str:
    """The phase that a job is in, or was in when it ended. A stage of the cluster's own belongs to the training once
    the job runs, before that to the preparation."""
    if status == Status.COMPLETED:
        return "done"
    known = _PHASE_OF.get(stage)
    if status == Status.RUNNING and known in {"queued", "cluster_queue"}:
        return "training"  # the cluster tells no stages
    return known or ("preparing" if status in {Status.QUEUED, Status.INITIALIZING} else "training")


def phases(
    moments: Iterable[Moment], *, status: str, stage: str, ended_at: datetime | None, now: datetime
) -> list[Phase]:
    """The row of an attempt that is in `status` and `stage`; `moments` are its events, oldest first."""
    spent, since = _spent(moments, until=ended_at or now)
    here = _NAMES.index(phase_of(status, stage))
    row = []
    for place, name in enumerate(_NAMES):
        if name in OPTIONAL and place != here and not spent.get(name):
            continue
        state = _state(place - here, status)
        is_reached = state not in {State.TO_COME, State.NOT_REACHED}
        row.append(
            Phase(
                name,
                PHASES[name][0],
                state,
                seconds=spent.get(name) if is_reached and name != "done" else None,
                since=since if state is State.CURRENT else None,
            )
        )
    return row


def _state(ahead: int, status: str) -> State:
    if ahead > 0:
        return State.NOT_REACHED if status in TERMINAL else State.TO_COME
    if ahead < 0 or status == Status.COMPLETED:
        return State.DONE
    return {Status.FAILED: State.FAILED, Status.CANCELLED: State.STOPPED}.get(Status(status), State.CURRENT)


def _spent(moments: Iterable[Moment], *, until: datetime) -> tuple[dict[str, float], datetime | None]:
    """Seconds in each phase, and when the last one was entered."""
    spent: dict[str, float] = {}
    status, stage, phase, since = "", "", "", None
    for each in moments:
        if each.status in TERMINAL:
            break
        status, stage = each.status or status, each.stage or ("queued" if each.status == Status.QUEUED else stage)
        if each.status == Status.INITIALIZING:
            stage = Stage.INITIALIZING.value
        entered = phase_of(status, stage)
        if entered == phase:
            continue
        if since is not None:
            spent[phase] = spent.get(phase, 0.0) + (each.at - since).total_seconds()
        phase, since = entered, each.at
    if since is not None:
        spent[phase] = spent.get(phase, 0.0) + max(0.0, (until - since).total_seconds())
    return spent, since
