"""The counting sees what it is there to see: each planted fault is found, and a clean run has none."""

from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from tests.chaos.audit import DUPLICATE, REMAINING, WRONG, Asked, Audit, Theirs, audit, table
from tests.chaos.rows import NodeJob, Ours, dollars

NOW = 1_800_000_000.0
POINTS = {(0, 1): {"training_loss": 2.5}, (0, 2): {"training_loss": 2.25, "validation_loss": 2.0}}


def job(external_id: str = "gpu-1", **changes: Any) -> NodeJob:
    values: dict[str, Any] = {
        "external_id": external_id,
        "job_id": "a1",
        "attempt": 1,
        "status": "completed",
        "has_ended": True,
        "was_paid": True,
        "gpu_count": 2,
        "seconds": 12.345,
    }
    return NodeJob(**{**values, **changes})


def event(id: int, from_status: str, to_status: str) -> dict[str, Any]:
    return {
        "id": id,
        "job_id": "a1",
        "attempt": 1,
        "kind": "status",
        "from_status": from_status,
        "to_status": to_status,
    }


def delivery(event_id: int, **changes: Any) -> dict[str, Any]:
    values = {
        "job_event_id": event_id,
        "dataset_event_id": None,
        "channel": "in-app",
        "endpoint": "",
        "state": "done",
        "notification_id": f"n{event_id}",
    }
    return {**values, **changes}


def ours() -> Ours:
    """One job that went well: 12.345 s on two GPUs at 100 dollars an hour."""
    return Ours(
        jobs=[
            {
                "id": "a1",
                "status": "completed",
                "attempt": 1,
                "external_job_id": "gpu-1",
                "final_cost": Decimal("0.69"),
                "gpu_price_per_hour": Decimal(100),
                "idempotency_key": "story-1",
                "lease_token": None,
                "lease_expires_at": None,
                "waiting_for": "",
                "current_stage": "completed",
            }
        ],
        attempts=[{"job_id": "a1", "number": 1, "external_job_id": "gpu-1"}],
        events=[
            event(1, "", "queued"),
            event(2, "queued", "initializing"),
            event(3, "initializing", "running"),
            event(4, "running", "completed"),
        ],
        deliveries=[delivery(number) for number in (1, 2, 3, 4)],
        notifications=[{"id": f"n{number}"} for number in (1, 2, 3, 4)],
        points=[
            {"job_id": "a1", "attempt": 1, "restart": 0, "step": 1, "training_loss": 2.5, "validation_loss": None},
            {"job_id": "a1", "attempt": 1, "restart": 0, "step": 2, "training_loss": 2.25, "validation_loss": 2.0},
        ],
        costs=[{"job_id": "a1", "attempt": 1, "amount": Decimal("0.69")}],
        artifacts=[{"job_id": "a1", "status": "ready", "is_partial": False}],
        dataset_events=[],
    )


def counted(spoil: Callable[[Ours], object] = lambda ours: None, *jobs: NodeJob, level: int = 2) -> Audit:
    spoilt = deepcopy(ours())
    spoil(spoilt)
    theirs = Theirs(level, list(jobs or (job(),)), {"gpu-1": POINTS} if level > 1 else {})
    return audit(spoilt, theirs, Asked({"story-1": frozenset({"a1"})}), now=NOW)


@pytest.mark.parametrize("level", [1, 2])
def test_a_clean_run_has_no_findings(level: int) -> None:
    assert counted(level=level).findings == []


PLANTED: dict[str, tuple[Callable[[Ours], object], str]] = {
    "a job that never ended": (lambda ours: ours.jobs[0].update(status="running"), REMAINING),
    "an open lease": (lambda ours: ours.jobs[0].update(lease_token="t", lease_expires_at=NOW + 9), REMAINING),
    "an event nobody was told of": (lambda ours: ours.deliveries.pop(), REMAINING),
    "a delivery that waits": (lambda ours: ours.deliveries[0].update(state="pending"), REMAINING),
    "an event told twice": (lambda ours: ours.deliveries.append(delivery(1)), DUPLICATE),
    "a notification too many": (lambda ours: ours.notifications.append({"id": "n9"}), DUPLICATE),
    "a transition told twice": (lambda ours: ours.events.append(event(5, "running", "completed")), DUPLICATE),
    "a request that made two jobs": (lambda ours: ours.jobs.append({**ours.jobs[0], "id": "b2"}), DUPLICATE),
    "a job charged twice": (lambda ours: ours.costs.append(ours.costs[0]), DUPLICATE),
    "a point stored twice": (lambda ours: ours.points.append(ours.points[0]), DUPLICATE),
    "a cent too much": (lambda ours: ours.costs[0].update(amount=Decimal("0.70")), WRONG),
    "a sum that is not its parts": (lambda ours: ours.jobs[0].update(final_cost=Decimal("0.68")), WRONG),
    "a missing point": (lambda ours: ours.points.pop(), WRONG),
    "an invented point": (lambda ours: ours.points.append({**ours.points[0], "step": 9}), WRONG),
    "another value": (lambda ours: ours.points[1].update(validation_loss=2.1), WRONG),
    "an illegal step": (lambda ours: ours.events.append(event(5, "completed", "running")), WRONG),
    "a status without event": (lambda ours: ours.events.pop(), WRONG),
    "a completed job without adapter": (lambda ours: ours.artifacts.clear(), WRONG),
    "a job that was accepted and is gone": (lambda ours: ours.jobs[0].update(idempotency_key=None), WRONG),
}


@pytest.mark.parametrize(("spoil", "kind"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found(spoil: Callable[[Ours], object], kind: str) -> None:
    assert counted(spoil).count(kind) >= 1


@pytest.mark.parametrize("level", [1, 2])
def test_a_job_that_was_paid_twice_is_found(level: int) -> None:
    assert counted(lambda ours: None, job(), job("gpu-2"), level=level).count(DUPLICATE) == 1


def test_a_cluster_job_that_nobody_knows_is_found() -> None:
    assert counted(lambda ours: None, job(), job("gpu-2", job_id="c3")).count(WRONG) >= 1


def test_a_cluster_job_that_still_runs_is_found() -> None:
    assert counted(lambda ours: None, job(has_ended=False, status="running")).count(REMAINING) == 1


def test_a_second_attempt_is_not_a_second_payment() -> None:
    def resubmit(ours: Ours) -> None:
        ours.attempts.append({"job_id": "a1", "number": 2, "external_job_id": "gpu-2"})
        ours.costs.append({"job_id": "a1", "attempt": 2, "amount": Decimal("0.69")})
        ours.jobs[0]["final_cost"] = Decimal("1.38")

    assert counted(resubmit, job(), job("gpu-2", attempt=2)).findings == []


def test_half_cents_are_rounded_up() -> None:
    assert dollars(price_per_hour=Decimal(36), gpu_count=1, seconds=0.5) == Decimal("0.01")
    assert dollars(price_per_hour=Decimal(36), gpu_count=1, seconds=0.499) == Decimal("0.00")


def test_the_table_lines_up() -> None:
    assert list(table([("points", "10", "9")])) == ["          expected  found", "  points        10  9"]
