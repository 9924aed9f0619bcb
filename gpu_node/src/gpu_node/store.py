"""SQLite rows in the state directory: what must outlive the process. One writer, this process.

`jobs` holds each order once (`spec`) beside its changing record, `runs` what the executor wants kept,
`facts` single values such as the secret behind download links.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gpu_node.jobs import Inputs, Job, Phase, Status, Stop, Transition, Verdict
from gpu_node.provisioning import Provided
from gpu_node.spec import Dataset, JobSpec, ModelSource, RemoteFile, ResumeFrom

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    external_id TEXT NOT NULL UNIQUE,
    job_id TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    status TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    started INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    spec TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_job_id ON jobs (job_id);
CREATE INDEX IF NOT EXISTS jobs_active ON jobs (number) WHERE NOT ended;
CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
COLUMNS = "number, external_id, idempotency_key, created_at, spec, record"


class Store:
    """The node's database. Every method is one short transaction."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {SCHEMA}")

    def close(self) -> None:
        self._db.close()

    def add(self, external_id: str, spec: JobSpec, key: str | None, now: float) -> Job:
        """Stores a new order; raises sqlite3.IntegrityError when the key or id is taken."""
        job = Job(0, external_id, spec, key, now, transitions=(Transition(Status.QUEUED, now, "submitted"),))
        cursor = self._db.execute(
            "INSERT INTO jobs (external_id, job_id, idempotency_key, status, created_at, spec, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (external_id, spec.job_id, key, job.status, now, json.dumps(asdict(spec)), _encode(job)),
        )
        return replace(job, number=int(cursor.lastrowid or 0))

    def save(self, job: Job) -> None:
        """Writes the job's changing record; once a job ended its URLs and token are forgotten."""
        self._db.execute(
            "UPDATE jobs SET status = ?, ended = ?, started = ?, record = ? WHERE number = ?",
            (job.status, job.ended, job.started_at is not None, _encode(job), job.number),
        )
        if job.ended:
            self._db.execute(
                "UPDATE jobs SET spec = json_remove("
                "json_set(spec, '$.dataset.url', '', '$.validation.url', ''),"
                " '$.callback_token', '$.base_model_source.files', '$.resume_from.files') WHERE number = ?",
                (job.number,),
            )

    def get(self, external_id: str) -> Job | None:
        return self._one("external_id = ?", external_id)

    def by_key(self, key: str) -> Job | None:
        return self._one("idempotency_key = ?", key)

    def active(self) -> Iterator[Job]:
        """Jobs that have not ended, oldest first."""
        rows = self._db.execute(f"SELECT {COLUMNS} FROM jobs WHERE NOT ended ORDER BY number")  # noqa: S608
        return map(_decode, rows.fetchall())

    def find(
        self, *, job_id: str | None, active: bool, status: str | None, after: int, limit: int
    ) -> list[str]:
        """External ids of matching jobs with number > after, in that order; filtered before the limit."""
        conditions, values = ["number > ?"], [after]  # type: tuple[list[str], list[object]]
        if job_id is not None:
            conditions.append("job_id = ?")
            values.append(job_id)
        if active:
            conditions.append("NOT ended")
        if status is not None:
            conditions.append("status = ?")
            values.append(status)
        where = " AND ".join(conditions)
        query = f"SELECT external_id FROM jobs WHERE {where} ORDER BY number LIMIT ?"  # noqa: S608
        return [external_id for (external_id,) in self._db.execute(query, (*values, limit))]

    def started(self) -> list[Job]:
        """Jobs that ever held a GPU, that is: the ones somebody pays for."""
        rows = self._db.execute(f"SELECT {COLUMNS} FROM jobs WHERE started ORDER BY number")  # noqa: S608
        return list(map(_decode, rows.fetchall()))

    def save_run(self, run_id: str, facts: dict[str, Any]) -> None:
        self._db.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (run_id, json.dumps(facts)))

    def load_run(self, run_id: str) -> dict[str, Any] | None:
        row = self._db.execute("SELECT facts FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def secret(self) -> bytes:
        """The random secret behind this node's download links, made at the first start."""
        self._db.execute("INSERT OR IGNORE INTO facts VALUES ('secret', ?)", (secrets.token_hex(32),))
        row = self._db.execute("SELECT value FROM facts WHERE name = 'secret'").fetchone()
        return bytes.fromhex(row[0])

    def _one(self, condition: str, value: str) -> Job | None:
        query = f"SELECT {COLUMNS} FROM jobs WHERE {condition}"  # noqa: S608
        row = self._db.execute(query, (value,)).fetchone()
        return _decode(row) if row else None


STORED_APART = ("number", "external_id", "spec", "key", "created_at")


def _encode(job: Job) -> str:
    record = asdict(replace(job, spec=_NO_SPEC))
    kept = {name: value for name, value in record.items() if name not in STORED_APART}
    return json.dumps(kept, default=str)


_NO_SPEC = JobSpec("", 1, "", {}, "", 1, Dataset(""))


def _decode(row: tuple[int, str, str | None, float, str, str]) -> Job:
    number, external_id, key, created_at, spec, record = row
    facts = json.loads(record)
    stop = facts["stop"]
    return Job(
        number,
        external_id,
        _decode_spec(json.loads(spec)),
        key,
        created_at,
        status=Status(facts["status"]),
        phase=Phase(facts["phase"]),
        fetching=facts["fetching"],
        started_at=facts["started_at"],
        released_at=facts["released_at"],
        ended_at=facts["ended_at"],
        inputs=Inputs(**facts["inputs"]) if facts["inputs"] else None,
        stop=Stop(**(stop | {"verdict": _decode_verdict(stop["verdict"])})) if stop else None,
        verdict=_decode_verdict(facts["verdict"]) if facts["verdict"] else None,
        delivered=facts["delivered"],
        provided=_decode_provided(facts.get("provided")),
        checkpoints_sent=tuple(facts.get("checkpoints_sent", ())),
        transitions=tuple(Transition(**change) for change in facts["transitions"]),
    )


def _decode_spec(facts: dict[str, Any]) -> JobSpec:
    """The spec that asdict wrote down."""
    resume, source, validation = (
        facts.get(name) for name in ("resume_from", "base_model_source", "validation")
    )
    return JobSpec(
        **(
            facts
            | {
                "dataset": Dataset(**facts["dataset"]),
                "resume_from": ResumeFrom(**(resume | _files(resume))) if resume else None,
                "base_model_source": ModelSource(**(source | _files(source))) if source else None,
                "validation": Dataset(**validation) if validation else None,
            }
        )
    )


def _files(facts: dict[str, Any]) -> dict[str, tuple[RemoteFile, ...]]:
    return {"files": tuple(RemoteFile(**file) for file in facts.get("files", ()))}


def _decode_provided(facts: dict[str, Any] | None) -> Provided | None:
    if facts is None:
        return None
    return Provided(Path(facts["python"]), Path(facts["model_path"]), facts["licence"])


def _decode_verdict(facts: dict[str, Any]) -> Verdict:
    return Verdict(**(facts | {"status": Status(facts["status"])}))
