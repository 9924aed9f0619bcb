"""I8: what a cluster still runs for us is found, and neighbours' jobs are never touched."""

from tests.planted.fault import Fault

ORPHANS = "tests/jobs/test_orphans.py::"
SWEEP = "Each sweep lists what runs with our installation's label and holds it against the rows."
LABEL = "Only a job with this installation's random id among its labels is looked at."

FAULTS = (
    Fault(
        name="what runs for an ended job is left running",
        promise="I8",
        mechanism=SWEEP,
        file="jobs/reconcile/orphans.py",
        old='            _stop(door, known, job, number, f"the job has {job.status} here")\n',
        new="            pass\n",
        proofs=(f"{ORPHANS}test_what_runs_for_an_ended_job_is_stopped_and_told_with_its_money",),
    ),
    Fault(
        name="a neighbour's job is stopped",
        promise="I8",
        mechanism=LABEL,
        file="jobs/reconcile/orphans.py",
        old='if known.labels.get("installation") == str(installation.pk))\n',
        new="if installation)\n",
        proofs=(f"{ORPHANS}test_a_neighbours_job_is_never_touched",),
    ),
    Fault(
        name="a living job's run is stopped for an ended one",
        promise="I8",
        mechanism="A run that a living job follows is never stopped, whatever job the cluster lists it for.",
        file="jobs/reconcile/orphans.py",
        old="    if follower is not None:\n",
        new="    if False:\n",
        proofs=(f"{ORPHANS}test_a_run_that_a_living_job_follows_is_not_stopped_for_a_job_that_it_is_listed_for",),
    ),
    Fault(
        name="a job without a row is stopped",
        promise="I8",
        mechanism="What has no row is reported, never stopped: perhaps it is the database that forgot.",
        file="jobs/reconcile/orphans.py",
        old='        _report(door, known, f"no job here has its id ({known.job_id[:60]})")\n',
        new="        door.cluster.cancel(\n"
        '            known.external_job_id, reason="", keep_adapter=False, capabilities=door.capabilities\n'
        "        )\n",
        proofs=(f"{ORPHANS}test_what_no_job_knows_is_reported_once_and_never_stopped",),
    ),
    Fault(
        name="a submission under way is taken for an orphan",
        promise="I8",
        mechanism="A run whose submission is under way, or unanswered, belongs to whoever submits it.",
        file="jobs/reconcile/orphans.py",
        old="    elif job.external_job_id:\n",
        new="    else:\n",
        proofs=(f"{ORPHANS}test_a_submission_under_way_is_no_orphan",),
    ),
)
