"""Is this installation able to work? Each question gives a Finding: what is so, and what to do if it is not.

`readiness()` is quick and asks only what every request and task needs; `examination()` asks everything,
also clusters, storage and clocks, and may take some seconds. Neither raises, and no finding holds a secret.
"""

from collections.abc import Iterator

import requests
from celery import Celery
from celery.exceptions import OperationalError
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from kombu.exceptions import KombuError

from accounts.secrets_of_settings import redact
from datasets.storage import diagnose as storage
from datasets.storage.diagnose import Finding
from jobs import http_dates
from jobs.clusters.base import ClusterError, Denied
from jobs.clusters.registry import cluster_names, open_cluster, open_session
from lora_pipeline import cycle, database_diagnosis
from lora_pipeline.celery import app as celery_app
from lora_pipeline.mail_diagnosis import mail_server

QUEUES = {"control", "poll", "data", "deliver"}
BROKER_TIMEOUT_S = 2
MAX_SKEW_S = 30


def readiness() -> list[Finding]:
    """Database, migrations, broker, last cycle."""
    return [*_rows(starting=cycle.is_starting()), _broker()]


def examination() -> Iterator[Finding]:
    """All there is to ask, one after another, as it is answered."""
    yield from _rows(starting=False)
    yield _row_level_security()
    broker = _broker()
    yield broker
    if broker.ok:
        yield _workers()
    for name in cluster_names():
        yield _cluster(name)
    yield from storage.diagnose()
    yield from _clocks()
    yield _public_address()
    yield mail_server()


def _rows(*, starting: bool) -> Iterator[Finding]:
    """What the database can tell; each question needs the one before it."""
    for question in (_database, _migrations, lambda: cycle.finding(starting=starting)):
        finding = question()
        yield finding
        if not finding.ok:
            return


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Finding("database", False, _words(error), "Start the database, or correct DATABASE_URL.")
    return Finding("database", True, f"{connection.display_name} answers")


def _migrations() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Finding("migrations", False, _words(error), "Correct DATABASE_URL or the rights of its user.")
    if missing:
        return Finding("migrations", False, f"{len(missing)} are not applied", "Run `python manage.py migrate`.")
    return Finding("migrations", True, "all are applied")


def _row_level_security() -> Finding:
    try:
        return database_diagnosis.row_level_security(connection)
    except DatabaseError as error:
        return Finding(database_diagnosis.NAME, False, _words(error), "Start the database, or correct DATABASE_URL.")


def _broker() -> Finding:
    try:
        with celery_app.connection_for_write(settings.CELERY_BROKER_URL, connect_timeout=BROKER_TIMEOUT_S) as broker:
            broker.ensure_connection(max_retries=0)
    except (KombuError, OSError, ValueError) as error:
        advice = "Start the broker, or correct REDIS_URL. Jobs wait; nothing is lost."
        return Finding("broker", False, f"does not answer ({type(error).__name__})", advice)
    return Finding("broker", True, "answers")


def _workers() -> Finding:
    try:
        # An app of its own: replies travel over the app's pool, whatever connection one hands in.
        with Celery(broker=settings.CELERY_BROKER_URL, set_as_current=False) as asking:
            asking.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
            answers = asking.control.inspect(timeout=BROKER_TIMEOUT_S).active_queues() or {}
    except (OperationalError, KombuError, OSError) as error:
        return Finding("workers", False, _words(error), "Correct REDIS_URL.")
    served = {queue["name"] for queues in answers.values() for queue in queues}
    if missing := sorted(QUEUES - served):
        advice = f"Start a worker: `celery -A lora_pipeline worker -Q {','.join(missing)}`."
        return Finding("workers", False, f"none answers for the queues {', '.join(missing)}", advice)
    return Finding("workers", True, f"{len(answers)} answer")


def _cluster(name: str) -> Finding:
    label = f"cluster {name}"
    try:
        found = open_cluster(name).capabilities()
    except Denied as error:
        return Finding(label, False, error.message, "Correct GPU_CLUSTER_API_KEY.")
    except ClusterError as error:
        return Finding(label, False, error.message, "Check GPU_CLUSTER_API_URL and that the cluster is up.")
    gpus = ", ".join(f"{gpu} ({count})" for gpu, count in found.gpu_types) or "GPUs not said"
    return Finding(label, True, f"level {found.level}, {gpus}" + (", simulated" if found.simulated else ""))


def _clocks() -> Iterator[Finding]:
    """Our clock against those of clusters and storage: signatures and expiry depend on them."""
    addresses = {f"clock of cluster {name}": config.get("URL") for name, config in settings.GPU_CLUSTERS.items()}
    addresses["clock of storage"] = settings.S3_ENDPOINT_URL or "https://s3.amazonaws.com"
    for name, address in addresses.items():
        if address:
            yield _clock(name, address)


def _clock(name: str, address: str) -> Finding:
    try:
        with open_session(connect_s=3, call_s=5) as session:
            answer = session.get(address, allow_redirects=False, stream=True)
    except requests.RequestException as error:
        return Finding(name, False, f"does not answer ({type(error).__name__})", "Check its address, above.")
    theirs = http_dates.parsed(answer.headers.get("Date", ""))
    if theirs is None:
        return Finding(name, True, "tells no time")
    skew = abs((theirs - timezone.now()).total_seconds())
    if skew > MAX_SKEW_S:
        advice = "Set both clocks by NTP: signed URLs expire early or are refused otherwise."
        return Finding(name, False, f"{round(skew)} s away from ours", advice)
    return Finding(name, True, "agrees with ours")


def _public_address() -> Finding:
    """Whether PUBLIC_BASE_URL leads back to us; where it is not set there is nothing to reach."""
    name = "public address"
    if settings.PUBLIC_BASE_URL is None:
        return Finding(name, True, "PUBLIC_BASE_URL is not set: clusters are polled, they do not call back")
    advice = "PUBLIC_BASE_URL must lead to this web server, from the cluster as well: check name, port and proxy."
    try:
        with open_session(connect_s=3, call_s=5) as session:
            answer = session.get(f"{settings.PUBLIC_BASE_URL}/health", allow_redirects=False)
            ours = answer.status_code == 200 and answer.json() == {"status": "ok"}
    except (requests.RequestException, ValueError) as error:
        return Finding(name, False, f"does not answer ({type(error).__name__})", advice)
    return Finding(name, ours, "leads to us" if ours else f"answers {answer.status_code}", "" if ours else advice)


def _words(error: Exception) -> str:
    """The first line of an error, without secrets."""
    return redact(str(error).strip().splitlines()[0][:200]) if str(error).strip() else type(error).__name__
