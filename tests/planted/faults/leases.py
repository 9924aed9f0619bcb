"""I1 and I7: one worker at a time on each job, and none for ever."""

from tests.planted.fault import Fault

LEASE = "A worker claims a job by a conditional UPDATE with a token; what it writes, it writes only while it has it."
LIFECYCLE = "tests/jobs/test_lifecycle.py::"

FAULTS = (
    Fault(
        name="a job is claimed though another worker has it",
        promise="I1",
        mechanism=LEASE,
        file="jobs/lifecycle.py",
        old="    count = TrainingJob.objects.filter(is_free(now), pk__in=ids, ",
        new="    count = TrainingJob.objects.filter(pk__in=ids, ",
        proofs=(f"{LIFECYCLE}test_a_job_is_claimed_once",),
    ),
    Fault(
        name="who lost a lease still writes",
        promise="I1",
        mechanism=LEASE,
        file="jobs/lifecycle.py",
        old=".filter(pk=lease.job_id, lease_token=lease.token).first()\n",
        new=".filter(pk=lease.job_id).first()\n",
        proofs=(
            f"{LIFECYCLE}test_an_expired_lease_is_taken_over_and_the_old_holder_writes_nothing",
            f"{LIFECYCLE}test_a_block_that_lost_its_lease_ends_quietly",
        ),
    ),
    Fault(
        name="who lost one of several leases still writes",
        promise="I1",
        mechanism=LEASE,
        file="jobs/lifecycle.py",
        old=" for job in jobs if job.lease_token == tokens[job.pk].token}\n",
        new=" for job in jobs}\n",
        proofs=(f"{LIFECYCLE}test_of_several_jobs_those_are_locked_together_whose_lease_is_still_held",),
    ),
    Fault(
        name="the lease of a dead worker never expires",
        promise="I7",
        mechanism="A lease ends by itself a minute after its last renewal; then the next tick finds the job again.",
        file="jobs/lifecycle.py",
        old="    return Q(lease_token=None) | Q(lease_expires_at__lt=now) | wrong\n",
        new="    return Q(lease_token=None) | wrong\n",
        proofs=(f"{LIFECYCLE}test_the_lease_of_a_worker_that_died_is_free_again",),
    ),
)
