"""S1: one tick over N active jobs, beside publishing and running as many tasks that do nothing."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator

import psutil
from django.utils import timezone

from benchmarks import seed, yardstick
from benchmarks.report import row
from benchmarks.rig import POLL_SECONDS, Rig
from jobs.models import JobAttempt, TrainingJob
from jobs.states import Status
from jobs.tasks import process_training_jobs

POLLED = (Status.INITIALIZING, Status.RUNNING)
WORKERS = ("worker-1", "worker-2")


def measure(rig: Rig, count: int) -> None:
    """Print the figures for `count` active jobs. They stay active: simulated training is slow here."""
    alice, _ = seed.user()
    seed.jobs(alice, seed.dataset(alice), count)
    started = time.perf_counter()
    _tick_until(lambda: not TrainingJob.objects.filter(status=Status.QUEUED).exists())
    row("S1", f"{count:,} queued jobs submitted", f"{time.perf_counter() - started:.2f} s")

    jobs = TrainingJob.objects.filter(status__in=POLLED)
    jobs.update(next_poll_at=timezone.now())
    active = jobs.count()
    since, cpu = timezone.now(), rig.cpu_seconds(*WORKERS)
    tick = _tick_until(lambda: not JobAttempt.objects.filter(job__status__in=POLLED, last_seen_at__lt=since).exists())
    drained = (timezone.now() - since).total_seconds()
    polled = (rig.cpu_seconds(*WORKERS) - cpu) / active

    bare = yardstick.publish(active)
    with _yardstick_worker(rig) as worker:
        _wait(lambda: yardstick.waiting() == 0, 600)  # started up and warm
        before = _cpu(worker)
        yardstick.publish(active)
        _wait(lambda: yardstick.waiting() == 0, 600)
        nothing = (_cpu(worker) - before) / active
    row("S1", f"{active:,} active jobs polled, 2 workers", f"{drained:.2f} s", f"interval {POLL_SECONDS} s")
    row("S1", "the tick itself", f"{tick:.3f} s", f"{tick / bare:.2f} x bare publishing ({bare:.3f} s)")
    row(
        "S1",
        "CPU per polled job (workers)",
        f"{polled * 1000:.2f} ms",
        f"{polled / nothing:.1f} x a task that does nothing ({nothing * 1000:.2f} ms)",
    )


def _tick_until(done: Callable[[], bool]) -> float:
    """Tick as Beat does, since messages expire at the next tick; seconds that the first tick itself took."""
    first = None
    while not done():
        started = time.perf_counter()
        process_training_jobs()
        first = first if first is not None else time.perf_counter() - started
        with contextlib.suppress(TimeoutError):
            _wait(done, POLL_SECONDS)
    return first or 0.0


def _wait(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {seconds:.0f} s")
        time.sleep(0.02)


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
