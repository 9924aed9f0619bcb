"""Our own programs: the web server, the workers and Beat, as the Procfile starts them, but for one small machine."""

import contextlib
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError

from lora_pipeline.devstack import ports
from lora_pipeline.devstack.programs import Program

Environment = Mapping[str, str]

# What workers tell each other is of no use here and costs a few wake-ups a second.
_QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def preparation(environment: Environment, folder: Path, *, users_file: Path, trains_here: bool) -> Program:
    """Migrates, collects static files and makes the users, noted in `users_file`; ends by itself.

    `trains_here` adds what only a stack whose own node trains can offer.
    """
    options = ("--trains-here",) if trains_here else ()
    return Program(
        name="prepare",
        command=(sys.executable, "-m", "lora_pipeline.devstack.prepare", str(users_file), *options),
        environment=environment,
        folder=folder,
        is_ready=lambda: True,
    )


def web(environment: Environment, folder: Path, *, port: int) -> Program:
    """gunicorn with threads on `port` of the loopback address."""
    return Program(
        name="web",
        command=(
            *(sys.executable, "-m", "gunicorn", "lora_pipeline.wsgi"),
            *("--bind", f"{ports.HOST}:{port}", "--worker-class", "gthread", "--workers", "2", "--threads", "4"),
            *("--preload", "--access-logfile", "-", "--no-control-socket"),
        ),
        environment=environment,
        folder=folder,
        is_ready=partial(_is_healthy, f"http://{ports.HOST}:{port}/health"),
        stop_rank=0,
    )


def worker(environment: Environment, folder: Path, *, name: str, queues: str, threads: int) -> Program:
    """A Celery worker for `queues`, ready when it answers a ping. Its stop is warm: tasks in hand are finished."""
    node_name = f"{name}@{ports.HOST}"
    return Program(
        name=name,
        command=(
            *(sys.executable, "-m", "celery", "-A", "lora_pipeline", "worker", "-Q", queues, "-n", node_name),
            *("--pool", "threads", "--concurrency", str(threads), "--loglevel", "INFO", *_QUIET),
        ),
        environment=environment,
        folder=folder,
        is_ready=partial(_answers_ping, environment["REDIS_URL"], node_name),
        stop_rank=1,
        stop_seconds=15,
    )


def beat(environment: Environment, folder: Path) -> Program:
    """Celery Beat, whose schedule is in the database. It has nothing to ask for; if it ends it is started again."""
    return Program(
        name="beat",
        command=(*(sys.executable, "-m", "celery", "-A", "lora_pipeline", "beat"), "--loglevel", "INFO", "--pidfile="),
        environment=environment,
        folder=folder,
        is_ready=lambda: True,
        stop_rank=0,
    )


def _is_healthy(address: str) -> bool:
    with contextlib.suppress(OSError):
        return bool(urllib.request.urlopen(address, timeout=2).status == 200)  # noqa: S310 - our own http address
    return False


def _answers_ping(broker_url: str, node_name: str) -> bool:
    with contextlib.suppress(OperationalError, OSError), Celery(broker=broker_url, set_as_current=False) as app:
        return bool(app.control.ping(destination=[node_name], timeout=0.5, limit=1))
    return False
