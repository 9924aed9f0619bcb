"""The loss sentinel: from what a run reports to what is wrong with it, and what its owner wants done then. Pure.

rules      findings, actions, a job's rules
memory     what is remembered of a run between two looks, small enough for its row
curve      the losses: not a number, exactly zero, a spike, divergence
silence    the clock: no new step, no heartbeat

A false alarm is worse than a late one: who is woken for nothing switches the sentinel off. So every threshold is far
outside of what healthy runs do, and most want to see a thing more than once.
"""

from jobs.sentinel.curve import Loss, losses
from jobs.sentinel.memory import Memory
from jobs.sentinel.rules import ACTIONS, DEFAULTS, LABELS, Action, Finding, Kind, checked, in_force
from jobs.sentinel.silence import heartbeat, progress

__all__ = [
    "ACTIONS",
    "DEFAULTS",
    "LABELS",
    "Action",
    "Finding",
    "Kind",
    "Loss",
    "Memory",
    "checked",
    "heartbeat",
    "in_force",
    "losses",
    "progress",
]
