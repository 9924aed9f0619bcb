"""A child is gone: what becomes of its run. Pure.

A run that crashed starts again from its last checkpoint, at most three times, and not when it got no further
than the time before.
"""

import signal
from dataclasses import dataclass

from gpu_node.executor import Outcome
from gpu_node.trained.record import Record
from gpu_node.trained.report import Report

MOST_CRASHES = 3
CANNOT_EXECUTE = {126, 127}
LESS_MEMORY = "lower batch_size or max_length, or choose a GPU type with more memory"


@dataclass(frozen=True)
class Again:
    """The run goes on with a new child; `crashed` when the old one did not end in an orderly way."""

    reason: str
    crashed: bool


@dataclass(frozen=True)
class Exit:
    """How a child ended. `code` is None when it was not ours to ask, negative for a signal; `at` when."""

    code: int | None
    at: float
    out_of_memory: bool = False
    last_words: str = ""


def judge(record: Record, report: Report, exit: Exit) -> Outcome | Again:
    """The outcome, or that the run starts again."""
    end, stop = report.end, record.stop
    if end is not None and end.outcome == "completed":
        return Outcome("completed", exit.at)
    if stop is not None:
        if stop.error_code is None:
            return Outcome("stopped", exit.at)
        return Outcome("failed", exit.at, stop.error_code, stop.error_message)
    if end is not None and end.outcome == "failed":
        message = end.error_message or "The trainer failed; the log says why."
        return Outcome("failed", exit.at, end.error_code or "training_failed", message)
    if record.paused:
        return Again("the node was restarted", crashed=False)
    if exit.code in CANNOT_EXECUTE:
        message = (
            f"The trainer cannot be started: {exit.last_words}. Remove its environment to have it made anew."
        )
        return Outcome("failed", exit.at, "environment_failed", message)
    how = _how(report, exit)
    if record.crashes >= MOST_CRASHES or record.furthest_at_crash == report.furthest:
        return _given_up(record.crashes + 1, how, exit)
    return Again(how, crashed=True)


def _how(report: Report, exit: Exit) -> str:
    if report.end is not None and report.end.outcome == "stopped":
        return "somebody else stopped the trainer"
    if exit.out_of_memory:
        return "the machine ran out of memory and killed the trainer"
    if exit.code is None:
        return "the trainer ended while the node was away"
    if exit.code < 0:
        name = signal.Signals(-exit.code).name if -exit.code in set(signal.Signals) else str(-exit.code)
        return f"the trainer was killed ({name})"
    return f"the trainer ended with exit code {exit.code}"


def _given_up(crashes: int, how: str, exit: Exit) -> Outcome:
    said = f" Its last words: {exit.last_words}" if exit.last_words else ""
    if exit.out_of_memory:
        message = f"It was started {crashes} times: {how}. Give it less to hold: {LESS_MEMORY}."
        return Outcome("failed", exit.at, "out_of_memory", message)
    if exit.code == -signal.SIGKILL:
        message = (
            f"It was started {crashes} times: {how}. Something on the machine kills it, most often for want "
            f"of memory: {LESS_MEMORY}."
        )
        return Outcome("failed", exit.at, "node_lost", message)
    message = f"It was started {crashes} times: {how}.{said} The log has the details."
    return Outcome("failed", exit.at, "training_failed", message)
