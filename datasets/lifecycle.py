"""The only one who changes a dataset's status, and the lease under which a worker validates it.

    uploading -> validating -> ready | error        ready | error -> validating (again)
    uploading -> error (nothing ever arrived)

A change of status is a conditional UPDATE and its event in one transaction; whoever finds the row changed
writes nothing. A lease is a conditional UPDATE with a token that its holder renews while it works.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from datasets.models import Dataset, DatasetEvent, DatasetStatus

SYSTEM = "system"
LEASE_SECONDS = 60  # renewed every few seconds: this long after a worker's death another one may start

TRANSITIONS: dict[DatasetStatus, frozenset[DatasetStatus]] = {
    DatasetStatus.UPLOADING: frozenset({DatasetStatus.VALIDATING, DatasetStatus.ERROR}),
    DatasetStatus.VALIDATING: frozenset({DatasetStatus.READY, DatasetStatus.ERROR}),
    DatasetStatus.READY: frozenset({DatasetStatus.VALIDATING}),
    DatasetStatus.ERROR: frozenset({DatasetStatus.VALIDATING}),
}


def record(dataset: Dataset, kind: str, message: str, *, actor: str, **detail: Any) -> None:
    """Write one event; to be called in the transaction of what it tells."""
    DatasetEvent.objects.create(
        dataset=dataset,
        owner_id=dataset.owner_id,
        kind=kind,
        message=message[:500],
        actor=actor[:150],
        detail=detail,
    )


def transition(
    dataset: Dataset,
    to: DatasetStatus,
    *,
    kind: str,
    message: str,
    actor: str,
    detail: dict[str, Any] | None = None,
    lease: uuid.UUID | None = None,
    **changes: Any,
) -> bool:
    """Bring a living dataset from its status to `to` together with `changes`, and write the event.

    False, and nothing written, if the row's status is no longer `dataset.status`, its lease is no longer
    `lease`, or it was deleted. ValueError for a change that the table above does not have.
    """
    source = DatasetStatus(dataset.status)
    if to not in TRANSITIONS[source]:
        raise ValueError(f"A dataset cannot go from {source} to {to}")
    changes |= {"status": to, "waiting_for": "", "lease_token": None, "lease_expires_at": None}
    with transaction.atomic():
        row = Dataset.objects.filter(pk=dataset.pk, status=source, lease_token=lease, deleted_at=None)
        if not row.update(**changes):
            return False
        record(dataset, kind, message, actor=actor, **(detail or {}))
    for name, value in changes.items():
        setattr(dataset, name, value)
    return True


def claim(dataset_id: uuid.UUID | str, *, now: datetime) -> uuid.UUID | None:
    """Take the lease of a dataset that waits for validation; None if it is taken or nothing is to do."""
    token = uuid.uuid4()
    taken = (
        Dataset.objects.filter(pk=dataset_id, status=DatasetStatus.VALIDATING, deleted_at=None)
        .filter(Q(lease_token=None) | Q(lease_expires_at__lt=now))
        .update(
            lease_token=token,
            lease_expires_at=now + timedelta(seconds=LEASE_SECONDS),
            validation_started_at=now,
            validation_progress=0,
            validated_lines=0,
            validated_bytes=0,
        )
    )
    return token if taken else None


def renew(dataset: Dataset, lease: uuid.UUID, *, progress: float, now: datetime, lines: int = 0, read: int = 0) -> bool:
    """Keep the lease and store the progress (0-100, `read` in bytes); False if the lease was lost or the dataset
    deleted."""
    kept = Dataset.objects.filter(pk=dataset.pk, lease_token=lease, deleted_at=None).update(
        lease_expires_at=now + timedelta(seconds=LEASE_SECONDS),
        validation_progress=progress,
        validated_lines=lines,
        validated_bytes=read,
        waiting_for="",
    )
    return kept == 1


def postpone(dataset: Dataset, lease: uuid.UUID, *, reason: str, until: datetime) -> None:
    """Leave the work undone until then, and tell the user why: the lease stays and runs out by itself."""
    Dataset.objects.filter(pk=dataset.pk, lease_token=lease).update(lease_expires_at=until, waiting_for=reason[:500])
