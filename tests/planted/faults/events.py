"""I5 and I6: a terminal status is for ever, every change has its event, every event one delivery."""

from tests.planted.fault import Fault

LIFECYCLE = "tests/jobs/test_lifecycle.py::"
STATES = "tests/jobs/test_states.py::"
DISPATCH = "tests/notifications/test_dispatch.py::"
OUTBOX = "Events without a delivery are found by anti-join; a unique row per event, channel and endpoint decides."
RETRIES = "A delivery is a row with a constant id and a next try, for a day; a killed sender's claim runs out."
HORIZON = "Events before a horizon, which moves on before the first old delivery goes and never back, are passed over."
PRUNING = "tests/notifications/test_pruning.py::"
GATHERING = "Ends are held until no job is active and no end waits; then one row carries the message for all of them."
GATHERED = "tests/notifications/test_gathering.py::"
CLAIMS = "tests/notifications/test_claims.py::test_what_somebody_took_or_switched_off_a_moment_ago_is_left_to_them"
SENDING = "tests/notifications/test_sending.py::"
DOOR = "One function writes a status: the table allows it, the row still has the old one, the event goes with it."

FAULTS = (
    Fault(
        name="a failed job may run again",
        promise="I6",
        mechanism="The table of transitions has no way out of a terminal status.",
        file="jobs/states.py",
        old="    Status.FAILED: frozenset(),\n",
        new="    Status.FAILED: frozenset({Status.RUNNING}),\n",
        proofs=(f"{STATES}test_nothing_leads_out_of_a_terminal_status",),
    ),
    Fault(
        name="the table of transitions is not asked",
        promise="I6",
        mechanism=DOOR,
        file="jobs/lifecycle.py",
        old="    if not is_legal(source, to):\n",
        new="    if False:\n",
        proofs=(f"{LIFECYCLE}test_a_row_and_its_event_change_together_or_not_at_all[completed-cancelled]",),
    ),
    Fault(
        name="a cancel overwrites an end that came meanwhile",
        promise="I6",
        mechanism=DOOR,
        file="jobs/lifecycle.py",
        old="    if not TrainingJob.objects.filter(pk=job.pk, status=source).update(**changes):\n",
        new="    if not TrainingJob.objects.filter(pk=job.pk).update(**changes):\n",
        proofs=(f"{LIFECYCLE}test_who_looked_at_an_old_row_changes_nothing",),
    ),
    Fault(
        name="a change has no event",
        promise="I6",
        mechanism=DOOR,
        file="jobs/lifecycle.py",
        old='    record(job, "status", message, actor=actor, detail=detail, from_status=source, to_status=to.value)\n',
        new="",
        proofs=(f"{LIFECYCLE}test_a_row_and_its_event_change_together_or_not_at_all",),
    ),
    Fault(
        name="the database takes a second delivery",
        promise="I5",
        mechanism=OUTBOX,
        file="notifications/migrations/0001_initial.py",
        old='fields=("job_event", "channel", "endpoint"), name="delivery_once_job_event"',
        new='fields=("job_event", "channel", "endpoint", "id"), name="delivery_once_job_event"',
        proofs=(f"{DISPATCH}test_the_database_refuses_a_second_delivery_and_one_of_nothing",),
    ),
    Fault(
        name="an event that commits late is passed over",
        promise="I5",
        mechanism=OUTBOX,
        file="notifications/selectors.py",
        old='    return events.filter(~Exists(delivered), ~Exists(forgotten)).order_by("pk")\n',
        new='    known = Delivery.objects.order_by(f"-{link}").values_list(link, flat=True).first() or 0\n'
        '    return events.filter(pk__gt=known).order_by("pk")\n',
        proofs=(f"{DISPATCH}test_an_event_that_commits_late_is_still_found",),
    ),
    Fault(
        name="an event is told again once its delivery is forgotten",
        promise="I5",
        mechanism=HORIZON,
        file="notifications/selectors.py",
        old="    return events.filter(~Exists(delivered), ~Exists(forgotten))",
        new="    return events.filter(~Exists(delivered))",
        proofs=(f"{PRUNING}test_what_was_delivered_long_ago_is_forgotten_and_never_told_again",),
    ),
    Fault(
        name="jobs that end together are told apart",
        promise="I5",
        mechanism=GATHERING,
        file="notifications/gathering.py",
        old='    return not undelivered(ends, "job_event").exists()\n',
        new="    return True\n",
        proofs=(f"{GATHERED}test_jobs_that_end_at_the_same_moment_are_told_together",),
    ),
    Fault(
        name="a webhook's retry has another id",
        promise="I5",
        mechanism=RETRIES,
        file="notifications/sending.py",
        old='message_id=f"msg_{delivery.message_id}"',
        new='message_id=f"msg_{uuid.uuid4()}"',
        proofs=(f"{SENDING}test_a_receiver_that_fails_is_tried_for_a_day_with_the_same_id_and_body",),
    ),
    Fault(
        name="two senders at once send the same delivery",
        promise="I5",
        mechanism="Whoever sends a delivery claims it first, by a conditional UPDATE; whoever comes second leaves it.",
        file="notifications/sending.py",
        old="            _waiting(now)\n            .filter(pk=taken.pk, attempts_made=taken.attempts_made)\n",
        new="            Delivery.objects.filter(pk=taken.pk)\n",
        proofs=(f"{CLAIMS}[delivery taken]",),
    ),
    Fault(
        name="a webhook that failed is not sent again",
        promise="I5",
        mechanism=RETRIES,
        file="notifications/sending.py",
        old="    if not outcome.ok and not outcome.permanent:\n",
        new="    if False:\n",
        proofs=(f"{SENDING}test_it_arrives_as_soon_as_the_receiver_is_back",),
    ),
    Fault(
        name="an event tells of a change that was refused",
        promise="I6",
        mechanism=DOOR,
        file="jobs/lifecycle.py",
        old="    if not TrainingJob.objects.filter(pk=job.pk, status=source).update(**changes):\n",
        new='    record(job, "status", message, actor=actor, from_status=source, to_status=to.value)\n'
        "    if not TrainingJob.objects.filter(pk=job.pk, status=source).update(**changes):\n",
        proofs=(f"{LIFECYCLE}test_who_looked_at_an_old_row_changes_nothing",),
    ),
    Fault(
        name="the event is written after the change was committed",
        promise="I6",
        mechanism="A change and its event are one transaction: a crash in between leaves neither.",
        file="jobs/lifecycle.py",
        old='    record(job, "status", message, actor=actor, detail=detail, from_status=source, to_status=to.value)\n',
        new="    transaction.on_commit(\n"
        '        lambda: record(job, "status", message, actor=actor, from_status=source, to_status=to.value)\n'
        "    )\n",
        proofs=(
            f"{LIFECYCLE}test_a_row_and_its_event_change_together_or_not_at_all",
            "tests/promises/machines/test_crash_at_every_line.py::"
            "test_all_ends_are_right_wherever_a_worker_dies[poll-failed]",
        ),
    ),
)
