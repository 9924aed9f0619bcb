"""I2: a cancelled job ends at its cluster, and until then we say `cancelling`."""

from tests.planted.fault import Fault

CANCELLATION = "tests/jobs/test_cancellation.py::"
RELEASED = "`cancelled` counts once the cluster says that the GPUs are free (`released_at`)."

FAULTS = (
    Fault(
        name="a job is called cancelled while its GPUs are held",
        promise="I2",
        mechanism=RELEASED,
        file="jobs/reconcile/apply.py",
        old='and capabilities.has("async_cancel") and status.released_at is None\n',
        new="and False\n",
        proofs=(f"{CANCELLATION}test_it_is_cancelled_once_the_gpus_are_free_and_not_before",),
    ),
    Fault(
        name="a click ends a job whose submit is in flight",
        promise="I2",
        mechanism="Only a job without a stored submission key is cancelled at once; any other is `cancelling` first.",
        file="jobs/lifecycle.py",
        old="    if job.status == Status.QUEUED and not job.submission_key:\n",
        new="    if job.status == Status.QUEUED:\n",
        proofs=(
            f"{CANCELLATION}test_where_nothing_can_be_looked_up_it_fails_after_a_quarter_of_an_hour",
            "tests/jobs/test_unconfirmed.py::test_a_refusal_after_an_unanswered_try_does_not_make_that_try_unsent",
        ),
    ),
    Fault(
        name="what a submit created meanwhile is not stopped",
        promise="I2",
        mechanism="The task that submitted looks again afterwards, and stops what was cancelled meanwhile.",
        file="jobs/reconcile/submission.py",
        old="        cancellation.release(job_id, at_once=lease is not None)\n",
        new="        pass\n",
        proofs=(
            "tests/promises/test_survival_table.py::"
            "test_it_survives_a_cluster_that[is asked for a job that is cancelled meanwhile (and takes it) - level 2]",
        ),
    ),
    Fault(
        name="a cancel is asked for once and never again",
        promise="I2",
        mechanism="While the cluster reports the job as alive, the cancel is repeated every minute, with a warning.",
        file="jobs/reconcile/cancellation.py",
        old="REPEAT_AFTER = timedelta(seconds=60)\n",
        new="REPEAT_AFTER = timedelta(days=60)\n",
        proofs=(
            f"{CANCELLATION}test_a_cancel_is_asked_for_once_while_the_cluster_works_on_it_and_again_after_a_minute",
        ),
    ),
    Fault(
        name="a job that the cluster forgot is called cancelled",
        promise="I2",
        mechanism="A cluster that does not know the job has not said that it stopped: the job is `lost`.",
        file="jobs/reconcile/polling.py",
        old="        finish.fail(job, attempt, ErrorCode.LOST, now=now)\n",
        new="        finish.cancelled(job)\n",
        proofs=(
            f"{CANCELLATION}test_a_job_that_the_cluster_forgot_while_it_was_cancelled_is_lost_and_not_called_stopped",
        ),
    ),
)
