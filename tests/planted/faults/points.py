"""I3: each metrics point exactly once, and none lost that the cluster still has."""

from tests.planted.fault import Fault

ONCE = "Points are looked up by (attempt, restart, step) under the job's lock; a unique constraint stands behind it."

FAULTS = (
    Fault(
        name="a resumed run's points are taken for those before it",
        promise="I3",
        mechanism=ONCE,
        file="jobs/metrics.py",
        old="        known = fresh.setdefault((point.restart, point.step), row)\n",
        new="        known = fresh.setdefault((0, point.step), row)\n",
        proofs=(
            "tests/jobs/test_metrics_ingest.py::"
            "test_the_same_step_after_a_resume_or_in_another_attempt_is_another_point",
        ),
    ),
    Fault(
        name="the database takes a point twice",
        promise="I3",
        mechanism=ONCE,
        file="jobs/migrations/0001_initial.py",
        old='fields=("job", "attempt", "restart", "step"), name="point_once_per_step"',
        new='fields=("job", "attempt", "restart", "step", "id"), name="point_once_per_step"',
        proofs=("tests/jobs/test_metrics_ingest.py::test_the_database_refuses_a_second_point",),
    ),
    Fault(
        name="the end is believed before the last page of points",
        promise="I3",
        mechanism="A job's end is taken over with the last page of its points, so an ended job has all of them.",
        file="jobs/reconcile/apply.py",
        old="    if has_ended and polled.has_more and _waits",
        new="    if False and _waits",
        proofs=("tests/jobs/test_polling.py::test_where_a_page_fails_the_end_waits_for_it",),
    ),
    Fault(
        name="the cursor moves though the points were not stored",
        promise="I3",
        mechanism="The cursor is stored in the transaction of the points; before that, the cluster is asked again.",
        file="jobs/reconcile/polling.py",
        old="    try:\n        if isinstance(answer, NoSuchJob):\n",
        new="    try:\n        if isinstance(answer, Polled):\n"
        "            JobAttempt.objects.filter(job=lease.job_id).update(metrics_cursor=answer.next)\n"
        "        if isinstance(answer, NoSuchJob):\n",
        proofs=("tests/jobs/test_polling.py::test_points_that_could_not_be_stored_are_asked_for_again",),
    ),
)
