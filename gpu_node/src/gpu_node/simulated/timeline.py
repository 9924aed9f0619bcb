"""A run laid out in time: its stages, its steps, its outcome. Pure: facts in, moments out.

The layout is made once per set of facts; a look at it is a search among a handful of spans.
"""

import math
from dataclasses import dataclass, replace

from gpu_node.executor import Outcome, Resumption
from gpu_node.simulated.mishaps import Mishap, MishapKind
from gpu_node.simulated.run import Run

PREEMPTION_S = 30.0
STEPS_UNTIL_NAN_IS_NOTICED = 5
SECONDS_UNTIL_A_LOST_NODE_IS_NOTICED = 20.0


@dataclass(frozen=True)
class Span:
    """One stretch of time in one stage. Steps go from `first` (reached before) to `last` at an even pace."""

    stage: str
    start: float
    end: float
    restart: int
    first: int
    last: int
    step_s: float = 0.0
    alive: bool = True

    def step_at(self, now: float) -> int:
        """The last step finished by `now`."""
        if self.step_s <= 0 or now >= self.end:
            return self.last
        return min(self.last, self.first + int((now - self.start) / self.step_s + 1e-9))

    @property
    def begins(self) -> bool:
        """Whether it trains from the first step on."""
        return self.first == 0 and self.step_s > 0

    def moment_of(self, step: int) -> float:
        """When a step of this span is finished."""
        return self.start + (step - self.first) * self.step_s


@dataclass(frozen=True)
class Timeline:
    """The whole course of a run as far as its facts tell; `outcome` is None when it never ends by itself."""

    spans: tuple[Span, ...]
    outcome: Outcome | None
    resumptions: tuple[Resumption, ...] = ()
    broken_from: tuple[int, int] | None = None
    """(restart, step) from which on the values are no numbers any more."""
    saved: bool = False

    def span_at(self, now: float) -> Span:
        """The span that holds `now`; the first before the start, the last after the end."""
        current = self.spans[0]
        for span in self.spans:
            if span.start > now:
                break
            current = span
        return current


class _Layout:
    """Lays spans one after the other; wall seconds are the machine's seconds divided by the speed."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.now = run.begun_at
        self.step = run.resumed_step
        self.restart = 0
        self.spans: list[Span] = []
        self.resumptions: list[Resumption] = []
        self.broken_from: tuple[int, int] | None = None

    def stay(self, stage: str, wall_s: float, *, alive: bool = True) -> None:
        end = self.now + wall_s
        self.spans.append(Span(stage, self.now, end, self.restart, self.step, self.step, alive=alive))
        self.now = end

    def work(self, stage: str, machine_s: float) -> None:
        self.stay(stage, machine_s / self.run.speed)

    def train(self, until: int) -> None:
        if until > self.step:
            pace = self.run.plan.step_s / self.run.speed
            end = self.now + (until - self.step) * pace
            self.spans.append(Span("training", self.now, end, self.restart, self.step, until, pace))
            self.now, self.step = end, until

    def suffer(self, mishap: Mishap) -> Outcome | None:
        """Reaches the mishap's step and what it does there; an outcome when it ends the run."""
        plan = self.run.plan
        self.train(min(mishap.at_step, plan.total_steps))
        match mishap.kind:
            case MishapKind.PREEMPTED:
                down_s = PREEMPTION_S / self.run.speed if mishap.for_s is None else mishap.for_s
                reached = self.step
                self.step = plan.checkpoint(reached)
                self.restart += 1
                reason = f"preempted at step {reached}, resumed from step {self.step}"
                self.resumptions.append(Resumption(self.restart, self.now, reason))
                self.stay("initializing", down_s)
                self.work("model_loading", plan.load_s)
                return None
            case MishapKind.HANG:
                self.stay("training", math.inf if mishap.for_s is None else mishap.for_s, alive=False)
                return None
            case MishapKind.NAN_LOSS:
                self.broken_from = (self.restart, self.step)
                if mishap.survives:
                    return None
                self.train(min(self.step + STEPS_UNTIL_NAN_IS_NOTICED, plan.total_steps))
            case MishapKind.NODE_LOST:
                self.stay("training", SECONDS_UNTIL_A_LOST_NODE_IS_NOTICED / self.run.speed, alive=False)
        return Outcome("failed", self.now, *mishap.error())


ON_STOP = {MishapKind.IGNORES_STOP, MishapKind.FINISHES_ON_STOP}


def lay_out(run: Run) -> Timeline:
    """The course of a run, cut short where it was told to stop."""
    layout = _Layout(run)
    layout.work("preprocessing", run.plan.tokenize_s)
    layout.work("model_loading", run.plan.load_s)
    outcome = None
    for mishap in sorted(run.mishaps, key=lambda mishap: mishap.at_step):
        if outcome is None and mishap.kind not in ON_STOP:
            outcome = layout.suffer(mishap)
    if outcome is None:
        layout.train(run.plan.total_steps)
        layout.work("saving", run.plan.save_s)
        outcome = Outcome("completed", layout.now)
    outcome = outcome if math.isfinite(outcome.at) else None
    natural = Timeline(
        tuple(layout.spans),
        outcome,
        tuple(layout.resumptions),
        layout.broken_from,
        saved=outcome is not None and outcome.kind == "completed",
    )
    return _cut_short(run, natural)


def _cut_short(run: Run, natural: Timeline) -> Timeline:
    """The timeline as the order to stop leaves it."""
    ending = run.ending
    if ending is None or (natural.outcome is not None and natural.outcome.at <= ending.at):
        return natural
    kinds = {mishap.kind: mishap for mishap in run.mishaps}
    spans = [
        replace(span, end=min(span.end, ending.at), last=span.step_at(ending.at))
        for span in natural.spans
        if span.start <= ending.at
    ]
    reached = spans[-1]
    now = ending.at

    def stay(stage: str, wall_s: float) -> float:
        spans.append(Span(stage, now, now + wall_s, reached.restart, reached.last, reached.last))
        return now + wall_s

    if (ignoring := kinds.get(MishapKind.IGNORES_STOP)) is not None:
        now = stay(reached.stage, math.inf if ignoring.for_s is None else ignoring.for_s)
    finishes = MishapKind.FINISHES_ON_STOP in kinds
    saved = finishes or (ending.keep_adapter and reached.last > 0)
    now = stay("saving" if saved else reached.stage, ending.lasts_s)
    return Timeline(
        tuple(spans),
        Outcome("completed" if finishes else "stopped", now) if math.isfinite(now) else None,
        tuple(resumption for resumption in natural.resumptions if resumption.at <= ending.at),
        natural.broken_from,
        saved=saved,
    )
