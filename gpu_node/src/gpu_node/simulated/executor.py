"""The Executor that computes its runs: keeps each run's facts, all else follows from them and the time."""

import hashlib
import io
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Protocol

from gpu_node.executor import (
    InputPlaces,
    LogLine,
    Page,
    Point,
    ProducedFile,
    RunOrder,
    SavedCheckpoint,
    Sight,
)
from gpu_node.simulated import adapter, narrative, series
from gpu_node.simulated.mishaps import Mishap, MishapKind
from gpu_node.simulated.plan import make_plan
from gpu_node.simulated.run import Ending, Run, from_facts, to_facts
from gpu_node.simulated.timeline import Timeline, lay_out
from gpu_node.spec import FieldProblem, JobSpec

STOP_S = 1.0
REMEMBERED = 20_000
"""Laid-out runs kept in memory; an older one is laid out again when somebody looks at it."""


class Ledger(Protocol):
    """Where the facts of runs outlive the process."""

    def save_run(self, run_id: str, facts: dict[str, Any]) -> None: ...

    def load_run(self, run_id: str) -> dict[str, Any] | None: ...


def no_mishaps(order: RunOrder) -> tuple[Mishap, ...]:
    """The usual fate: nothing goes wrong."""
    return ()


@dataclass(frozen=True)
class _Laid:
    run: Run
    timeline: Timeline


class SimulatedExecutor:
    """Implements Executor. `speed` is how many of the machine's seconds pass in one second of ours."""

    simulated = True
    needs_provision = False

    def __init__(
        self,
        ledger: Ledger,
        speed: float = 1.0,
        fate: Callable[[RunOrder], tuple[Mishap, ...]] = no_mishaps,
    ) -> None:
        self._ledger = ledger
        self._speed = speed
        self._fate = fate
        self._wake: Callable[[str], None] = lambda run_id: None
        self._laid: OrderedDict[str, _Laid] = OrderedDict()

    def subscribe(self, wake: Callable[[str], None]) -> None:
        self._wake = wake

    def refusals(self, spec: JobSpec) -> list[FieldProblem]:
        return []

    def knows(self, run_id: str) -> bool:
        return run_id in self._laid or self._ledger.load_run(run_id) is not None

    def places(self, run_id: str) -> InputPlaces | None:
        return None

    def take_up(self, run_id: str, now: float) -> None:
        """Nothing to do: the run's course depends on time alone."""

    def begin(self, order: RunOrder, now: float) -> None:
        if self._ledger.load_run(order.run_id) is not None:
            return
        seed = int.from_bytes(hashlib.sha256(order.run_id.encode()).digest()[:4], "big")
        resumed = 0
        if order.resume_from is not None:
            known = self._ledger.load_run(order.resume_from) is not None
            resumed = self._checkpoint(order.resume_from, now) if known else order.resume_step or 0
        plan = make_plan(order, seed)
        run = Run(order, plan, now, self._speed, min(resumed, plan.total_steps), self._fate(order))
        self._keep(run)

    def stop(self, run_id: str, now: float, *, grace_s: float, keep_adapter: bool) -> None:
        run = self._get(run_id).run
        ending = run.ending
        if ending is None:
            wanted = (STOP_S + (run.plan.save_s if keep_adapter else 0.0)) / run.speed
            ending = Ending(now, min(wanted, grace_s), keep_adapter)
        else:
            ending = replace(ending, lasts_s=min(ending.lasts_s, max(0.0, now - ending.at) + grace_s))
        self._keep(replace(run, ending=ending))

    def look(self, run_id: str, now: float) -> Sight:
        laid = self._get(run_id)
        plan, timeline = laid.run.plan, laid.timeline
        span = timeline.span_at(now)
        step = span.step_at(now)
        outcome = timeline.outcome if timeline.outcome is not None and timeline.outcome.at <= now else None
        completed = outcome is not None and outcome.kind == "completed"
        trained = step > 0 or span.stage in {"training", "saving"}
        return Sight(
            stage=span.stage,
            progress=100.0 if completed else min(99.0, 100.0 * step / plan.total_steps),
            epoch=min(plan.total_epochs, step // plan.steps_per_epoch + 1) if trained else 0,
            total_epochs=plan.total_epochs,
            step=step,
            total_steps=plan.total_steps,
            metrics=series.current_values(plan, timeline, span, step),
            heartbeat_at=min(now, outcome.at if outcome else now) if span.alive else span.start,
            restart=span.restart,
            resumptions=tuple(each for each in timeline.resumptions if each.at <= now),
            eta_s=None
            if outcome
            else ((plan.total_steps - step) * plan.step_s + plan.save_s) / laid.run.speed,
            outcome=outcome,
            changes_at=None if outcome or timeline.outcome is None else timeline.outcome.at,
        )

    def points(self, run_id: str, now: float, *, after: int, limit: int) -> Page[Point]:
        laid = self._get(run_id)
        return series.page_of_points(laid.run.plan, laid.timeline, now, after=after, limit=limit)

    def lines(self, run_id: str, now: float, *, after: int, limit: int) -> Page[LogLine]:
        laid = self._get(run_id)
        left = narrative.tell(laid.run, laid.timeline, now)[after:]
        page = left[:limit]
        return Page(page, page[-1].seq if page else after, has_more=len(left) > limit)

    def has_checkpoint(self, run_id: str, now: float, *, step: int | None = None) -> bool:
        return self._ledger.load_run(run_id) is not None and self._checkpoint(run_id, now) > 0

    def checkpoints(self, run_id: str) -> tuple[SavedCheckpoint, ...]:
        """None: a checkpoint of nothing would be of no use elsewhere."""
        return ()

    def drop_checkpoints(self, run_id: str, paths: Collection[str]) -> None:
        """There are none."""

    def files(self, run_id: str, now: float) -> tuple[ProducedFile, ...]:
        timeline = self._get(run_id).timeline
        if not timeline.saved or timeline.outcome is None or timeline.outcome.at > now:
            return ()
        return adapter.describe(self._content(run_id))

    def open(self, run_id: str, path: str) -> BinaryIO:
        return io.BytesIO(self._content(run_id)[path])

    def settle(self, run_id: str, *, delivered: bool) -> None:
        """Nothing to do: a run keeps nothing but its facts."""

    def start(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do: no run has a process."""

    def afflict(self, run_id: str, mishap: Mishap, now: float) -> None:
        """Makes something go wrong with a run that already began, not before its present step."""
        laid = self._get(run_id)
        step = laid.timeline.span_at(now).step_at(now)
        mishap = replace(mishap, at_step=max(mishap.at_step, step))
        self._keep(replace(laid.run, mishaps=(*laid.run.mishaps, mishap)))
        self._wake(run_id)

    def relieve(self, run_id: str, now: float) -> None:
        """Ends what would last for ever (a hang, an ignored stop): from now on the run goes its way."""
        laid = self._get(run_id)
        span = laid.timeline.span_at(now)
        run = laid.run
        mishaps = []
        for mishap in run.mishaps:
            if mishap.for_s is None and mishap.kind is MishapKind.HANG and not span.alive:
                mishaps.append(replace(mishap, for_s=now - span.start))
            elif mishap.for_s is None and mishap.kind is MishapKind.IGNORES_STOP and run.ending is not None:
                mishaps.append(replace(mishap, for_s=now - run.ending.at))
            elif mishap.for_s is not None or mishap.kind is not MishapKind.IGNORES_STOP:
                mishaps.append(mishap)
        if tuple(mishaps) != run.mishaps:
            self._keep(replace(run, mishaps=tuple(mishaps)))
            self._wake(run_id)

    def _checkpoint(self, run_id: str, now: float) -> int:
        laid = self._get(run_id)
        return laid.run.plan.checkpoint(laid.timeline.span_at(now).step_at(now))

    def _content(self, run_id: str) -> dict[str, bytes]:
        laid = self._get(run_id)
        return adapter.build_files(laid.run, laid.timeline.spans[-1].last)

    def _get(self, run_id: str) -> _Laid:
        laid = self._laid.get(run_id)
        if laid is None:
            facts = self._ledger.load_run(run_id)
            if facts is None:
                raise KeyError(f"no run {run_id}")
            laid = self._remember(from_facts(facts))
        return laid

    def _keep(self, run: Run) -> None:
        self._ledger.save_run(run.order.run_id, to_facts(run))
        self._remember(run)

    def _remember(self, run: Run) -> _Laid:
        laid = self._laid[run.order.run_id] = _Laid(run, lay_out(run))
        if len(self._laid) > REMEMBERED:
            self._laid.popitem(last=False)
        return laid
