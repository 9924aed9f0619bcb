"""What a cluster says of a job that it has: forgotten, wrapped, backward, not a number, twice, by a wrong clock."""

from typing import Any

from jobs import costs
from jobs.models import MetricsPoint, TrainingJob
from tests.jobs.conftest import let_pass, work_until
from tests.promises.survival.ground import Effect, Ground, stored
from tests.promises.survival.table import survives


def is_priced_right(job: TrainingJob, seconds: float) -> bool:
    """Whether the job cost just this time, to the cent, and its record says so."""
    assert job.gpu_price_per_hour is not None
    price = costs.amount(price_per_hour=job.gpu_price_per_hour, gpu_count=2, billable_seconds=seconds)
    return job.final_cost == job.current_cost == job.cost_records.get().amount == price


@survives("answers 404 for a job that it has", {"for good": None})
def lost_after_several_misses(ground: Ground, no_more: None) -> None:
    job = ground.training()
    let_pass(job, hours=1)
    ground.polled(job)  # the last sign of life
    ground.lies({"forget": True}, job)
    misses = 0
    while job.status == "running":
        job = ground.polled(job)
        let_pass(job, seconds=50)
        misses += 1
        assert misses < 10
    assert misses >= 4, "it takes several misses and some minutes"
    assert (job.status, job.error_code) == ("failed", "lost")
    attempt = job.attempts.get()
    if ground.level == 1:
        assert (attempt.billing_source, round(attempt.billable_seconds, -1)) == ("observed", 3600)
    else:
        assert attempt.billing_source == "cluster"
    assert is_priced_right(job, attempt.billable_seconds)
    assert "last sign of life" in ground.shown(job)["error"]["advice"]


@survives("answers 404 for a job that it has", {"once, and now and then no answer at all": None})
def not_lost(ground: Ground, no_more: None) -> None:
    job = ground.training()
    ground.lies({"forget": True}, job, times=1)
    assert ground.polled(job).missing_since is not None
    for _ in range(4):
        let_pass(job, minutes=1)
        ground.node.fault(ground.reports, {"answer": {"code": 500}}, times=1)
        assert ground.polled(job).status == "running"
    ground.lies({"forget": True}, job, times=1)
    job = ground.polled(job)
    assert job.status == "running", "two misses are not several, however much silence lies between them"
    job = ground.polled(job)
    assert (job.status, job.waiting_for, job.missing_since) == ("running", "", None)


@survives('wraps "completed" around a payload that says "failed"', {"in output": "output", "in data": "data"})
def failed(ground: Ground, wrapping: str) -> None:
    job = ground.training()
    inside = {"status": "failed", "error_message": "CUDA error"}
    ground.lies({"envelope": {"status": "COMPLETED", "payload": wrapping, "patch": inside}}, job)
    job = ground.polled(job)
    assert (job.status, job.error_code, job.error_message) == ("failed", "training_failed", "CUDA error")
    assert job.cost_records.count() == 1


GOES_BACK = "reports a state that goes back, or an unknown state or stage"


@survives(GOES_BACK, {"a state that goes back": None})
def older_news_are_none(ground: Ground, no_more: None) -> None:
    job = ground.training()
    ground.lies({"patch": {"status": "queued"} if ground.level == 1 else {"status": "failed", "state_seq": 0}}, job)
    job = ground.polled(job)
    assert job.status == "running"
    assert [warning["code"] for warning in ground.shown(job)["warnings"]] == ["state_went_back"]


@survives(GOES_BACK, {"an end that is taken back": None})
def an_end_is_an_end(ground: Ground, no_more: None) -> None:
    job = work_until(ground.job(), "completed")
    cost = job.final_cost
    ground.lies({"patch": {"status": "running", "progress": 3, "state_seq": 99}}, job)
    job = ground.released(ground.polled(job))
    assert (job.status, job.progress, job.final_cost) == ("completed", 100.0, cost)


@survives(
    GOES_BACK,
    {"an unknown state": {"status": "hibernating"}, "an unknown stage": {"stage": "defragmenting"}},
)
def shown_and_never_an_end(ground: Ground, unknown: Effect) -> None:
    job = ground.training()
    ground.lies({"patch": unknown}, job)
    job = ground.polled(job)
    assert job.status == "running"
    shown = ground.shown(job)
    assert any(word in str([shown["warnings"], shown["current_stage"]]) for word in unknown.values())


NO_NUMBERS: dict[str, Any] = {
    "NaN": {"$raw": "NaN"},
    "Infinity": {"$raw": "-Infinity"},
    "too large": {"$raw": "1e400"},
    "5000 digits": {"$raw": "9" * 5000},
    "left out": None,
}


@survives("sends NaN, Infinity, huge numbers, or leaves values out", NO_NUMBERS)
def null_and_a_warning(ground: Ground, value: Any) -> None:
    job = ground.training(sentinel={"nan": "notify"})  # its default stops a run whose loss is no number
    names = ("progress", "current_step", "current_epoch", "total_steps")
    nonsense = {**dict.fromkeys(names, value), "metrics": {"training_loss": value}}
    points = {"values": {"training_loss": value}}
    ground.lies({"patch": nonsense, "points": points}, job)
    TrainingJob.objects.filter(pk=job.pk).update(current_metrics={})
    MetricsPoint.objects.filter(job=job).delete()
    job.attempts.update(metrics_cursor=0)
    job = ground.polled(job)
    assert (job.status, job.waiting_for) == ("running", "")
    assert ground.shown(job)["current_metrics"]["training_loss"] is None
    assert all(point["training_loss"] is None for point in ground.curve(job))
    warned = {warning["code"] for warning in ground.shown(job)["warnings"]}
    assert ("nonfinite_training_loss" in warned) is isinstance(value, dict)
    ground.node.lift_faults()
    assert work_until(job, "completed").progress == 100.0


POINTS = "sends points twice, out of order, or with falling steps after a resume"


@survives(POINTS, {order: {"order": order} for order in ("duplicate", "reverse", "shuffle")})
def stored_once(ground: Ground, disorder: Effect) -> None:
    job = ground.training()
    told = stored(job)
    for _ in range(2):
        ground.lies({"points": disorder}, job)
        job = ground.polled(job)
        job.attempts.update(metrics_cursor=0)  # as if its answer had got lost
    if ground.level == 1:  # a point for each step that was seen: one, or as many as the run has made
        assert stored(job) == told
        assert told[-1] == (0, job.current_step)
    else:
        assert stored(job) == ground.node.points(job)
    assert job.metrics_count == len(stored(job))
    last = MetricsPoint.objects.filter(job=job).exclude(training_loss=None).order_by("restart", "step").last()
    assert last is not None
    assert job.current_metrics["training_loss"] == last.training_loss


@survives(POINTS, {"falling, without a restart": False, "falling, with a restart": True})
def falls_with_a_restart_alone(ground: Ground, resumed: bool) -> None:
    job = ground.training()
    before = (job.progress, job.current_step)
    fallen = {"progress": 1.0, "current_step": 2, **({"restart": 1} if resumed else {})}
    repeats = {"fall_steps": 3, "bump_restart": True} if resumed else {}
    job.attempts.update(metrics_cursor=0)
    ground.lies({"patch": fallen, "points": repeats}, job)
    job = ground.polled(job)
    assert (job.progress, job.current_step) == ((1.0, 2) if resumed else before)
    assert len(set(stored(job))) == len(stored(job)) == job.metrics_count
    assert ((1, 2) in stored(job)) is resumed
    assert job.events.filter(message__contains="resumed").count() == resumed


CLOCK = "has a wrong clock"


@survives(CLOCK, {"behind": -86_400, "ahead": 86_400})
def never_across_clocks(ground: Ground, offset_s: float) -> None:
    job = ground.training()
    ground.lies({"clock_offset_s": offset_s, "patch": {"billing": None}}, job)
    job.attempts.update(billing_source="", billable_seconds=0)
    job = ground.polled(job)
    shown = ground.shown(job)
    assert 0 <= shown["elapsed_seconds"] < 600
    assert abs(shown["eta_seconds"] or 0) < 86_000
    ground.cancelled(job)
    job = work_until(job, "cancelled")
    assert job.queued_at <= job.started_at <= job.completed_at  # type: ignore[operator]
    attempt = job.attempts.get()
    assert attempt.billing_source == ("observed" if ground.level == 1 else "timestamps")
    assert 0 <= attempt.billable_seconds < 600
    assert is_priced_right(job, attempt.billable_seconds)
    assert job.cost_is_estimate is (ground.level == 1)
