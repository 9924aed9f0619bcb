"""A cancel that is refused, gets lost, or comes too late: nothing is claimed before the cluster says it."""

from jobs.models import Cluster
from tests.jobs.conftest import let_pass, submitted, work_until
from tests.promises.survival.ground import Effect, Ground
from tests.promises.survival.table import survives


@survives(
    "refuses a cancel, or cannot be reached for it",
    {
        "409": {"answer": {"code": 409}},
        "403": {"answer": {"code": 403}},
        "429": {"answer": {"code": 429, "retry_after_s": 9}},
        "500": {"answer": {"code": 500}},
        "resets": {"reset": True},
        "times out": {"hang_s": 30},
    },
)
def keeps_asking(ground: Ground, trouble: Effect) -> None:
    job = ground.training()
    ground.node.fault("cancel", trouble)
    ground.cancelled(job)
    with ground.trouble(trouble):
        job = ground.released(job)
    assert (job.status, ground.shown(job)["status"]) == ("cancelling", "cancelling")
    assert job.waiting_for.startswith("Still cancelling")
    assert "go on billing" in job.waiting_for
    let_pass(job, minutes=3)
    Cluster.objects.update(open_until=None)
    with ground.trouble(trouble):
        job = ground.released(job)
    assert job.status == "cancelling"
    assert "cancel_not_confirmed" in {warning["code"] for warning in ground.shown(job)["warnings"]}
    ground.node.lift_faults()
    let_pass(job, minutes=2)
    Cluster.objects.update(open_until=None)
    assert work_until(job, "cancelled", "completed").cost_records.count() == 1


@survives("finishes a job that is being cancelled", {"at once": None})
def its_word_wins(ground: Ground, no_more: None) -> None:
    job = ground.job()
    ground.node.fault("job", {"outcome": {"kind": "finishes_on_stop", "at_step": 5}}, job=job)
    ground.cancelled(submitted(job))
    job = work_until(job, "completed")
    assert job.artifact.status == "ready"
    assert job.final_cost == job.current_cost == job.cost_records.get().amount
    attempt = job.attempts.get()
    if ground.level == 2:
        assert attempt.billable_seconds == ground.node.status(job)["billing"]["billable_seconds"]
    assert [event.to_status for event in job.events.filter(kind="status")][-2:] == ["cancelling", "completed"]
