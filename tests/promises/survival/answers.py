"""Answers that are no answers: too long, too slow, from elsewhere, or nonsense."""

from contextlib import closing

from tests.contracts.wire import Wire, reply
from tests.jobs.conftest import submitted, work_until
from tests.promises.survival.ground import Ground
from tests.promises.survival.table import survives

WAYS = {
    "10 MB": ({"pad_bytes": 10_000_000}, "larger than"),
    "drips": ({"drip": {"bytes": 1, "every_s": 0.1}}, "time"),
    "redirects": ({"redirect": ""}, "redirect"),
    "garbage": ({"body": "<html>It works!</html>"}, "JSON"),
    "cut off": ({"truncate": 20}, "JSON"),
}


@survives("sends 10 MB, drips, redirects, or talks garbage", WAYS)
def gives_up_and_says_why(ground: Ground, way: tuple[dict[str, object], str]) -> None:
    effect, word = way
    with closing(Wire(reply(200, {"external_job_id": "stolen", "status": "completed"}))) as elsewhere:
        if "redirect" in effect:
            effect = {"redirect": elsewhere.url}
        job = ground.training()
        # To a submit.
        doubtful = ground.job()
        ground.node.fault("submit", effect, job=doubtful, times=1)
        with ground.trouble(effect):
            doubtful = submitted(doubtful)
        assert doubtful.current_stage == "submission_unconfirmed"
        assert word in ground.shown(doubtful)["waiting_for"]
        assert submitted(doubtful).status == ("initializing" if ground.level == 2 else "queued")
        assert len(ground.node.paid(doubtful)) <= 1
        # To a poll.
        for route in {ground.reports, "status"}:  # what is too long for all is asked for one by one
            ground.node.fault(route, effect, times=1)
        with ground.trouble(effect):
            job = ground.polled(job)
        assert job.status == "running"
        assert word in ground.shown(job)["waiting_for"]
        job = ground.polled(job)
        assert (job.status, job.waiting_for, job.poll_failures) == ("running", "", 0)
        # To a cancel.
        ground.node.fault("cancel", effect, times=1)
        ground.cancelled(job)
        with ground.trouble(effect):
            ground.released(job)
        assert work_until(job, "cancelled").cost_records.count() == 1
        assert elsewhere.requests == []
