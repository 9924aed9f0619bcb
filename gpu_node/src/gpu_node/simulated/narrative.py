"""A simulated run told in log lines. Pure; lines only ever get added as time goes on."""

from collections.abc import Iterator

from gpu_node.executor import LogLine
from gpu_node.simulated.curves import broken, evaluation_values, learning_rate, training_values
from gpu_node.simulated.run import Run
from gpu_node.simulated.timeline import Span, Timeline


def tell(run: Run, timeline: Timeline, now: float) -> list[LogLine]:
    """All lines up to `now`, in order of time."""
    told = sorted(
        ((at, text) for at, text in _lines(run, timeline, now) if at <= now), key=lambda line: line[0]
    )
    return [LogLine(seq, at, text) for seq, (at, text) in enumerate(told, start=1)]


def _lines(run: Run, timeline: Timeline, now: float) -> Iterator[tuple[float, str]]:
    order, plan, began = run.order, run.plan, run.begun_at
    inputs = order.inputs
    yield began, "Simulated run: nothing is trained, the figures are computed."
    yield began, f"Dataset: {inputs.lines} lines, {inputs.bytes} bytes, sha256 {inputs.sha256}"
    yield (
        began,
        f"Plan: {order.base_model} on {order.gpu_count} x {order.gpu_type}, {plan.total_steps} steps "
        f"({plan.steps_per_epoch} per epoch, {plan.total_epochs} epochs)",
    )
    if run.resumed_step:
        yield began, f"Resuming from step {run.resumed_step} of {order.resume_from}"
    for resumption in timeline.resumptions:
        yield resumption.at, f"Restart {resumption.restart}: {resumption.reason}"
    for previous, span in zip((None, *timeline.spans), timeline.spans, strict=False):
        if span.start <= now:
            if previous is None or previous.stage != span.stage:
                yield span.start, f"Stage: {span.stage}"
            yield from _training(run, timeline, span, now)
    if run.ending is not None:
        keeping = "keeping" if run.ending.keep_adapter else "without keeping"
        yield run.ending.at, f"Asked to stop, {keeping} the adapter"
    outcome = timeline.outcome
    if outcome is not None:
        detail = f": {outcome.error_message} ({outcome.error_code})" if outcome.error_code else ""
        yield outcome.at, f"Run {outcome.kind}{detail}"


def _training(run: Run, timeline: Timeline, span: Span, now: float) -> Iterator[tuple[float, str]]:
    """One line per evaluation; as often where nothing is held out, without its loss."""
    plan = run.plan
    reached = span.step_at(now)
    steps = list(range((span.first // plan.eval_every + 1) * plan.eval_every, reached + 1, plan.eval_every))
    if reached == plan.total_steps > span.first and reached % plan.eval_every:
        steps.append(reached)
    for step in steps:
        values = training_values(plan, step)
        if plan.validation_examples:
            values |= evaluation_values(plan, step)
        if timeline.broken_from is not None and (span.restart, step) >= timeline.broken_from:
            values = broken(values)
        told = [("loss", "training_loss"), ("validation loss", "validation_loss")]
        losses = ", ".join(f"{text} {values[name]:.4f}" for text, name in told if name in values)
        rate = learning_rate(plan, step)
        yield span.moment_of(step), f"Step {step}/{plan.total_steps}: {losses}, learning rate {rate:.3g}"
