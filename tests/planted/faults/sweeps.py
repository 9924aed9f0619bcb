"""I7: no job is ever stuck."""

from tests.planted.fault import Fault

DUE = "tests/jobs/test_due.py::test_every_active_job_is_in_exactly_one_list"
SWEEP = "Each cycle selects what is due of every non-terminal status; whatever was lost, the rows are found again."

FAULTS = (
    Fault(
        name="queued jobs are not swept",
        promise="I7",
        mechanism=SWEEP,
        file="jobs/reconcile/due.py",
        old="        submit=_ids(free.filter(",
        new="        submit=_ids(free.none().filter(",
        proofs=(f"{DUE}[queued--submit]",),
    ),
    Fault(
        name="initializing and running jobs are not swept",
        promise="I7",
        mechanism=SWEEP,
        file="jobs/reconcile/due.py",
        old="status__in=[Status.INITIALIZING, Status.RUNNING]), ",
        new="status__in=[]), ",
        proofs=(f"{DUE}[initializing--poll]", f"{DUE}[running--poll]"),
    ),
    Fault(
        name="cancelling jobs are not swept",
        promise="I7",
        mechanism=SWEEP,
        file="jobs/reconcile/due.py",
        old="        release=_ids(at_cluster.filter(status=Status.CANCELLING), ",
        new="        release=_ids(at_cluster.filter(status__in=[]), ",
        proofs=(f"{DUE}[cancelling--release]",),
    ),
    Fault(
        name="jobs whose files are on their way are not swept",
        promise="I7",
        mechanism=SWEEP,
        file="jobs/reconcile/due.py",
        old="            due.filter(status__in=[Status.INITIALIZING, Status.RUNNING, Status.CANCELLING])",
        new="            due.none()",
        proofs=(f"{DUE}[running-completed-collect]", f"{DUE}[cancelling-completed-collect]"),
    ),
    Fault(
        name="a job that nobody can confirm waits for ever",
        promise="I7",
        mechanism="Where only a person can find out, a job fails after a quarter of an hour and says where to look.",
        file="jobs/reconcile/accept.py",
        old="    if attempt is not None and not _can_be_found_out(job):\n",
        new="    if False:\n",
        proofs=(
            "tests/jobs/test_cancellation.py::test_where_nothing_can_be_looked_up_it_fails_after_a_quarter_of_an_hour",
        ),
    ),
    Fault(
        name="the end of a run waits for its last points for ever",
        promise="I7",
        mechanism="Points that a cluster says it has and does not hand over are waited for an hour after the end.",
        file="jobs/reconcile/apply.py",
        old="    is_over = not has_new_points and job.cluster_ended_at + LAST_POINTS_FOR <= now\n",
        new="    is_over = False\n",
        proofs=(
            "tests/jobs/test_polling.py::test_the_end_waits_an_hour_for_points_that_never_come_and_says_so",
            "tests/jobs/test_polling.py::"
            "test_an_endless_series_of_pages_without_points_does_not_keep_a_job_from_its_end",
        ),
    ),
    Fault(
        name="a cluster that counts its states anew is never believed again",
        promise="I7",
        mechanism="Where nothing but older news comes for some minutes, they are the news.",
        file="jobs/reconcile/apply.py",
        old="status.state_seq < attempt.state_seq and now < heard_at + patience\n",
        new="status.state_seq < attempt.state_seq\n",
        proofs=("tests/jobs/test_polling.py::test_a_cluster_that_counts_its_states_anew_is_believed_after_a_while",),
    ),
    Fault(
        name="a driver that falls over takes its jobs along",
        promise="I7",
        mechanism="Whatever goes wrong while a cluster is asked is a reason on its jobs, which are asked about again.",
        file="jobs/reconcile/polling.py",
        old="                    _unanswered(lease, UNEXPECTED)\n",
        new="                    pass\n",
        proofs=(
            "tests/jobs/test_polling.py::"
            "test_a_driver_that_falls_over_leaves_its_jobs_with_a_reason_and_the_others_alone",
        ),
    ),
    Fault(
        name="silence counts as a lost job",
        promise="I7",
        mechanism="Only several answers of `unknown job` over minutes lose it; silence between them is no miss.",
        file="jobs/reconcile/polling.py",
        old="    if job.missing_since is None:\n        job.poll_failures += 1\n\n",
        new="    job.poll_failures += 1\n\n",
        proofs=(
            "tests/promises/test_survival_table.py::test_it_survives_a_cluster_that"
            "[answers 404 for a job that it has (once, and now and then no answer at all) - level 1]",
        ),
    ),
    Fault(
        name="the breaker never opens",
        promise="I7",
        mechanism="Five failures in a row, or a refused key, stop all calls to that cluster; one call finds out later.",
        file="jobs/reconcile/breaker.py",
        old="        if isinstance(error, Denied) or row.consecutive_failures >= FAILURES_TO_OPEN:\n",
        new="        if False:\n",
        proofs=(
            "tests/jobs/test_breaker.py::test_errors_about_five_jobs_open_it",
            "tests/jobs/test_breaker.py::test_operators_hear_once_that_it_opened_and_once_that_the_cluster_is_back",
        ),
    ),
    Fault(
        name="a job that waits does not say for what",
        promise="I7",
        mechanism="Whatever keeps a job from moving is a sentence in `waiting_for`, which its page and the API show.",
        file="jobs/reconcile/submission.py",
        old="        job.submit_failures += 1\n        job.waiting_for = reason[:500]\n",
        new="        job.submit_failures += 1\n",
        proofs=("tests/jobs/test_refusals.py::test_many_refusals_for_now_do_not_open_the_breaker",),
    ),
    Fault(
        name="nobody says that the cycle stands still",
        promise="I7",
        mechanism="Pages and readiness say so when no cycle has run for three intervals and half a minute.",
        file="lora_pipeline/cycle.py",
        old="    if age > 3 * _interval(schedule) + timedelta(seconds=30):\n",
        new="    if False:\n",
        proofs=("tests/operations/test_readiness.py::test_a_cycle_is_late_after_three_intervals_and_half_a_minute",),
    ),
)
