"""The clock of a run: no new step, no heartbeat. By our own observation of change, never by subtracting clocks. Pure.

no_progress   STALLED_AFTER without a new step. Runs tell a step when they log it, so it is longer where they log
              seldom (LONGEST_STEP_S for each step between two), and where steps are known to be slow (TIMES_SLOWEST
              as long as the longest wait so far: an evaluation, a checkpoint, a busy machine). Twice as long before
              the first step, which compiles and warms up. Stages that are no training stop this clock
no_heartbeat  SILENT_AFTER without a new heartbeat, of a cluster that tells one
"""

from datetime import datetime, timedelta

from jobs.sentinel.memory import Memory, seconds_since
from jobs.sentinel.rules import Finding, Kind

STALLED_AFTER = timedelta(minutes=30)
LONGEST_STEP_S = 60.0
TIMES_SLOWEST = 5.0
SILENT_AFTER = timedelta(minutes=10)


def progress(memory: Memory, *, now: datetime, step: int | None, trains: bool, log_every: int = 1) -> Finding | None:
    """Whether the run stands still. `step` is None where it is not told; `trains` is false in other stages."""
    looked_at, memory.looked_at = memory.looked_at, now.isoformat()
    if step is None or not trains or memory.moved_at is None or memory.at_step is None:
        memory.at_step, memory.moved_at = (step, now.isoformat()) if trains else (None, None)
        return None
    if step != memory.at_step:
        if looked_at is not None:
            waited = seconds_since(memory.moved_at, now) - seconds_since(looked_at, now)
            memory.slowest_s = max(memory.slowest_s, waited)
        memory.at_step, memory.moved_at = step, now.isoformat()
        return None
    still = seconds_since(memory.moved_at, now)
    patience = max(STALLED_AFTER.total_seconds(), LONGEST_STEP_S * log_every, TIMES_SLOWEST * memory.slowest_s)
    if still < patience * (1 if step else 2):
        return None
    return _once(memory, Kind.NO_PROGRESS, f"No new step for {_minutes(still)}: the run stands at step {step}.", step)


def heartbeat(memory: Memory, *, now: datetime, beat: datetime | None) -> Finding | None:
    """Whether the run gives no sign of life. `beat` is the cluster's clock, None where it tells none."""
    told = None if beat is None else beat.isoformat()
    if told is None or told != memory.beat or memory.beat_at is None:
        memory.beat, memory.beat_at = told, now.isoformat()
        return None
    silent = seconds_since(memory.beat_at, now)
    if silent < SILENT_AFTER.total_seconds():
        return None
    return _once(memory, Kind.NO_HEARTBEAT, f"No sign of life from the run for {_minutes(silent)}.")


def _once(memory: Memory, kind: Kind, message: str, step: int | None = None) -> Finding | None:
    if kind in memory.told:
        return None
    memory.told.append(kind.value)
    return Finding(kind, message, step)


def _minutes(seconds: float) -> str:
    return f"{round(seconds / 60)} minutes"
