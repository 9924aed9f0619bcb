"""I1: at most one paid cluster job per job and attempt."""

from tests.planted.fault import Fault

INTENT = "The key and all that it stands for are stored, as `sending`, before the cluster is called."
ASK_AGAIN = (
    "After an unanswered submit the same key is sent again, or the job is looked up; a cluster that offers neither "
    "is never asked twice."
)

FAULTS = (
    Fault(
        name="an unanswered submit is sent again blindly",
        promise="I1",
        mechanism=ASK_AGAIN,
        file="jobs/reconcile/submission.py",
        old='    accept.unconfirmed(lease, "The cluster did not answer.")\n    return False\n',
        new="    return True\n",
        proofs=(
            "tests/jobs/test_unconfirmed.py::test_at_level_1_a_crash_between_intent_and_answer_is_never_sent_again",
        ),
    ),
    Fault(
        name="a listing is believed before it has settled",
        promise="I1",
        mechanism="A listing without the job proves something 80 s after the last try: longer than any call lasts.",
        file="jobs/reconcile/accept.py",
        old="    return attempt.sent_at + SETTLE_FOR <= timezone.now()\n",
        new="    return True\n",
        proofs=(
            "tests/jobs/test_unconfirmed.py::"
            "test_with_a_lookup_alone_a_submit_is_repeated_once_it_is_certain_that_nothing_started",
        ),
    ),
    Fault(
        name="the intent is not stored before the call",
        promise="I1",
        mechanism=INTENT,
        file="jobs/reconcile/intent.py",
        old="        attempt.outcome = SubmitOutcome.SENDING\n",
        new="        attempt.outcome = SubmitOutcome.NOT_SENT\n",
        proofs=("tests/jobs/test_submission.py::test_the_intent_is_stored_before_the_cluster_answers",),
    ),
    Fault(
        name="a submit that a crash cut short counts as never sent",
        promise="I1",
        mechanism=INTENT,
        file="jobs/reconcile/accept.py",
        old="OPEN = frozenset({SubmitOutcome.SENDING, ",
        new="OPEN = frozenset({",
        proofs=(
            "tests/jobs/test_unconfirmed.py::test_at_level_1_a_crash_between_intent_and_answer_is_never_sent_again",
        ),
    ),
    Fault(
        name="the run of a lost attempt is taken for the next one",
        promise="I1",
        mechanism="Of a job that was started again, the runs of earlier attempts are never adopted.",
        file="jobs/reconcile/accept.py",
        old="        if known.external_job_id in others:\n",
        new="        if False:\n",
        proofs=(
            "tests/jobs/test_resubmission.py::"
            "test_what_the_cluster_lists_of_the_lost_attempt_is_not_taken_for_the_next",
        ),
    ),
    Fault(
        name="a repeat has another key",
        promise="I1",
        mechanism=ASK_AGAIN,
        file="jobs/reconcile/intent.py",
        old="        key=attempt.submission_key,\n",
        new='        key=f"{attempt.submission_key}:{timezone.now().timestamp()}",\n',
        proofs=(
            "tests/promises/test_survival_table.py::"
            "test_it_survives_a_cluster_that[takes a job, then times out or resets (resets) - level 2]",
        ),
    ),
    Fault(
        name="a neighbour's or another attempt's job is adopted",
        promise="I1",
        mechanism="Adopted is only a job with our installation's label, this job's id and this attempt's number.",
        file="jobs/reconcile/accept.py",
        old='        if known.attempt in (None, attempt.number) and known.labels.get("installation", ours) == ours:\n',
        new="        if True:\n",
        proofs=("tests/jobs/test_unconfirmed.py::test_a_job_that_the_cluster_says_it_has_is_looked_up_and_adopted",),
    ),
    Fault(
        name="a lost machine's job is started again without limit",
        promise="I1",
        mechanism="A run that was lost with its machine is a new attempt with a key of its own, at most twice.",
        file="jobs/reconcile/resubmission.py",
        old="        and job.attempt <= settings.JOB_AUTOMATIC_RESUBMISSIONS\n",
        new="",
        proofs=("tests/jobs/test_resubmission.py::test_it_is_started_again_only_so_often",),
    ),
    Fault(
        name="a submission under way can be declared as not started",
        promise="I1",
        mechanism="Staff settle a submission by hand only where its outcome is unknown.",
        file="jobs/services.py",
        old="number=job.attempt, outcome=SubmitOutcome.UNKNOWN).first()",
        new="number=job.attempt).first()",
        proofs=("tests/jobs/test_unconfirmed.py::test_only_what_nobody_knows_is_settled_by_hand[under way]",),
    ),
)
