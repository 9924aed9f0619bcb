"""Running jobs by the thousand: copies of jobs that were really submitted, in the node's rows and in ours alike.

Bringing ten thousand jobs to a cluster one by one takes half an hour, and none of it is what a tick costs. So a few
go the whole way, and the others get their rows: the same runs under ids of their own. What polls them, and what
answers, is the product. Import after django.setup().
"""

import json
import secrets
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from django.db.models import Model
from django.db.models.base import ModelState

from jobs import callbacks
from jobs.models import JobAttempt, JobEvent, MetricsPoint, TrainingJob
from notifications.deliver import IN_APP
from notifications.models import Delivery

# How far the runs are moved on: a few steps into the training, past the loading of the model.
STEPS = 3
_BATCH = 500
_OF_NODE = {"jobs": "external_id", "runs": "run_id"}
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Copy:
    """One more job like `original`, an attempt that its cluster accepted."""

    original: JobAttempt
    job_id: uuid.UUID
    external_job_id: str

    @property
    def names(self) -> Mapping[str, str]:
        """What the cluster knows it by."""
        return {
            "external_job_id": self.external_job_id,
            "submission_key": self.renamed(self.original.submission_key),
        }

    def renamed(self, text: str) -> str:
        """A text of the original's, such as a row of the node, about the copy."""
        was, number = self.original, self.original.number
        return (
            text.replace(was.external_job_id, self.external_job_id)
            .replace(callbacks.token(was.job_id, number), callbacks.token(self.job_id, number))
            .replace(str(was.job_id), str(self.job_id))
        )


def planned(originals: Sequence[JobAttempt], count: int) -> list[Copy]:
    """`count` copies, as many of each original."""
    return [
        Copy(originals[number % len(originals)], uuid.uuid4(), f"run-{secrets.token_hex(8)}") for number in range(count)
    ]


# -- At the node ------------------------------------------------------------------------------------------------


def have_begun(store: Path) -> bool:
    """Whether all jobs of a node have their data, and run. The node may be running, too."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        return all(json.loads(record)["phase"] == "running" for (record,) in db.execute("SELECT record FROM jobs"))


def add_to_node(store: Path, copies: Iterable[Copy]) -> None:
    """Move the runs of a stopped node on to their first steps, then copy them."""
    with closing(sqlite3.connect(store)) as db, db:
        for run_id, text in db.execute("SELECT run_id, facts FROM runs").fetchall():
            facts = json.loads(text)
            plan = facts["plan"]
            spent = plan["tokenize_s"] + plan["load_s"] + STEPS * plan["step_s"]
            facts["begun_at"] -= spent / facts["speed"]
            db.execute("UPDATE runs SET facts = ? WHERE run_id = ?", (json.dumps(facts), run_id))
        known: dict[tuple[str, str], Mapping[str, object]] = {}
        for one in copies:
            for table, key in _OF_NODE.items():
                source = (table, one.original.external_job_id)
                if source not in known:
                    known[source] = _row(db, table, key, one.original.external_job_id)
                _insert(
                    db,
                    table,
                    {
                        name: one.renamed(value) if isinstance(value, str) else value
                        for name, value in known[source].items()
                    },
                )


def _row(db: sqlite3.Connection, table: str, key: str, value: str) -> Mapping[str, object]:
    found = db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (value,))  # noqa: S608 - names of our own
    names = [column for column, *_ in found.description]
    return {name: cell for name, cell in zip(names, found.fetchone(), strict=True) if name != "number"}


def _insert(db: sqlite3.Connection, table: str, row: Mapping[str, object]) -> None:
    places = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))  # noqa: S608


# -- In our own rows --------------------------------------------------------------------------------------------


@transaction.atomic
def add_to_rows(copies: Sequence[Copy]) -> None:
    """Copy jobs that nobody works on and whose events were all delivered: each as it is now, with its attempt, its
    timeline and its points. The inbox tells of the originals alone.
    """
    originals = {one.original.job_id for one in copies}
    jobs = {job.pk: job for job in TrainingJob.objects.filter(pk__in=originals, lease_token=None)}
    attempts = {attempt.job_id: attempt for attempt in JobAttempt.objects.filter(job__in=originals)}
    events, points = _by_job(JobEvent, originals), _by_job(MetricsPoint, originals)
    TrainingJob.objects.bulk_create(
        [
            _again(
                jobs[one.original.job_id],
                pk=one.job_id,
                **one.names,
            )
            for one in copies
        ],
        _BATCH,
    )
    JobAttempt.objects.bulk_create(
        [
            _again(
                attempts[one.original.job_id],
                job_id=one.job_id,
                **one.names,
            )
            for one in copies
        ],
        _BATCH,
    )
    told = JobEvent.objects.bulk_create(
        [
            _again(event, job_id=one.job_id, detail=json.loads(one.renamed(json.dumps(event.detail))))
            for one in copies
            for event in events[one.original.job_id]
        ],
        _BATCH,
    )
    MetricsPoint.objects.bulk_create(
        [_again(point, job_id=one.job_id) for one in copies for point in points[one.original.job_id]], _BATCH
    )
    Delivery.objects.bulk_create(
        [
            Delivery(job_event=event, owner_id=event.owner_id, channel=IN_APP.name, state=Delivery.State.DONE)
            for event in told
        ],
        _BATCH,
    )


def _by_job(model: type[Row], job_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, list[Row]]:
    found = defaultdict(list)
    for row in model._default_manager.filter(job__in=job_ids).order_by("pk"):
        found[getattr(row, "job_id")].append(row)  # noqa: B009 - any model with a job
    return found


def _again(row: Row, **changes: object) -> Row:
    """The same values in a new row, but for the changes."""
    made = copy(row)
    made.pk, made._state = None, ModelState()
    for name, value in changes.items():
        setattr(made, name, value)
    return made
