"""A timeline's metric points, numbered once and for all. Pure.

Every `log_every` steps a training point, every `eval_every` steps an evaluation point (the two of one step
arrive apart, as trainers send them), and one of step 0, which tells what the base model can do. Numbers are
counted in closed form, so a page out of the middle of a long run costs what its points cost.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator

from gpu_node.executor import Page, Point
from gpu_node.simulated.curves import broken, evaluation_values, training_values
from gpu_node.simulated.plan import Plan
from gpu_node.simulated.timeline import Span, Timeline


def page_of_points(plan: Plan, timeline: Timeline, now: float, *, after: int, limit: int) -> Page[Point]:
    """Up to `limit` points that exist by `now` with seq > after."""
    points: list[Point] = []
    for point in _points(plan, timeline, now, after):
        if len(points) == limit:
            return Page(points, points[-1].seq if points else after, has_more=True)
        points.append(point)
    return Page(points, points[-1].seq if points else after, has_more=False)


def current_values(plan: Plan, timeline: Timeline, span: Span, step: int) -> dict[str, float | None]:
    """The newest value of each metric at a step: the last training point's and the last evaluation's."""
    logged = step if step == plan.total_steps else step // plan.log_every * plan.log_every
    if logged <= 0:
        return {}
    values = training_values(plan, logged)
    if plan.validation_examples:
        values |= evaluation_values(plan, plan.last_evaluation(step))
    return broken(values) if _is_broken(timeline, span.restart, logged) else values


def _points(plan: Plan, timeline: Timeline, now: float, after: int) -> Iterator[Point]:
    before = 0
    for span in timeline.spans:
        if span.start > now:
            return
        reached = span.step_at(now)
        count = _count(plan, reached) - _count(plan, span.first) + _has_base(plan, span)
        if count and before + count > after:
            yield from _points_of_span(plan, timeline, span, reached, before, max(0, after - before))
        before += count


def _points_of_span(
    plan: Plan, timeline: Timeline, span: Span, reached: int, before: int, skip: int
) -> Iterator[Point]:
    """The span's points from the `skip`-th on; `before` points have been numbered in earlier spans."""
    base = _has_base(plan, span)
    if base and skip == 0:
        values = _values(evaluation_values, plan, timeline, span, 0)
        yield Point(before + 1, span.restart, 0, 0.0, span.start, values)
    start = _count(plan, span.first) - base
    steps = range(span.first + 1, reached + 1)
    first = bisect_right(steps, skip + start, key=lambda step: _count(plan, step))
    step = steps[first] if first < len(steps) else reached + 1
    index = _count(plan, step - 1) - start
    while step <= reached:
        at, epoch = span.moment_of(step), round(step / plan.steps_per_epoch, 6)
        kinds = [training_values] if plan.logged(step) > plan.logged(step - 1) else []
        kinds += [evaluation_values] if plan.evaluated(step) > plan.evaluated(step - 1) else []
        for kind in kinds:
            if index >= skip:
                values = _values(kind, plan, timeline, span, step)
                yield Point(before + index + 1, span.restart, step, epoch, at, values)
            index += 1
        step = plan.next_point(step)


def _count(plan: Plan, step: int) -> int:
    return plan.logged(step) + plan.evaluated(step)


def _has_base(plan: Plan, span: Span) -> bool:
    """Whether the span begins with an evaluation of the base model, as each start from scratch does."""
    return span.begins and plan.validation_examples > 0


def _values(
    kind: Callable[[Plan, int], dict[str, float | None]],
    plan: Plan,
    timeline: Timeline,
    span: Span,
    step: int,
) -> dict[str, float | None]:
    values = kind(plan, step)
    return broken(values) if _is_broken(timeline, span.restart, step) else values


def _is_broken(timeline: Timeline, restart: int, step: int) -> bool:
    return timeline.broken_from is not None and (restart, step) >= timeline.broken_from
