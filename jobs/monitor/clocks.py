"""Three clocks of a job that is under way: when its cluster was last heard of it, when its run last gave a sign of
life, when it last made a step. Pure.

All by our own clock: what a cluster's clock says is never compared with it, so a heartbeat counts from when we first
saw it. A clock is late once it stands longer than what is normal, by the pace at which we ask and the run logs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

# Besides two of our own rounds: an answer on its way, a heartbeat's own pace.
SLACK_S = 15.0
HEARTBEAT_SLACK_S = 60.0
STEP_SLACK_S = 30.0
TIMES_SLOWEST = 3.0
TIMES_USUAL = 5.0


@dataclass(frozen=True)
class Clock:
    """`at` is None where nothing is known yet, or nothing is to be expected; it is late after `normal_s`."""

    at: datetime | None
    normal_s: float

    def is_late(self, now: datetime) -> bool:
        return self.at is not None and now - self.at > timedelta(seconds=self.normal_s)


@dataclass(frozen=True)
class Clocks:
    cluster: Clock
    heartbeat: Clock
    step: Clock


@dataclass(frozen=True)
class Seen:
    """What is known of the times: moments of our clock, None where there was none.

    `slowest_s` is the longest wait for a step so far, `usual_s` how long one takes on average (0: not known).
    """

    heard_at: datetime | None = None
    beat_at: datetime | None = None
    stepped_at: datetime | None = None
    slowest_s: float = 0.0
    usual_s: float = 0.0
    log_every: int = 1


def clocks(seen: Seen, *, poll_every_s: float) -> Clocks:
    """The clocks of a job that is asked for every `poll_every_s` seconds."""
    rounds = 2 * poll_every_s
    step = max(rounds + STEP_SLACK_S, TIMES_SLOWEST * seen.slowest_s, TIMES_USUAL * seen.usual_s * seen.log_every)
    return Clocks(
        cluster=Clock(seen.heard_at, rounds + SLACK_S),
        heartbeat=Clock(seen.beat_at, rounds + HEARTBEAT_SLACK_S),
        step=Clock(seen.stepped_at, round(step, 1)),
    )
