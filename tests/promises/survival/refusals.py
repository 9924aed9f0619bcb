"""A cluster that says not now, or not you, or nothing any more: jobs wait, and say for what."""

from contextlib import closing
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs.models import Alert, Cluster, TrainingJob
from tests.jobs.conftest import submitted, work_until
from tests.jobs.scripted import ScriptedCluster
from tests.promises.survival.ground import Effect, Ground, until
from tests.promises.survival.table import survives


@survives(
    "answers 429 or 503",
    {"429, in seconds": {"code": 429, "retry_after_s": 120}, "503, by date": {"code": 503, "retry_after_date_s": 120}},
)
def waits_as_told(ground: Ground, refusal: dict[str, Any]) -> None:
    ground.node.fault("submit", {"answer": refusal})
    jobs, waits = [], []
    for _ in range(3):
        before = timezone.now()
        jobs.append(submitted(ground.job()))
        due, after = jobs[-1].next_attempt_at, timezone.now()
        # A date has whole seconds: as told it is one more or less.
        assert before + timedelta(seconds=119) <= due <= after + timedelta(seconds=121 * 1.2)
        waits.append((due - before).total_seconds())
    assert len({round(wait, 1) for wait in waits}) > 1, "they would all come back at once"
    for job in jobs:
        assert (job.status, job.attempt, job.submission_key) == ("queued", 1, "")
        assert str(refusal["code"]) in ground.shown(job)["waiting_for"]
    ground.node.lift_faults()
    job = work_until(jobs[0], "completed")
    assert job.attempts.count() == len(ground.node.paid(job)) == 1


@survives(
    "answers 401 or 403, or times out five times in a row",
    {"401": {"answer": {"code": 401}}, "403": {"answer": {"code": 403}}, "times out": {"hang_s": 30}},
)
def leaves_it_in_peace(ground: Ground, trouble: Effect) -> None:
    with closing(ScriptedCluster().wire) as elsewhere:
        ground.settings.GPU_CLUSTERS |= {"another": {"URL": elsewhere.url, "KEY": "key"}}
        running, queued, other = ground.training(), ground.job(), ground.job()
        TrainingJob.objects.filter(pk=other.pk).update(cluster="another")
        with ground.trouble(trouble):
            ground.node.fault("any", trouble)
            until(lambda: is_open("default"), lambda: ground.polled(running), times=5 if "hang_s" in trouble else 1)
            for _ in range(3):
                running, queued = ground.polled(running), submitted(queued)
            assert (running.status, queued.status) == ("running", "queued")
            for job in (running, queued):
                assert ground.shown(job)["waiting_for"].startswith("Waiting for the GPU cluster")
            assert ground.node.keys(queued) == []
            assert submitted(other).status == "initializing"
            a_minute_later()
            assert ground.polled(running).status == "running"
        assert is_open("default")
        assert alerts() == ["cluster_closed"], "however often it is tried again"
        ground.node.lift_faults()
        a_minute_later()
        assert work_until(queued, "completed").final_cost is not None
        assert not is_open("default")
        assert alerts() == ["cluster_closed", "cluster_back"]


def alerts() -> list[str]:
    """What operators were told about that cluster."""
    return list(Alert.objects.filter(subject="default").values_list("kind", flat=True))


def is_open(name: str) -> bool:
    """Whether that cluster is not to be called now."""
    return Cluster.objects.filter(name=name, open_until__gt=timezone.now()).exists()


def a_minute_later() -> None:
    """The breaker lets one call through to see whether it is over."""
    Cluster.objects.exclude(open_until=None).update(open_until=timezone.now() - timedelta(seconds=1))
