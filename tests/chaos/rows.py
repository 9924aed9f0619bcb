"""Our rows and the node's, read with plain SQL: whoever counts does not trust the code that is being counted.

Ids are 32 hex digits, moments seconds since the epoch, whatever the database makes of them.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import psycopg

Row = dict[str, Any]


@dataclass(frozen=True)
class Database:
    """The control plane's database, reached without any proxy. `url` is a DATABASE_URL."""

    url: str

    @property
    def sqlite_path(self) -> str | None:
        scheme, _, path = self.url.partition("://")
        return path[1:] if scheme == "sqlite" else None

    def rows(self, query: str) -> list[Row]:
        """What a SELECT finds, by column."""
        if self.sqlite_path is not None:
            with closing(sqlite3.connect(f"file:{self.sqlite_path}?mode=ro", uri=True, timeout=60)) as connection:
                cursor = connection.execute(query)
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        with psycopg.connect(self.url, connect_timeout=10, autocommit=True) as server:
            found = server.execute(query)
            names = [column.name for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found]


@dataclass(frozen=True)
class Ours:
    """What the control plane says that happened."""

    jobs: list[Row]
    attempts: list[Row]
    events: list[Row]
    deliveries: list[Row]
    notifications: list[Row]
    points: list[Row]
    costs: list[Row]
    artifacts: list[Row]
    dataset_events: list[Row]


def read(database: Database) -> Ours:
    """All that is counted."""
    return Ours(
        jobs=_clean(
            database.rows(
                "SELECT id, status, attempt, external_job_id, final_cost, gpu_price_per_hour, idempotency_key,"
                " CAST(gpu_config AS TEXT) AS gpu_config, lease_token, lease_expires_at, waiting_for, error_code,"
                " current_stage FROM training_jobs"
            )
        ),
        attempts=_clean(
            database.rows(
                "SELECT job_id, number, outcome, external_job_id, cost, billable_seconds, billing_source,"
                " billing_final FROM job_attempts"
            )
        ),
        events=_clean(
            database.rows("SELECT id, job_id, attempt, kind, from_status, to_status FROM job_events ORDER BY id")
        ),
        deliveries=_clean(
            database.rows(
                "SELECT job_event_id, dataset_event_id, channel, endpoint, state, notification_id"
                " FROM notification_deliveries"
            )
        ),
        notifications=_clean(database.rows("SELECT id FROM notifications")),
        points=_clean(
            database.rows("SELECT job_id, attempt, restart, step, training_loss, validation_loss FROM metrics_points")
        ),
        costs=_clean(database.rows("SELECT job_id, attempt, amount FROM cost_records")),
        artifacts=_clean(database.rows("SELECT job_id, status, is_partial FROM model_artifacts")),
        dataset_events=_clean(database.rows("SELECT id FROM dataset_events")),
    )


def unfinished(database: Database) -> str:
    """What is still on its way, in words; empty when nothing is."""
    jobs = database.rows(
        "SELECT status, COUNT(*) AS number FROM training_jobs"
        " WHERE status NOT IN ('completed', 'failed', 'cancelled') GROUP BY status ORDER BY status"
    )
    parts = [f"{row['number']} {row['status']}" for row in jobs]
    (undelivered,) = database.rows(
        "SELECT COUNT(*) AS number FROM job_events e WHERE NOT EXISTS"
        " (SELECT 1 FROM notification_deliveries d WHERE d.job_event_id = e.id)"
    )
    (pending,) = database.rows("SELECT COUNT(*) AS number FROM notification_deliveries WHERE state = 'pending'")
    if undelivered["number"] or pending["number"]:
        parts.append(f"{undelivered['number'] + pending['number']} undelivered")
    return ", ".join(parts)


def last_sign_of_life(database: Database) -> float:
    """When a job was last heard of at its cluster (our clock); 0 when none ever was."""
    (row,) = database.rows("SELECT MAX(last_seen_at) AS moment FROM job_attempts")
    return _moment(row["moment"]) or 0.0


@dataclass(frozen=True)
class NodeJob:
    """A job as the node keeps it. `seconds` is how long it held its GPUs, as the node bills it."""

    external_id: str
    job_id: str
    attempt: int
    status: str
    has_ended: bool
    was_paid: bool
    gpu_count: int
    seconds: float


def node_jobs(state: Path) -> Iterator[NodeJob]:
    """All jobs in a node's own database, the oldest first."""
    (store,) = state.glob("*.sqlite3")
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as connection:
        query = "SELECT external_id, job_id, status, ended, started, spec, record FROM jobs ORDER BY number"
        for external_id, job_id, status, ended, started, spec, record in connection.execute(query):
            ordered, noted = json.loads(spec), json.loads(record)
            held = (noted["released_at"] or 0.0) - noted["started_at"] if noted["released_at"] else 0.0
            yield NodeJob(
                external_id=external_id,
                job_id=uuid.UUID(job_id).hex,
                attempt=ordered["attempt"],
                status=status,
                has_ended=bool(ended),
                was_paid=bool(started),
                gpu_count=ordered["gpu_count"],
                seconds=round(max(held, 0.0), 3),
            )


def dollars(*, price_per_hour: Decimal, gpu_count: int, seconds: float) -> Decimal:
    """What GPU time costs, computed here once more."""
    exact = price_per_hour * gpu_count * Decimal(repr(seconds)) / Decimal(3600)
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


_IDS = {"id", "job_id", "lease_token", "notification_id"}
_MONEY = {"final_cost", "gpu_price_per_hour", "cost", "amount"}
_MOMENTS = {"lease_expires_at"}


def _clean(rows: list[Row]) -> list[Row]:
    for row in rows:
        for name, value in row.items():
            if value is None:
                continue
            if name in _IDS and not isinstance(value, int):
                row[name] = str(value).replace("-", "")
            elif name in _MONEY:
                row[name] = Decimal(str(value)).quantize(Decimal("0.0001"))
            elif name in _MOMENTS:
                row[name] = _moment(value)
            elif name == "gpu_config":
                row[name] = json.loads(value)
    return rows


def _moment(value: str | datetime | None) -> float | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
