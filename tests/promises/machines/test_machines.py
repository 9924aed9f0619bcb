"""State machines that drive the real services and workers against a cluster that goes wrong. Money and truth hold.

A usual run takes the same few stories of each cluster every time, others on SQLite than on PostgreSQL.
HYPOTHESIS_PROFILE=long takes 72,000 longer ones, and HYPOTHESIS_PROFILE=find looks for any story that breaks a promise,
without making it short.
"""

import os
from typing import Any
from zlib import crc32

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test

from tests.promises.machines.cluster import PROFILES
from tests.promises.machines.machine import Machine


class EachAnew(HypothesisProvider):
    """Hypothesis's own draws, of which each story is new.

    By itself Hypothesis varies what it has just tried: five stories of six would begin alike, word for word. It also
    draws numbers that stand in the code, so that stories would depend on what else is tested in the same run.
    """

    def _maybe_draw_constant(self, choice_type: Any, constraints: Any, *, p: float = 0.05) -> None:
        return None


AVAILABLE_PROVIDERS["each anew"] = EachAnew

USUAL = settings(
    max_examples=24,
    backend="each anew",
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
LONG = settings(USUAL, max_examples=300, stateful_step_count=50)
# To see whether a fault is found, not what its shortest story is.
FIND = settings(USUAL, max_examples=300, phases=[Phase.generate])
PROFILE = {"long": LONG, "find": FIND}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), USUAL)
SEEDS = range(20) if PROFILE is LONG else (1,)


@pytest.mark.timeout(0)
@pytest.mark.usefixtures("in_memory", "db")
@pytest.mark.parametrize("number", SEEDS)
@pytest.mark.parametrize("sweeps", [True, False], ids=["swept", "bare"])
@pytest.mark.parametrize("profile", PROFILES)
def test_money_and_truth_hold(profile: str, sweeps: bool, number: int, statistics: dict[str, int]) -> None:
    chosen = {"profile": profile, "sweeps": sweeps, "statistics": statistics}
    number = crc32(f"{profile} {sweeps} {connection.vendor} {number}".encode())
    run_state_machine_as_test(seed(number)(type("Machine", (Machine,), chosen)), settings=PROFILE)
