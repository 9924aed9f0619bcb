"""S2 and S3: what users wait for, over HTTP against the running web server."""

import statistics
import time
from datetime import UTC, datetime
from typing import Any

import requests
from django.db.models import QuerySet

from benchmarks import seed
from benchmarks.report import row, spread
from benchmarks.rig import Rig
from datasets.models import Dataset
from jobs.models import JobAttempt, TrainingJob

POINTS = 100_000


def measure(rig: Rig, *, requests_each: int = 200, jobs: int = 100) -> None:
    """Print the figures."""
    alice, token = seed.user()
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    data = seed.dataset(alice)
    [job] = seed.jobs(alice, data, 1)
    seed.points(job, POINTS)
    _details(rig, session, job, requests_each)  # before workers are busy with what is submitted and cancelled
    made = _submits(rig, session, data, jobs)
    _cancels(rig, session, made)


def _submits(rig: Rig, session: requests.Session, data: Dataset, count: int) -> list[str]:
    """From the POST to the cluster's acceptance, one job after the other."""
    delays, made = [], []
    for _ in range(count):
        started = datetime.now(UTC)
        answer = session.post(
            f"{rig.stack.base_url}/api/jobs",
            json={"dataset_id": str(data.pk), "preset_id": "recommended", "gpu_config": seed.GPU},
            timeout=30,
        )
        answer.raise_for_status()
        made.append(answer.json()["data"]["job"]["id"])
        delays.append((_accepted_at(made[-1]) - started).total_seconds())
    row("S2", "POST /api/jobs to the cluster's acceptance", spread(delays), "goal p95 < 300 ms")
    return made


def _accepted_at(job_id: str) -> datetime:
    return _known(f"job {job_id} was submitted", JobAttempt.objects.filter(job__pk=job_id).values_list("submitted_at"))


def _cancels(rig: Rig, session: requests.Session, jobs: list[str]) -> None:
    """Half of them each once the cluster was told of the one before, as S2 is measured, and half of them without a
    pause, so that the workers take the processors and the database's lock meanwhile."""

    def cancel(job_id: str) -> float:
        return _timed(session, "POST", f"{rig.stack.base_url}/api/jobs/{job_id}/cancel")

    half = len(jobs) // 2
    one_by_one = []
    for job_id in jobs[:half]:
        one_by_one.append(cancel(job_id))
        _known(f"the cluster was told of {job_id}", TrainingJob.objects.filter(pk=job_id).values_list("cancel_sent_at"))
    without_pause = [cancel(job_id) for job_id in jobs[half:]]
    goal = "goal p95 < 50 ms"
    row("S3", "POST /api/jobs/{id}/cancel, one after the other", spread(one_by_one), goal)
    row("S3", "the same without a pause", spread(without_pause), goal)


def _known(what: str, rows: QuerySet[Any, tuple[datetime | None]]) -> datetime:
    """When it happened, as soon as the row says so."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        [at] = rows.first() or [None]
        if at is not None:
            return at
        time.sleep(0.01)
    raise TimeoutError(f"nothing says that {what}")


def _details(rig: Rig, session: requests.Session, job: TrainingJob, count: int) -> None:
    url = f"{rig.stack.base_url}/api/jobs/{job.pk}"
    cold = _timed(session, "GET", url)
    warm = [_timed(session, "GET", url) for _ in range(count)]
    unchanged_since = {"If-None-Match": session.get(url, timeout=60).headers["ETag"]}
    unchanged = [_timed(session, "GET", url, expected=304, headers=unchanged_since) for _ in range(count)]
    moving = []
    for number in range(count // 4):
        seed.points(job, 1, first=POINTS + 1 + number)
        moving.append(_timed(session, "GET", url))
    goal = "goal p95 < 25 ms"
    row("S3", f"GET /api/jobs/{{id}}, {POINTS:,} points", spread(warm), f"{goal}; first request {cold * 1000:.0f} ms")
    row("S3", "the same after each new point", spread(moving), goal)
    row("S3", "the same, nothing changed (304)", spread(unchanged), "goal p95 < 5 ms")
    alive = [_timed(session, "GET", f"{rig.stack.base_url}/health") for _ in range(count)]
    row("", "yardstick: GET /health on the same server", f"p50 {statistics.median(alive) * 1000:.1f} ms")


def _timed(
    session: requests.Session, method: str, url: str, *, expected: int = 200, headers: dict[str, str] | None = None
) -> float:
    """Seconds of one request, its whole answer read. Raises RuntimeError for another status."""
    started = time.perf_counter()
    answer = session.request(method, url, headers=headers, timeout=60)
    elapsed = time.perf_counter() - started
    if answer.status_code != expected:
        raise RuntimeError(f"{method} {url} answered {answer.status_code}")
    return elapsed
