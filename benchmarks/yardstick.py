"""A Celery app whose one task does nothing, on the rig's broker: what messages and tasks cost in themselves."""

import os
import sys
import time

from celery import Celery

# Not the current app: the product's tasks in this process must go on to their own.
app = Celery("yardstick", broker=os.environ.get("REDIS_URL"), set_as_current=False)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=4,
    task_default_queue="yardstick",
    broker_connection_retry_on_startup=True,
)
QUEUE = "yardstick"


@app.task(name="yardstick.nothing")
def nothing(job_id: str) -> None:
    """Takes an id like a poll does, and ends."""


def publish(count: int) -> float:
    """Seconds to publish `count` messages over one connection."""
    with app.producer_or_acquire() as producer:
        started = time.perf_counter()
        for number in range(count):
            nothing.apply_async(args=(f"00000000-0000-0000-0000-{number:012d}",), expires=60, producer=producer)
        return time.perf_counter() - started


def waiting() -> int:
    """Messages that no worker has fetched."""
    with app.connection_or_acquire() as connection:
        return int(connection.default_channel.client.llen(QUEUE))


def worker_command() -> tuple[str, ...]:
    """A worker as the rig's are, for this app."""
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    pool = ("--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING")
    return (sys.executable, "-m", "celery", "-A", "benchmarks.yardstick", "worker", "-Q", QUEUE, *pool, *quiet)
