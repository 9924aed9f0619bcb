"""The steps that are killed at every line: what has happened before, and what a worker, or a user's request, does."""

from collections.abc import Callable
from dataclasses import dataclass

from jobs import reconcile
from jobs.models import TrainingJob
from notifications import dispatch
from tests.promises.machines.runs import Plan
from tests.promises.machines.world import World

SHORT = Plan(queue_s=5, steps=2, step_s=20)


@dataclass(frozen=True)
class Step:
    """`before` makes the first job and what precedes; `meanwhile` happens at the first call of that route."""

    profile: str
    before: Callable[[World], object]
    command: Callable[[World], object]
    route: str = ""
    meanwhile: Callable[[World], object] = lambda world: None


def job(world: World) -> TrainingJob:
    world.jobs[0].refresh_from_db()
    return world.jobs[0]


def queued(world: World, plan: Plan = SHORT) -> None:
    world.create(plan)


def unanswered(world: World) -> None:
    """The cluster took the job, and nobody heard of it."""
    queued(world)
    world.cluster.faults["submit"].append("timeout after")
    world.tick()
    world.wait(100)


def unanswered_and_unwanted(world: World) -> None:
    unanswered(world)
    cancel(world)


def accepted(world: World, plan: Plan = SHORT) -> None:
    queued(world, plan)
    world.tick()


def begun(world: World) -> None:
    """It trains by now; nobody here knows."""
    accepted(world)
    world.wait(31)


def running(world: World, plan: Plan = SHORT) -> None:
    accepted(world, plan)
    world.wait(31)
    world.tick()


def ended(world: World, plan: Plan = SHORT) -> None:
    """It has ended at the cluster; nobody here knows."""
    running(world, plan)
    world.wait(31)


def cancelling(world: World) -> None:
    running(world)
    world.cancel(world.jobs[0])


def keeping(world: World) -> None:
    """Its cancel was brought to the cluster, and its GPUs are free by now."""
    running(world, Plan(steps=9, step_s=10, stop_s=5, upload_s=0))
    world.cancel(world.jobs[0], keep_adapter=True)
    world.work("release", world.jobs[0])
    world.wait(61)


def finalizing(world: World) -> None:
    ended(world)
    world.work("poll", world.jobs[0])


def side_by_side(world: World) -> None:
    """Two train, and have gone on since they were asked about."""
    for _ in range(2):
        queued(world, Plan(steps=9, step_s=10))
    for _ in range(2):
        world.tick()
        world.wait(31)


def orphaned(world: World) -> None:
    """Its end was announced here while the cluster, which had lost sight of it for a while, runs it on."""
    running(world, Plan(steps=9, step_s=86_400))
    world.cluster.faults["status"] += ["404"] * 30
    for _ in range(8):
        world.wait(95)
        world.tick()
    world.cluster.faults.clear()
    world.wait(100)


def submit(world: World) -> None:
    reconcile.submit(job(world).pk)


def poll(world: World) -> None:
    reconcile.poll([job(world).pk])


def poll_together(world: World) -> None:
    reconcile.poll([each.pk for each in world.jobs])


def release(world: World) -> None:
    reconcile.release(job(world).pk)


def collect(world: World) -> None:
    reconcile.collect(job(world).pk)


def cancel(world: World) -> None:
    world.cancel(job(world))


STEPS = {
    "submit": Step("all", queued, submit),
    "submit-level1": Step("level1", queued, submit),
    "submit-lookup": Step("lookup", queued, submit),
    "submit-again": Step("keys", unanswered, submit),
    "submit-adopt": Step("lookup", unanswered, submit),
    "submit-cancelled": Step("all", queued, submit, "submit", cancel),
    "cancel": Step("all", running, cancel),
    "poll": Step("all", begun, poll),
    "poll-level1": Step("level1", begun, poll),
    "poll-end": Step("all", ended, poll),
    "poll-end-level1": Step("level1", ended, poll),
    "poll-failed": Step("keys", lambda world: ended(world, Plan(steps=2, end="out_of_memory")), poll),
    "poll-preempted": Step("keys", lambda world: ended(world, Plan(steps=2, end="preempted")), poll),
    "poll-together": Step("all", side_by_side, poll_together),
    "release": Step("all", cancelling, release),
    "release-level1": Step("level1", cancelling, release),
    "release-adopt": Step("lookup", unanswered_and_unwanted, release),
    "release-end": Step("all", keeping, release),
    "collect": Step("all", finalizing, collect),
    "sweep": Step("lookup", orphaned, lambda world: reconcile.sweep_orphans()),
    "dispatch": Step("all", running, lambda world: dispatch.dispatch_pending()),
}
