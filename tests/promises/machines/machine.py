"""The state machine: what users, workers, clusters and clocks may do, in any order."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.models import JobAttempt
from tests.promises.machines import invariants
from tests.promises.machines.cluster import PROFILES
from tests.promises.machines.faults import AFTER, BY_ROUTE
from tests.promises.machines.runs import COMPLETED, Plan
from tests.promises.machines.workers import Interrupt
from tests.promises.machines.world import COMMANDS, World, world

MOST_JOBS = 3
SOON = (1, 5, 31, 61)
WAITS = (*SOON, 95, 200, 901, 3600, 4 * 3600)

plans = st.builds(
    Plan,
    queue_s=st.sampled_from([0, 5, 100]),
    steps=st.sampled_from([1, 4, 9]),
    step_s=st.sampled_from([1, 20, 600, 86_400]),
    end=st.sampled_from([COMPLETED, COMPLETED, "out_of_memory", "nan_loss", "node_lost", "preempted"]),
    falls_back_at=st.sampled_from([None, None, 2, 3]),
    diverges_at=st.sampled_from([None, None, None, 2]),
    stop_s=st.sampled_from([0, 10, 100]),
    upload_s=st.sampled_from([0, 20, 200]),
)
numbers = st.integers(0, MOST_JOBS - 1)
commands = st.sampled_from(COMMANDS)
answers = st.sampled_from(sorted(AFTER))
deaths = st.builds(Interrupt, st.sampled_from(["before", "after"]), st.integers(1, 2))
faults = st.fixed_dictionaries({}, optional={route: st.sampled_from(kinds) for route, kinds in BY_ROUTE.items()})


class Machine(RuleBasedStateMachine):
    """Subclasses choose the cluster's profile, and whether the sweeps run."""

    profile = "all"
    sweeps = True
    statistics: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self._rows = transaction.atomic()
        self._rows.__enter__()
        self._world = world(PROFILES[self.profile], sweeps=self.sweeps)
        self.world: World = self._world.__enter__()
        self.memory = invariants.Memory()
        self.steps = 0

    def teardown(self) -> None:
        try:
            since = timezone.now()
            self.world.drain()
            invariants.hold(self.world, self.memory)
            invariants.kept(self.world, since=since)
        finally:
            self._count()
            self._world.__exit__(None, None, None)
            transaction.set_rollback(True)
            self._rows.__exit__(None, None, None)

    # -- Users -----------------------------------------------------------------------------------------------

    @initialize(plan=plans, trouble=st.none() | answers | deaths, waits=st.lists(st.sampled_from(SOON), max_size=3))
    def begin(self, plan: Plan, trouble: str | Interrupt | None, waits: list[int]) -> None:
        """In most stories nobody hears that the cluster took the first job, or who would hear it dies."""
        self.world.create(plan)
        if trouble is None:
            return
        if isinstance(trouble, Interrupt):
            self.world.tick(trouble)
        else:
            self.world.cluster.faults["submit"].append(trouble)
        self._go_on(waits)

    @precondition(lambda self: len(self.world.jobs) < MOST_JOBS)
    @rule(plan=plans, gpus=st.sampled_from([1, 2, 8]), max_cost=st.sampled_from([None, None, 0.5, 20.0]))
    def create(self, plan: Plan, gpus: int, max_cost: float | None) -> None:
        self.world.create(plan, gpus=gpus, max_cost=max_cost)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, keep_adapter=st.booleans())
    def cancel(self, number: int, keep_adapter: bool) -> None:
        self.world.cancel(self._job(number), keep_adapter=keep_adapter)

    @precondition(lambda self: 0 < len(self.world.jobs) < MOST_JOBS)
    @rule(number=numbers, plan=plans)
    def retry(self, number: int, plan: Plan) -> None:
        self.world.retry(self._job(number), plan)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers)
    def settle_by_hand(self, number: int) -> None:
        self.world.settle_by_hand(self._job(number))

    # -- Workers ---------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from(WAITS))
    def wait_and_tick(self, seconds: float) -> None:
        self.world.wait(seconds)
        self.world.tick()

    @precondition(lambda self: self.world.jobs)
    @rule(data=st.data(), on=st.integers(0, 2))
    def tick_with_trouble(self, data: st.DataObject, on: int) -> None:
        self.world.tick(self._trouble(data), on=on)

    @precondition(lambda self: self.world.jobs)
    @rule(command=commands, number=numbers)
    def deliver_whenever(self, command: str, number: int) -> None:
        """A task that arrives late, twice or out of order."""
        self.world.work(command, self._job(number))

    @precondition(lambda self: self.world.jobs)
    @rule(data=st.data(), command=commands, number=numbers)
    def deliver_with_trouble(self, data: st.DataObject, command: str, number: int) -> None:
        self.world.work(command, self._job(number), self._trouble(data))

    @rule(data=st.data(), at=st.integers(1, 12), kind=st.sampled_from(["die", "dispatch", "nothing"]))
    def dispatch(self, data: st.DataObject, at: int, kind: str) -> None:
        then = {"die": None, "dispatch": self.world.dispatch}
        self.world.dispatch(None if kind == "nothing" else Interrupt("query", at, then[kind]))

    # -- The world -------------------------------------------------------------------------------------------

    @rule(faults=faults, times=st.sampled_from([1, 1, 1, 2, 6]), waits=st.lists(st.sampled_from(WAITS), max_size=3))
    def go_wrong(self, faults: dict[str, str], times: int, waits: list[int]) -> None:
        """The next calls of each kind go wrong, whichever come first."""
        for route, fault in faults.items():
            self.world.cluster.faults[route] += [fault] * times
        self._go_on(waits)

    @precondition(lambda self: self.world.store.is_denied or any(self.world.cluster.faults.values()))
    @rule()
    def be_well(self) -> None:
        self.world.cluster.faults.clear()
        self.world.store.is_denied = False

    @precondition(lambda self: not self.world.store.is_denied)
    @rule()
    def deny_storage(self) -> None:
        self.world.store.is_denied = True

    @precondition(lambda self: self.world.cluster.runs)
    @rule(number=numbers, how=st.sampled_from(["node_lost", "preempted", "forgotten"]))
    def lose_a_run(self, number: int, how: str) -> None:
        runs = list(self.world.cluster.runs.values())
        run = runs[number % len(runs)]
        if how == "forgotten":
            # Of one that we never heard of, no lookup could find out that it was paid.
            run.is_forgotten = JobAttempt.objects.filter(external_job_id=run.external_id).exists()
        elif not run.is_free(self.world.cluster.clock) and run.broken is None:
            run.broken = self.world.cluster.clock, how

    @invariant()
    def promises_hold(self) -> None:
        self.steps += 1
        invariants.hold(self.world, self.memory)

    # -- In between ------------------------------------------------------------------------------------------

    def _go_on(self, waits: list[int]) -> None:
        for seconds in (0, *waits):
            self.world.wait(seconds)
            self.world.tick()

    def _job(self, number: int) -> Any:
        return self.world.jobs[number % len(self.world.jobs)]

    def _trouble(self, data: st.DataObject) -> Interrupt:
        at = data.draw(st.sampled_from(["query", "query", "before", "after"]), label="at")
        number = data.draw(st.integers(1, 30 if at == "query" else 3), label="number")
        kind = data.draw(st.sampled_from(["die", "die", "cancel", "pause", "overtaken", "command"]), label="then")
        if kind == "die":
            return Interrupt(at, number)
        job = self._job(data.draw(numbers, label="job"))
        if kind == "cancel":
            return Interrupt(at, number, lambda: self.world.cancel(job, keep_adapter=False))
        command = data.draw(commands, label="command")
        if kind == "command":
            return Interrupt(at, number, lambda: self.world.work(command, job))
        # A worker stands still for longer than its lease, and another one takes over.
        seconds = 15 if at == "before" else 61

        def meanwhile() -> None:
            self.world.wait(seconds)
            if kind == "overtaken":
                self.world.work(command, job)

        return Interrupt(at, number, meanwhile)

    def _count(self) -> None:
        counted = {
            "examples": 1,
            "steps": self.steps,
            "jobs": len(self.world.jobs),
            "faults": len(self.world.cluster.seen_faults),
            "deaths": self.world.workers.deaths,
            "interruptions": self.world.workers.interrupted,
        }
        for name, count in counted.items():
            self.statistics[name] = self.statistics.get(name, 0) + count
