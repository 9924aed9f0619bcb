"""The promises I1-I8, checked against what the cluster's own books say. Shared by all tests of this folder.

`hold` is true at every moment; `kept` is true once all faults are over and time has gone by.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from django.utils import timezone

from jobs.models import Alert, CostRecord, JobAttempt, JobEvent, MetricsPoint, TrainingJob
from jobs.states import TRANSITIONS, Status
from notifications.deliver import IN_APP
from notifications.kinds import WEBHOOK
from notifications.models import Delivery, Notification
from tests.promises.machines.runs import Run
from tests.promises.machines.world import World

TERMINAL = {"completed", "failed", "cancelled"}
# How long after the last fault a cluster may still hold GPUs that nobody wants.
STOPPED_WITHIN = timedelta(hours=2)


@dataclass
class Memory:
    """What was so before, where a promise is about change."""

    costs: dict[object, Decimal] = field(default_factory=dict)
    ends: dict[object, tuple[object, ...]] = field(default_factory=dict)


def hold(world: World, memory: Memory) -> None:
    """What is true at every moment."""
    assert not world.reports.exceptions, world.reports.exceptions
    jobs = list(TrainingJob.objects.all())
    attempts: dict[object, list[JobAttempt]] = defaultdict(list)
    for attempt in JobAttempt.objects.all():
        attempts[attempt.job_id].append(attempt)
    _pays_once(world)
    _free_when_cancelled(world, jobs)
    _points_are_the_clusters(world, attempts)
    _costs_do_not_fall(jobs, memory)
    _ends_stay(jobs, memory)
    _every_change_has_its_event(jobs)
    _waits_say_for_what(jobs)


def kept(world: World, *, since: datetime) -> None:
    """What is true in the end; `since` is when the last fault was lifted."""
    jobs = list(TrainingJob.objects.all())
    _all_have_ended(jobs)
    _all_were_stopped(world, jobs, since)
    _no_point_is_missing(world, jobs)
    _costs_are_right(world, jobs)
    _told_once()


# -- I1 ------------------------------------------------------------------------------------------------------


def _pays_once(world: World) -> None:
    cluster = world.cluster
    paid = Counter((run.job_id, run.attempt) for run in cluster.runs.values())
    assert all(count == 1 for count in paid.values()), f"I1: paid more than once: {paid}"
    if cluster.profile.can_be_asked:
        return
    open_ones = set()
    for submit in cluster.submits:
        key = submit.job_id, submit.attempt
        assert key not in open_ones, "I1: submitted again although nobody knows what became of the first try"
        if submit.is_open:
            open_ones.add(key)


# -- I2 ------------------------------------------------------------------------------------------------------


def _free_when_cancelled(world: World, jobs: list[TrainingJob]) -> None:
    for job in jobs:
        if job.status == Status.CANCELLED:
            held = [run for run in world.cluster.runs_of(job.pk) if not run.is_free(world.cluster.clock)]
            assert not held, f"I2: {job.short_id} is called cancelled and holds GPUs"


def _all_were_stopped(world: World, jobs: list[TrainingJob], since: datetime) -> None:
    """Each run of a job whose cancel was accepted, or which is over, ended soon: told to, or by itself."""
    skew = world.cluster.clock - timezone.now()
    sees_orphans = world.sweeps and world.profile.has("lookup")
    for job in jobs:
        wanted_until = job.completed_at if sees_orphans else job.cancel_requested_at
        told_a_person = not sees_orphans and job.error_code in ("submission_unconfirmed", "lost")
        if wanted_until is None or told_a_person:
            continue
        for run in world.cluster.runs_of(job.pk):
            latest = max(wanted_until, since) + STOPPED_WITHIN + skew
            how = f"{job.status} {job.error_code}, {run.state(world.cluster.clock)} until {run.end[0] - skew}"
            assert run.is_free(latest), (
                f"I2: nobody wants {job.short_id} any more, and {run.external_id} went on ({how})"
            )


# -- I3 ------------------------------------------------------------------------------------------------------


def _points_are_the_clusters(world: World, attempts: dict[object, list[JobAttempt]]) -> None:
    runs = world.cluster.runs
    truth = {
        (attempt.job_id, attempt.number): {(point.restart, point.step): point.loss for point in run.points}
        for rows in attempts.values()
        for attempt in rows
        if (run := runs.get(attempt.external_job_id)) is not None
    }
    stored = list(MetricsPoint.objects.values_list("job_id", "attempt", "restart", "step", "training_loss"))
    assert len({row[:4] for row in stored}) == len(stored), "I3: a point is stored twice"
    counts = Counter(row[0] for row in stored)
    told = dict(TrainingJob.objects.values_list("pk", "metrics_count"))
    assert all(counts[job_id] == count for job_id, count in told.items()), f"I3: {counts} points, said to be {told}"
    if not world.profile.has("metrics_cursor"):
        return
    for job_id, attempt, restart, step, loss in stored:
        known = truth.get((job_id, attempt), {})
        assert (restart, step) in known, "I3: a point that the cluster never had"
        assert loss == known[restart, step], f"I3: {loss} instead of {known[restart, step]} at {restart}/{step}"


def _no_point_is_missing(world: World, jobs: list[TrainingJob]) -> None:
    """None, but of a run whose cluster handed none over for an hour after its end; then the user is told."""
    if not world.profile.has("metrics_cursor"):
        return
    for attempt in JobAttempt.objects.exclude(external_job_id="").select_related("job"):
        run = world.cluster.runs[attempt.external_job_id]
        if run.is_forgotten or attempt.job.error_code in ("lost", "submission_unconfirmed"):
            continue
        if "points_missing" in {warning["code"] for warning in attempt.job.warnings}:
            continue
        stored = set(
            MetricsPoint.objects.filter(job=attempt.job_id, attempt=attempt.number).values_list("restart", "step")
        )
        missing = {(point.restart, point.step) for point in run.seen(world.cluster.clock)} - stored
        assert not missing, f"I3: {attempt.job.short_id} ({attempt.job.status}) lacks the points {missing}"


# -- I4 ------------------------------------------------------------------------------------------------------


def _costs_do_not_fall(jobs: list[TrainingJob], memory: Memory) -> None:
    for job in jobs:
        if job.status not in TERMINAL and not job.cluster_result:
            before = memory.costs.get(job.pk, Decimal(0))
            assert job.current_cost >= before, f"I4: the cost of an active job fell from {before} to {job.current_cost}"
            memory.costs[job.pk] = job.current_cost


def _costs_are_right(world: World, jobs: list[TrainingJob]) -> None:
    records = {(record.job_id, record.attempt): record for record in CostRecord.objects.all()}
    for job in jobs:
        total = Decimal("0.00")
        for attempt in job.attempts.all():
            record = records.get((job.pk, attempt.number))
            run = world.cluster.runs.get(attempt.external_job_id)
            if run is None:
                assert record is None, "I4: a job that no cluster took was billed"
                continue
            expected = _billable(world, job, attempt, run)
            if expected is not None:
                amount = _dollars(job, expected)
                billed = record.amount if record else Decimal("0.00")
                how = f"{attempt.billing_source}, {attempt.billable_seconds} s instead of {expected}"
                assert billed == amount, f"I4: {job.short_id} was billed {billed} instead of {amount} ({how})"
            if record is not None:
                assert record.amount == _dollars(job, attempt.billable_seconds), "I4: price x GPUs x time"
                total += record.amount
        assert job.final_cost == job.current_cost == total, f"I4: {job.final_cost}, {job.current_cost}, {total}"


def _billable(world: World, job: TrainingJob, attempt: JobAttempt, run: Run) -> float | None:
    """What P17 says, from the cluster's books; None where nobody can know it any more."""
    now = world.cluster.clock
    if run.is_forgotten or not run.is_free(now) or job.error_code in ("lost", "submission_unconfirmed"):
        return None
    if world.profile.tells_times or world.profile.has("billing"):
        return run.billable_s(now)
    # Our own clock: from our first sight of it running to our sight of the end.
    seen_at = world.cluster.told_running_at.get(run.external_id)
    ended_at = job.cluster_ended_at or job.completed_at
    if seen_at is None or ended_at is None:
        assert attempt.billable_seconds == 0, "I4: billed without having been seen running"
        return 0.0
    assert 0 <= attempt.billable_seconds <= (ended_at - seen_at).total_seconds(), "I4: billed longer than it was seen"
    return None


def _dollars(job: TrainingJob, seconds: float) -> Decimal:
    price = job.gpu_price_per_hour
    assert price is not None
    exact: Decimal = price * job.gpu_config["count"] * Decimal(str(seconds)) / 3600
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


# -- I5 ------------------------------------------------------------------------------------------------------


def _told_once() -> None:
    what = ("job_event_id", "dataset_event_id", "alert_id", "owner_id", "channel", "endpoint")
    rows = Counter(Delivery.objects.values_list(*what))
    assert all(count == 1 for count in rows.values()), f"I5: delivered twice: {rows}"
    in_app = Delivery.objects.filter(channel=IN_APP.name)
    for events, link in ((JobEvent.objects, "job_event_id"), (Alert.objects, "alert_id")):
        waiting = set(events.values_list("pk", flat=True)) - set(in_app.values_list(link, flat=True))
        assert not waiting, f"I5: {len(waiting)} were never delivered ({link})"
    told = list(in_app.exclude(notification=None).values_list("notification"))
    assert len(set(told)) == len(told) == Notification.objects.count(), "I5: an event was told twice"
    ends = JobEvent.objects.filter(kind="status", to_status__in=TERMINAL).count()
    sent = Delivery.objects.filter(channel=WEBHOOK, job_event__to_status__in=TERMINAL).count()
    assert sent == ends, f"I5: {ends} jobs have ended, and {sent} of them go over the wire"


# -- I6 ------------------------------------------------------------------------------------------------------


def _ends_stay(jobs: list[TrainingJob], memory: Memory) -> None:
    for job in jobs:
        if job.status in TERMINAL:
            end = (job.status, job.completed_at, job.error_code, job.final_cost)
            before = memory.ends.setdefault(job.pk, end)
            assert end == before, f"I6: {job.short_id} ended as {before}, and now as {end}"
    assert not set(memory.ends) - {job.pk for job in jobs if job.status in TERMINAL}, "I6: an ended job lives again"


def _every_change_has_its_event(jobs: list[TrainingJob]) -> None:
    paths: dict[object, list[tuple[str, str]]] = defaultdict(list)
    for job_id, source, target in JobEvent.objects.filter(kind="status").values_list(
        "job_id", "from_status", "to_status"
    ):
        paths[job_id].append((source, target))
    for job in jobs:
        path = paths[job.pk]
        assert path, f"I6: {job.short_id} has no event at all"
        assert path[0] == ("", "queued"), f"I6: {job.short_id} begins with {path[0]}"
        for (_, before), (source, target) in pairwise(path):
            assert source == before, f"I6: an event is missing or doubled: {path}"
            assert source not in TERMINAL, f"I6: an ended job changed: {path}"
            assert target in TRANSITIONS[Status(source)], f"I6: not a legal change: {path}"
        assert path[-1][1] == job.status, f"I6: the events end with {path[-1][1]}, the job is {job.status}"


# -- I7 ------------------------------------------------------------------------------------------------------


def _waits_say_for_what(jobs: list[TrainingJob]) -> None:
    for job in jobs:
        is_queued = job.status == "queued"
        troubled = job.submit_failures if is_queued else job.poll_failures
        due = job.next_attempt_at if is_queued else job.next_poll_at
        if troubled and due > timezone.now() and job.status not in TERMINAL:
            assert job.waiting_for, f"I7: {job.short_id} ({job.status}) waits and does not say for what"


def _all_have_ended(jobs: list[TrainingJob]) -> None:
    for job in jobs:
        assert job.status in TERMINAL, f"I7: {job.short_id} is stuck: {job.status}, {job.waiting_for}"
        leased_until = job.lease_expires_at
        assert leased_until is None or leased_until < timezone.now(), f"I7: {job.short_id} is still leased"
    sending = JobAttempt.objects.filter(outcome="sending").count()
    assert not sending, f"I7: {sending} attempts are still being sent"
