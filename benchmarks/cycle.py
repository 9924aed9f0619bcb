"""S1: one tick over N active jobs, beside publishing and running as many tasks that do nothing.

A few jobs go the whole way to the cluster; the others are copies of them, seeded as running in our rows and at the
node (benchmarks.copies). All of them train, slowly: a poll finds a new step now and then, and none ends.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator

import psutil
from django.utils import timezone

from benchmarks import copies, seed, yardstick
from benchmarks.report import row
from benchmarks.rig import POLL_SECONDS, Rig
from jobs.models import JobAttempt, JobEvent, MetricsPoint, TrainingJob
from jobs.states import Stage, Status
from jobs.tasks import process_training_jobs
from notifications.selectors import undelivered

SUBMITTED = 100
POLLED = (Status.INITIALIZING, Status.RUNNING)
WORKERS = ("worker-1", "worker-2")
OTHERS = ("gpu-node", "broker")
CORES = 2


def measure(rig: Rig, count: int) -> None:
    """Print the figures for `count` active jobs."""
    alice, _ = seed.user()
    submitted = min(count, SUBMITTED)
    seed.jobs(alice, seed.dataset(alice), submitted)
    started = time.perf_counter()
    _tick_until(lambda: not TrainingJob.objects.filter(status=Status.QUEUED).exists())
    row("S1", f"{submitted:,} queued jobs submitted", f"{time.perf_counter() - started:.2f} s")
    multiply(rig, count - submitted)
    row("S1", f"{count - submitted:,} more running jobs", "seeded: copies of those, in our rows and at the node")

    _poll_all()  # what the runs did while they were seeded
    _wait(_is_quiet, 600)
    active, points = TrainingJob.objects.filter(status__in=POLLED).count(), MetricsPoint.objects.count()
    parts = (*WORKERS, *OTHERS)
    since, cpu = timezone.now(), {name: rig.cpu_seconds(name) for name in parts}
    ticks = _poll_all()
    drained = (timezone.now() - since).total_seconds()
    _wait(_is_quiet, 600)
    used = {name: rig.cpu_seconds(name) - before for name, before in cpu.items()}
    polled = sum(used[name] for name in WORKERS) / active
    points = MetricsPoint.objects.count() - points

    bare = yardstick.publish(active)
    with _yardstick_worker(rig) as worker:
        _wait(lambda: yardstick.waiting() == 0, 600)  # started up and warm
        before = _cpu(worker)
        yardstick.publish(active)
        _wait(lambda: yardstick.waiting() == 0, 600)
        nothing = (_cpu(worker) - before) / active
    load = f"interval {POLL_SECONDS} s; load of the machine {os.getloadavg()[0]:.1f}"
    row("S1", f"{active:,} active jobs polled, 2 workers", f"{drained:.2f} s, {points:,} new points", load)
    if len(ticks) > 1:
        row("S1", "not all within one interval", f"{len(ticks)} ticks; what follows counts what they polled again")
    row("S1", "the tick itself", f"{ticks[0]:.3f} s", f"{ticks[0] / bare:.2f} x bare publishing ({bare:.3f} s)")
    row(
        "S1",
        "CPU per polled job (workers)",
        f"{polled * 1000:.2f} ms",
        f"{polled / nothing:.1f} x a task that does nothing ({nothing * 1000:.2f} ms)",
    )
    row(
        "S1",
        "CPU of the round",
        f"{sum(used.values()):.1f} s (" + ", ".join(f"{name} {seconds:.1f}" for name, seconds in used.items()) + ")",
        f"{CORES * POLL_SECONDS} s that {CORES} cores have in an interval",
    )


def multiply(rig: Rig, count: int) -> None:
    """Let the submitted jobs train, and make `count` more like them."""
    _wait(lambda: _is_quiet() and copies.have_begun(rig.node_store), 600)
    more = copies.planned(list(JobAttempt.objects.order_by("pk")), count)
    with rig.without("gpu-node"):
        copies.add_to_node(rig.node_store, more)
    jobs = TrainingJob.objects.filter(status__in=POLLED)
    jobs.update(next_poll_at=timezone.now())
    _tick_until(lambda: not jobs.exclude(status=Status.RUNNING, current_stage=Stage.TRAINING).exists())
    _wait(_is_quiet, 600)
    copies.add_to_rows(more)


def _poll_all() -> list[float]:
    """Have every active job polled; seconds that each tick took that it needed."""
    since = timezone.now()
    TrainingJob.objects.filter(status__in=POLLED).update(next_poll_at=since)
    return _tick_until(lambda: not JobAttempt.objects.filter(job__status__in=POLLED, last_seen_at__lt=since).exists())


def _is_quiet() -> bool:
    """Whether nobody works on a job, and all has been told."""
    is_held = TrainingJob.objects.filter(lease_token__isnull=False).exists()
    return not is_held and not undelivered(JobEvent.objects.all(), "job_event").exists()


def _tick_until(done: Callable[[], bool]) -> list[float]:
    """Tick as Beat does, since messages expire at the next tick; seconds that each tick itself took."""
    ticks: list[float] = []
    while not done():
        started = time.perf_counter()
        process_training_jobs()
        ticks.append(time.perf_counter() - started)
        with contextlib.suppress(TimeoutError):
            _wait(done, POLL_SECONDS)
    return ticks


def _wait(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {seconds:.0f} s")
        time.sleep(0.1)


@contextlib.contextmanager
def _yardstick_worker(rig: Rig) -> Iterator[psutil.Process]:
    with (rig.folder / "yardstick.log").open("ab") as log:
        process = subprocess.Popen(yardstick.worker_command(), stdout=log, stderr=log)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
