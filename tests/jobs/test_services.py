"""What users ask for: a job is made once per key, and retried as a new one."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from datasets.exceptions import DatasetNotFound
from jobs import services
from jobs.exceptions import IdempotencyConflict, InvalidJob, JobConflict, JobNotFound
from jobs.models import TrainingJob
from jobs.states import Status
from tests import factories
from tests.jobs.test_lifecycle import at_once

Asked = dict[str, Any]


def asked(owner: User, **changes: Any) -> Asked:
    whole = {
        "owner": owner,
        "preset_id": "recommended",
        "gpu_config": {"type": "H100-80GB", "count": 2},
        "hyperparameters": {"rank": 8},
    }
    if "dataset_id" not in changes:
        whole["dataset_id"] = factories.dataset(owner).pk
    return {**whole, **changes}


@pytest.mark.django_db
def test_a_new_job_is_queued_with_its_price_its_settings_and_one_event(alice: User) -> None:
    job, is_new = services.job_create(**asked(alice))
    job.refresh_from_db()
    assert is_new
    assert (job.status, job.current_stage, str(job.gpu_price_per_hour)) == ("queued", "queued", "4.2000")
    assert (job.hyperparameters["rank"], job.hyperparameters["learning_rate"], job.total_epochs) == (8, 2e-4, 3)
    assert job.estimated_total_cost is not None
    assert list(job.events.values_list("to_status", "actor")) == [("queued", "user:alice")]


@pytest.mark.django_db
def test_a_job_is_made_with_its_event_or_not_at_all(alice: User) -> None:
    def fail(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith('INSERT INTO "job_events"'):
            raise OperationalError("the disk is full")
        return execute(sql, *args)

    request = asked(alice)
    with connection.execute_wrapper(fail), pytest.raises(OperationalError):
        services.job_create(**request)
    assert not TrainingJob.objects.exists()


@pytest.mark.django_db
def test_the_same_key_gives_the_same_job(alice: User) -> None:
    request = asked(alice, idempotency_key="k")
    first, _ = services.job_create(**request)
    second, is_new = services.job_create(**request)
    assert (second.pk, is_new) == (first.pk, False)


@pytest.mark.django_db
def test_the_same_key_for_another_request_is_refused(alice: User) -> None:
    request = asked(alice, idempotency_key="k")
    job, _ = services.job_create(**request)
    with pytest.raises(IdempotencyConflict) as refusal:
        services.job_create(**{**request, "preset_id": "fast"})
    assert refusal.value.details == {"job_id": str(job.pk), "name": job.name}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"name": "another"},
        {"gpu_config": {"type": "H100-80GB", "count": 1}},
        {"hyperparameters": {"rank": 16}},
        {"max_cost": "500"},
        {"sentinel": {"nan": "off"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_nothing_that_is_asked_for_may_differ_under_the_same_key(changes: Asked, alice: User) -> None:
    request = asked(alice, idempotency_key="k")
    services.job_create(**request)
    with pytest.raises(IdempotencyConflict):
        services.job_create(**{**request, **changes})
    assert TrainingJob.objects.count() == 1


@pytest.mark.django_db
def test_other_data_to_validate_on_is_another_request(alice: User) -> None:
    request = asked(alice, idempotency_key="k")
    services.job_create(**request)
    with pytest.raises(IdempotencyConflict):
        services.job_create(**request, validation_dataset_id=factories.dataset(alice).pk)


@pytest.mark.django_db
def test_a_retry_of_another_job_is_another_request(alice: User) -> None:
    dataset = factories.dataset(alice)
    first, second = (factories.job(alice, Status.FAILED, dataset=dataset) for _ in range(2))
    services.job_retry(user=alice, job_id=first.pk, idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        services.job_retry(user=alice, job_id=second.pk, idempotency_key="k")


@pytest.mark.django_db
def test_keys_are_each_users_own(alice: User, bob: User) -> None:
    first, _ = services.job_create(**asked(alice, idempotency_key="k"))
    second, _ = services.job_create(**asked(bob, idempotency_key="k"))
    assert first.pk != second.pk


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_same_key_many_times_at_once_makes_one_job(alice: User) -> None:
    request = asked(alice, idempotency_key="k")
    made: list[tuple[TrainingJob, bool]] = []
    raised = at_once(*[lambda: made.append(services.job_create(**request))] * 4)
    assert raised == []
    assert len({job.pk for job, _ in made}) == 1
    assert [is_new for _, is_new in made].count(True) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("another", [lambda: uuid.uuid4(), None], ids=["nobody's", "bob's"])
def test_only_a_dataset_of_ones_own_is_trained_on(
    another: Callable[[], uuid.UUID] | None, alice: User, bob: User
) -> None:
    dataset_id = another() if another else factories.dataset(bob).pk
    with pytest.raises(DatasetNotFound):
        services.job_create(**asked(alice, dataset_id=dataset_id))


@pytest.mark.django_db
def test_a_dataset_that_is_not_ready_is_refused_by_name(alice: User) -> None:
    dataset = factories.dataset(alice, training_ready=False, status="validating")
    with pytest.raises(InvalidJob) as caught:
        services.job_create(**asked(alice, dataset_id=dataset.pk))
    assert list(caught.value.details) == ["dataset_id"]


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_a_retry_is_a_new_job_like_the_ended_one(status: Status, alice: User) -> None:
    ended = factories.job(alice, status)
    job, _ = services.job_retry(user=alice, job_id=ended.pk)
    assert (job.retry_of, job.status, job.attempt) == (ended, "queued", 1)
    assert (job.hyperparameters, job.gpu_config, job.dataset) == (
        ended.hyperparameters,
        ended.gpu_config,
        ended.dataset,
    )
    ended.refresh_from_db()
    assert ended.status == status


@pytest.mark.django_db
def test_a_job_that_is_still_going_cannot_be_retried(alice: User) -> None:
    with pytest.raises(JobConflict):
        services.job_retry(user=alice, job_id=factories.job(alice, Status.CANCELLING).pk)


@pytest.mark.django_db
def test_nobody_retries_anothers_job(alice: User, bob: User) -> None:
    with pytest.raises(JobNotFound):
        services.job_retry(user=bob, job_id=factories.job(alice, Status.FAILED).pk)
