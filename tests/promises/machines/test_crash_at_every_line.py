"""Each step is killed at every line, in a forked child, and carried on by others: all ends are right.

Between two effects (a query, a call of cluster or store) it makes no difference where a process dies, so that a
usual run kills at one line of each such stretch. CRASH_AT=all kills at every line that is reached, each time.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.promises.machines import crash, invariants
from tests.promises.machines.cluster import PROFILES
from tests.promises.machines.faults import Answer
from tests.promises.machines.snapshots import Snapshot
from tests.promises.machines.steps import STEPS, Step
from tests.promises.machines.world import World, world

EVERYWHERE = os.environ.get("CRASH_AT") == "all"


@pytest.fixture(params=STEPS)
def step(request: pytest.FixtureRequest) -> Step:
    return STEPS[request.param]


@pytest.fixture
def before(step: Step, in_memory: None, transactional_db: None) -> Iterator[World]:
    """The world right before the step."""
    with world(PROFILES[step.profile]) as made:
        step.before(made)
        yield made


@pytest.mark.timeout(0)
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_all_ends_are_right_wherever_a_worker_dies(before: World, step: Step, statistics: dict[str, int]) -> None:
    snapshot = Snapshot(before)
    before.drain()  # what is made once per process, such as sessions, is made by now: each child has the same lines
    snapshot.restore()
    lines = crash.lines_of(lambda: step.command(before), _outside(before, step))
    places = lines if EVERYWHERE else crash.between_effects(lines)
    ends = set()
    for line in places:
        snapshot.restore()
        submits = len(before.cluster.submits)
        died = crash.killed_at(line, lambda: step.command(before), _outside(before, step))
        assert died, f"{line} was not reached again"
        for submit in before.cluster.submits[submits:]:
            submit.is_open = True
        state = snapshot.state()
        if state not in ends:
            ends.add(state)
            _goes_well(before, line)
    statistics |= {"lines": len(lines), "deaths": len(places), "different ends": len(ends)}


def _goes_well(world: World, line: crash.Line) -> None:
    """Others carry on once the dead worker's lease is over."""
    memory = invariants.Memory()
    try:
        invariants.hold(world, memory)
        since = timezone.now()
        world.wait(61)
        world.tick()
        invariants.hold(world, memory)
        world.drain()
        invariants.hold(world, memory)
        invariants.kept(world, since=since + timedelta(minutes=30))
    except AssertionError as error:
        raise AssertionError(f"after a death at {line}: {error}") from error
    finally:
        connection.close()


def _outside(world: World, step: Step) -> crash.Outside:
    """Cluster and store of the world, and what happens meanwhile."""
    pending = [step.meanwhile]

    def carry(method: str, target: str, headers: Any, order: Any) -> Answer:
        answer = world.carry(method, target, dict(headers), order)
        if step.route and f"/{step.route}" in target and pending:
            pending.pop()(world)
        return answer

    return crash.Outside(carry, world.store.answer)
