"""A submit whose answer is missing, or that somebody cancels on the way: one paid cluster job at most."""

from tests.jobs.conftest import TRAINS_FOR_EVER, let_pass, submitted, work_until
from tests.promises.survival.ground import Effect, Ground
from tests.promises.survival.table import survives


@survives(
    "takes a job, then times out or resets",
    {"times out": {"hang_s": 30}, "resets": {"reset": True}, "says 502": {"status": 502}},
)
def paid_once(ground: Ground, silence: Effect) -> None:
    job = ground.job()
    ground.node.fault("submit", {"accept": True, **silence}, job=job, times=1)
    with ground.trouble(silence):
        job = submitted(job)
    assert (job.status, job.current_stage) == ("queued", "submission_unconfirmed")
    assert "whether the GPU cluster took the job" in ground.shown(job)["waiting_for"]
    job = submitted(job)
    if ground.level == 2:
        assert job.status == "initializing"
        assert ground.node.keys(job) == [f"{job.pk}:1"] * 2
        job = work_until(job, "completed")
        assert ground.node.paid(job) == [job.external_job_id]
    else:
        assert job.status == "queued"
        let_pass(job, minutes=16)
        job = submitted(job)
        assert (job.status, job.error_code) == ("failed", "submission_unconfirmed")
        assert "Look for the job's id" in ground.shown(job)["error"]["advice"]
        assert ground.node.keys(job) == [None]
        assert len(ground.node.paid(job)) <= 1


@survives("takes a job, then times out or resets", {"resets, offering no more than a lookup": None}, levels=(2,))
def adopted(ground: Ground, no_more: None) -> None:
    job = ground.job()
    ground.node.fault("capabilities", {"answer": {"code": 200, "body": {"api_version": 2, "features": ["lookup"]}}})
    ground.node.fault("submit", {"accept": True, "reset": True}, job=job, times=1)
    assert submitted(job).current_stage == "submission_unconfirmed"
    job = submitted(job)
    assert job.status == "initializing"
    assert len(ground.node.keys(job)) == 1
    job = work_until(job, "completed", "failed")
    assert ground.node.paid(job) == [job.external_job_id]


@survives(
    'answers 409 or 400, "exists"',
    {"409": {"code": 409, "body": {"detail": "Job already exists"}}, "400": {"code": 400, "body": {"code": "exists"}}},
)
def looked_up(ground: Ground, exists: Effect) -> None:
    job = ground.job()
    if ground.level == 2:
        ground.node.fault("submit", {"accept": True, "reset": True}, job=job, times=1)
        submitted(job)
    ground.node.fault("submit", {"answer": exists}, job=job)
    job = submitted(job)
    if ground.level == 2:
        assert job.status == "initializing"
        job = work_until(job, "completed")
        assert ground.node.paid(job) == [job.external_job_id]
    else:
        assert "has this job already" in ground.shown(job)["waiting_for"]
        let_pass(job, minutes=16)
        job = submitted(job)
        assert (job.status, job.error_code) == ("failed", "submission_unconfirmed")
        assert len(ground.node.keys(job)) == 1


@survives(
    "is asked for a job that is cancelled meanwhile",
    {"and takes it": {}, "and says nothing": {"accept": True, "reset": True}},
)
def stopped_by_the_same_task(ground: Ground, silence: Effect) -> None:
    job = ground.job()
    ground.node.fault("job", TRAINS_FOR_EVER, job=job)
    if silence:
        ground.node.fault("submit", silence, job=job, times=1)
    ground.meanwhile(lambda: ground.cancelled(job))
    job = submitted(job)
    assert job.status in {"cancelling", "cancelled"}
    if silence and ground.level == 1:
        assert job.waiting_for.startswith("Waiting to learn whether the GPU cluster took the job")
        let_pass(job, minutes=16)
        assert ground.released(job).error_code == "submission_unconfirmed"
        return
    assert ground.node.paid(job) == [job.external_job_id]
    assert ground.node.cancels(job) == 1
    assert work_until(job, "cancelled").cost_records.count() <= 1
    assert ground.node.status(job)["status"] == "cancelled"
