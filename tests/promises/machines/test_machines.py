"""State machines that drive the real services and workers against a cluster that goes wrong. Money and truth hold.

A usual run takes the same few examples of each cluster every time. HYPOTHESIS_PROFILE=long takes 72,000 longer ones,
and HYPOTHESIS_PROFILE=find looks for any story that breaks a promise, without making it short.
"""

import os
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.promises.machines.cluster import PROFILES
from tests.promises.machines.machine import Machine

USUAL = settings(
    max_examples=12,
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
    number = crc32(f"{profile} {sweeps} {number}".encode())
    run_state_machine_as_test(seed(number)(type("Machine", (Machine,), chosen)), settings=PROFILE)
