"""The counting at the end: what the cluster says that happened against what we say. Pure.

Three kinds of findings: work that was left lying (`remaining`), what is there twice (`duplicate`), and what does not
add up in any other way (`wrong`). A run is good when there is none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from jobs.states import TERMINAL, is_legal
from tests.chaos.rows import NodeJob, Ours, Row, dollars

REMAINING, DUPLICATE, WRONG = "remaining", "duplicate", "wrong"
CENT = Decimal("0.01")
IN_APP = "in-app"

# (restart, step) -> the values of that step that are compared
Points = Mapping[tuple[int, int], Mapping[str, float | None]]
COMPARED = ("training_loss", "validation_loss")


@dataclass(frozen=True)
class Finding:
    kind: str
    what: str


@dataclass(frozen=True)
class Theirs:
    """What the cluster knows. `points` by external id; empty at level 1, which keeps none."""

    level: int
    jobs: list[NodeJob]
    points: Mapping[str, Points] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What users were told: per Idempotency-Key the ids of the jobs that the API answered with."""

    answers: Mapping[str, frozenset[str]]


@dataclass
class Audit:
    """`lines` are (what, at the cluster or expected, with us)."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def count(self, kind: str) -> int:
        return sum(finding.kind == kind for finding in self.findings)

    @property
    def is_good(self) -> bool:
        return not self.findings

    def note(self, kind: str, what: str) -> None:
        self.findings.append(Finding(kind, what))

    def line(self, what: str, expected: object, found: object) -> None:
        self.lines.append((what, str(expected), str(found)))


def audit(ours: Ours, theirs: Theirs, asked: Asked, *, now: float) -> Audit:
    """Count everything. `now` is in seconds since the epoch."""
    result = Audit()
    jobs = {row["id"]: row for row in ours.jobs}
    _requests(result, ours, asked)
    _ends(result, ours, theirs, jobs)
    _paid(result, ours, theirs, jobs)
    _cents(result, ours, theirs, jobs)
    _points(result, ours, theirs)
    _events(result, ours, jobs)
    _deliveries(result, ours)
    _artifacts(result, ours, theirs, jobs)
    _leases(result, ours, now)
    return result


def _requests(result: Audit, ours: Ours, asked: Asked) -> None:
    """Each Idempotency-Key has made one job, however often it was sent."""
    by_key = Counter(row["idempotency_key"] for row in ours.jobs if row["idempotency_key"])
    result.line("jobs created", len(asked.answers), sum(by_key.values()))
    for key, ids in asked.answers.items():
        if len(ids) > 1:
            result.note(DUPLICATE, f"the request {key} was answered with {len(ids)} different jobs")
        if ids and not by_key[key]:
            result.note(WRONG, f"the request {key} was accepted, but its job is gone")
    for key, number in by_key.items():
        for _ in range(number - 1):
            result.note(DUPLICATE, f"the request {key} made {number} jobs")


def _ends(result: Audit, ours: Ours, theirs: Theirs, jobs: Mapping[str, Row]) -> None:
    ended = [row for row in ours.jobs if row["status"] in TERMINAL]
    kinds = Counter(row["status"] for row in ended)
    result.line(
        "jobs ended", len(jobs), f"{len(ended)} ({', '.join(f'{kinds[kind]} {kind}' for kind in sorted(kinds))})"
    )
    for row in ours.jobs:
        if row["status"] not in TERMINAL:
            waits = f", waits: {row['waiting_for']}" if row["waiting_for"] else ""
            result.note(REMAINING, f"job {row['id']} is {row['status']} ({row['current_stage']}){waits}")
    running = [job for job in theirs.jobs if not job.has_ended]
    result.line("cluster jobs still alive", 0, len(running))
    for job in running:
        status = jobs[job.job_id]["status"] if job.job_id in jobs else "unknown"
        result.note(REMAINING, f"the cluster still has {job.external_id} ({job.status}); job {job.job_id} is {status}")


def _paid(result: Audit, ours: Ours, theirs: Theirs, jobs: Mapping[str, Row]) -> None:
    """At most one paid cluster job per (job, attempt), and each of them is one that we know of."""
    paid = [job for job in theirs.jobs if job.was_paid]
    attempts = {(row["job_id"], row["number"]) for row in ours.attempts}
    known = {row["external_job_id"] for row in ours.attempts if row["external_job_id"]}
    result.line("paid cluster jobs", len(paid), sum(job.external_id in known for job in paid))
    for (job_id, number), together in _runs(ours, theirs).items():
        for extra in together[1:]:
            result.note(DUPLICATE, f"job {job_id}, attempt {number}: {extra.external_id} was paid besides")
        if job_id not in jobs:
            result.note(WRONG, f"the cluster was paid for job {job_id}, which we do not have")
        elif (job_id, number) not in attempts:
            result.note(WRONG, f"the cluster was paid for job {job_id}, attempt {number}, which we do not have")
    for job in paid:
        if job.external_id not in known:
            result.note(WRONG, f"{job.external_id} of job {job.job_id} was paid, and no attempt names it")


def _cents(result: Audit, ours: Ours, theirs: Theirs, jobs: Mapping[str, Row]) -> None:
    """Price x GPUs x what the node bills, to the cent. Level 1 does not bill: there each run has one record."""
    records: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in ours.costs:
        records[row["job_id"], row["attempt"]].append(row)
    expected = found = Decimal(0)
    for (job_id, number), together in _runs(ours, theirs).items():
        if job_id not in jobs or not together[0].has_ended:
            continue
        row, written = jobs[job_id], records[job_id, number]
        for _ in written[1:]:
            result.note(DUPLICATE, f"job {job_id}, attempt {number} was charged {len(written)} times")
        if theirs.level == 1:
            continue
        price = row["gpu_price_per_hour"]
        due = sum(
            (dollars(price_per_hour=price, gpu_count=job.gpu_count, seconds=job.seconds) for job in together),
            Decimal(0),
        )
        charged = sum((record["amount"] for record in written), Decimal(0))
        expected, found = expected + due, found + charged
        if due != charged:
            result.note(WRONG, f"job {job_id}, attempt {number} cost {due}, and {charged.quantize(CENT)} was charged")
    for row in ours.jobs:
        total = sum((record["amount"] for record in ours.costs if record["job_id"] == row["id"]), Decimal(0))
        if row["status"] in TERMINAL and (row["final_cost"] or Decimal(0)) != total:
            result.note(WRONG, f"job {row['id']} says it cost {row['final_cost']}, its records say {total}")
    if theirs.level == 1:
        result.line("runs charged", "-", len(ours.costs))
    else:
        result.line("dollars", expected, found.quantize(CENT))


def _points(result: Audit, ours: Ours, theirs: Theirs) -> None:
    """What the cluster still has of each run is stored once, and nothing else. Level 1 keeps no points to compare."""
    stored: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in ours.points:
        stored[row["job_id"], row["attempt"]].append(row)
    number_of = {row["external_job_id"]: (row["job_id"], row["number"]) for row in ours.attempts}
    expected = found = 0
    for run, rows in stored.items():
        seen = Counter((row["restart"], row["step"]) for row in rows)
        for where, times in seen.items():
            for _ in range(times - 1):
                result.note(DUPLICATE, f"job {run[0]}, attempt {run[1]}: the point {where} is stored {times} times")
    if theirs.level == 1:
        result.line("points", "-", len(ours.points))
        return
    for external_id, theirs_of_run in theirs.points.items():
        if external_id not in number_of:
            continue  # complained about by _paid
        rows = stored.pop(number_of[external_id], [])
        mine = {(row["restart"], row["step"]): row for row in rows}
        expected, found = expected + len(theirs_of_run), found + len(mine)
        job = f"job {number_of[external_id][0]}, attempt {number_of[external_id][1]}"
        if missing := sorted(theirs_of_run.keys() - mine.keys()):
            result.note(WRONG, f"{job}: {len(missing)} points are missing, the first is {missing[0]}")
        if invented := sorted(mine.keys() - theirs_of_run.keys()):
            result.note(WRONG, f"{job}: {len(invented)} points are not the cluster's, the first is {invented[0]}")
        for where in theirs_of_run.keys() & mine.keys():
            for name in COMPARED:
                told = theirs_of_run[where].get(name)
                if told is not None and told != mine[where][name]:
                    result.note(WRONG, f"{job}: {name} at {where} is {mine[where][name]}, the cluster says {told}")
    result.line("points", expected, found)
    for (job_id, number), rows in stored.items():
        result.note(WRONG, f"job {job_id}, attempt {number} has {len(rows)} points of no cluster job")


def _events(result: Audit, ours: Ours, jobs: Mapping[str, Row]) -> None:
    """Each status was reached by legal steps from `queued`, each step with one event, and nothing follows an end."""
    paths: dict[str, list[Row]] = {job_id: [] for job_id in jobs}
    for row in ours.events:
        if row["kind"] == "status":
            paths[row["job_id"]].append(row)
    result.line("changes of status", "-", sum(map(len, paths.values())))
    for job_id, path in paths.items():
        steps = Counter((row["attempt"], row["from_status"], row["to_status"]) for row in path)
        for step, times in steps.items():
            for _ in range(times - 1):
                result.note(DUPLICATE, f"job {job_id}: {step[1]} -> {step[2]} was told {times} times")
        status = ""
        for row in path:
            is_first = status == "" and row["from_status"] == "" and row["to_status"] == "queued"
            if not is_first and (row["from_status"] != status or not is_legal(status, row["to_status"])):
                result.note(WRONG, f"job {job_id} went from {status or 'nothing'} to {row['to_status']}")
            status = row["to_status"]
        if status != jobs[job_id]["status"]:
            result.note(WRONG, f"job {job_id} is {jobs[job_id]['status']}, its events end with {status or 'nothing'}")


def _deliveries(result: Audit, ours: Ours) -> None:
    """One row per event, channel and endpoint, none of them waiting; what is told is told once."""
    told: Counter[tuple[str, int, str, str]] = Counter()
    for row in ours.deliveries:
        source, event = (
            ("job", row["job_event_id"]) if row["job_event_id"] is not None else ("dataset", row["dataset_event_id"])
        )
        if event is None:
            continue  # of something else than an event: an alert, say
        told[source, event, row["channel"], row["endpoint"]] += 1
        if row["state"] == "pending":
            result.note(REMAINING, f"a delivery of event {event} by {row['channel']} is pending")
    events = [("job", row["id"]) for row in ours.events] + [("dataset", row["id"]) for row in ours.dataset_events]
    in_app = {(source, event) for source, event, channel, _ in told if channel == IN_APP}
    result.line("events delivered", len(events), len(in_app))
    for source, event in events:
        if (source, event) not in in_app:
            result.note(REMAINING, f"the {source} event {event} was not delivered")
    for where, times in told.items():
        for _ in range(times - 1):
            result.note(DUPLICATE, f"the {where[0]} event {where[1]} was delivered {times} times by {where[2]}")
    shown = Counter(row["notification_id"] for row in ours.deliveries if row["notification_id"])
    result.line("notifications", len(shown), len(ours.notifications))
    for notification, times in shown.items():
        for _ in range(times - 1):
            result.note(DUPLICATE, f"the notification {notification} belongs to {times} events")
    for row in ours.notifications:
        if row["id"] not in shown:
            result.note(DUPLICATE, f"the notification {row['id']} belongs to no event")


def _artifacts(result: Audit, ours: Ours, theirs: Theirs, jobs: Mapping[str, Row]) -> None:
    """A completed job has its files, and nobody waits for files that nobody brings."""
    ready = {row["job_id"] for row in ours.artifacts if row["status"] == "ready"}
    completed = [row for row in ours.jobs if row["status"] == "completed"]
    result.line("adapters of completed jobs", len(completed), sum(row["id"] in ready for row in completed))
    for row in completed:
        if row["id"] not in ready:
            result.note(WRONG, f"job {row['id']} is completed and has no adapter")
    for row in ours.artifacts:
        if row["status"] == "collecting" and jobs[row["job_id"]]["status"] in TERMINAL:
            result.note(WRONG, f"job {row['job_id']} has ended, and its adapter is still being collected")


def _leases(result: Audit, ours: Ours, now: float) -> None:
    held = [row for row in ours.jobs if row["lease_token"] and (row["lease_expires_at"] or 0) > now]
    result.line("open leases", 0, len(held))
    for row in held:
        result.note(
            REMAINING, f"job {row['id']} ({row['status']}) is leased for another {row['lease_expires_at'] - now:.0f} s"
        )


def _runs(ours: Ours, theirs: Theirs) -> dict[tuple[str, int], list[NodeJob]]:
    """Paid cluster jobs by (job, attempt). Level 1 is told no number: there, the attempt that names it."""
    numbers = {row["external_job_id"]: row["number"] for row in ours.attempts}
    runs: dict[tuple[str, int], list[NodeJob]] = defaultdict(list)
    for job in theirs.jobs:
        if job.was_paid:
            number = job.attempt if theirs.level > 1 else numbers.get(job.external_id, 1)
            runs[job.job_id, number].append(job)
    return runs


def table(lines: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """The lines as text, one column under the other."""
    rows = [("", "expected", "found"), *lines]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for what, expected, found in rows:
        yield f"  {what:<{widths[0]}}  {expected:>{widths[1]}}  {found}".rstrip()
