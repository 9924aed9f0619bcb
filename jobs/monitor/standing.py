"""How it stands with a job, as its page writes it before the script takes over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jobs.models import JobEvent, TrainingJob
from jobs.monitor import facts, projection, trends
from jobs.monitor.phases import Phase, State
from jobs.monitor.situation import WORDS, WaitsFor
from jobs.monitor.trends import Trends
from jobs.monitor.way import way_of

# A page does not wait for a long curve to be read; its script asks for the trends at once.
FEW_POINTS = 5000
ICONS = {
    WaitsFor.US: "loader",
    WaitsFor.CLUSTER: "activity",
    WaitsFor.QUEUE: "clock",
    WaitsFor.TRAINING: "activity",
    WaitsFor.STORAGE: "database",
    WaitsFor.PERSON: "user",
    WaitsFor.NOBODY: "check",
}
CLOCKS = {"cluster": "Cluster last heard", "heartbeat": "Last sign of life", "step": "Last new step"}
# state of a phase -> (icon, word)
PHASE_STATES = {
    State.DONE: ("tick", "done"),
    State.CURRENT: ("activity", "now"),
    State.FAILED: ("x", "failed here"),
    State.STOPPED: ("stop", "stopped here"),
    State.TO_COME: ("", "to come"),
    State.NOT_REACHED: ("", "not reached"),
}


def standing(job: TrainingJob, events: Sequence[JobEvent], *, now: datetime) -> dict[str, Any]:
    """Sentence, clocks, phases and trends for jobs/monitor/now.html and cards.html."""
    found = facts.situation_of(job, now=now)
    projected = projection.projected_cost(job, heard_at=found.clocks.cluster.at)
    return {
        "situation": found,
        "waits_for": {**who(found.waits_for), **({"icon": "alert"} if found.is_trouble else {})},
        "waits_for_words": {each.value: who(each) for each in WaitsFor},
        "clocks": [_clock(name, getattr(found.clocks, name), now) for name in CLOCKS],
        "phases": [_phase(phase) for phase in way_of(job, events, now=now)],
        "trends": trends.trends_of(job) if job.metrics_count <= FEW_POINTS else Trends(),
        "projected_cost": projected,
        "budget_is_short": projected is not None and job.max_cost is not None and projected > job.max_cost,
    }


def who(waits_for: WaitsFor) -> dict[str, str]:
    return {"word": WORDS[waits_for], "icon": ICONS[waits_for]}


def _clock(name: str, clock: Any, now: datetime) -> dict[str, Any]:
    ago = None if clock.at is None else max(0.0, (now - clock.at).total_seconds())
    return {"name": name, "label": CLOCKS[name], "seconds_ago": ago, "is_late": clock.is_late(now)}


def _phase(phase: Phase) -> dict[str, Any]:
    icon, word = PHASE_STATES[phase.state]
    is_here = phase.state in {State.CURRENT, State.FAILED, State.STOPPED} or phase.name == "done"
    is_here = is_here and phase.state not in {State.TO_COME, State.NOT_REACHED}
    return {
        "label": phase.label,
        "state": phase.state.value,
        "icon": icon,
        "word": word,
        "is_here": is_here,
        "seconds": phase.seconds,
        "since": phase.since,
    }
