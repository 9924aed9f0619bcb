"""What operators see and do in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs.models import BaseModel, CycleRun, GpuPrice, JobEvent, JobLog, TrainingJob
from jobs.states import Status
from tests import factories

MODELS = list(apps.get_app_config("jobs").get_models())
Page = Callable[[User], Client]


@pytest.fixture
def desk(browse: Page, operator: User) -> Client:
    return browse(operator)


def run(desk: Client, model: type, action: str, *rows: Any) -> str:
    """Tick rows of a list, choose an action, and read the page that follows."""
    address = reverse(f"admin:jobs_{model.__name__.lower()}_changelist")
    answer = desk.post(address, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def some_of_everything(owner: User) -> TrainingJob:
    job = factories.job(owner, Status.COMPLETED)
    factories.points(job, {1: {"training_loss": 1.0}})
    factories.artifact(job)
    JobLog.objects.create(job=job, owner=owner, tail="a line")
    CycleRun.objects.get_or_create(defaults={"started_at": timezone.now()})
    return job


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_is_listed_searched_and_shown(desk: Client, alice: User, model: Any) -> None:
    some_of_everything(alice)
    address = reverse(f"admin:jobs_{model._meta.model_name}_changelist")
    assert desk.get(address).status_code == 200
    assert desk.get(address, {"q": "x"}).status_code == 200
    for row in model.objects.all()[:1]:
        shown = desk.get(reverse(f"admin:jobs_{model._meta.model_name}_change", args=[row.pk]))
        assert shown.status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_longer_list_needs_no_more_queries(desk: Client, alice: User, bob: User, model: Any) -> None:
    address = reverse(f"admin:jobs_{model._meta.model_name}_changelist")
    some_of_everything(alice)
    desk.get(address)
    with CaptureQueriesContext(connection) as few:
        desk.get(address)
    for owner in (alice, bob, alice, bob):
        some_of_everything(owner)
    with CaptureQueriesContext(connection) as many:
        desk.get(address)
    assert len(many) <= len(few)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_only_prices_and_base_models_are_edited_by_hand(desk: Client, model: Any) -> None:
    editable = model in {GpuPrice, BaseModel}
    answer = desk.get(reverse(f"admin:jobs_{model._meta.model_name}_add"))
    assert answer.status_code == (200 if editable else 403)


def test_no_secret_stands_on_a_jobs_page(desk: Client, alice: User) -> None:
    job = factories.job(alice, lease_token="0b9d2c1e-1111-4222-8333-444455556666")
    page = desk.get(reverse("admin:jobs_trainingjob_change", args=[job.pk])).content.decode()
    assert "0b9d2c1e-1111" not in page
    assert job.external_job_id in page


def test_operators_cancel_anybodys_job_under_their_own_name(desk: Client, alice: User) -> None:
    running, ended = factories.job(alice), factories.job(alice, Status.COMPLETED)
    page = run(desk, TrainingJob, "cancel", running, ended)
    running.refresh_from_db()
    ended.refresh_from_db()
    assert (running.status, ended.status) == (Status.CANCELLING, Status.COMPLETED)
    assert "1 jobs asked to stop" in page
    assert "The job has already completed" in page
    assert JobEvent.objects.get(job=running, to_status="cancelling").actor == "user:operator"


def test_a_retry_by_an_operator_stays_the_owners_job(desk: Client, alice: User) -> None:
    failed, running = factories.job(alice, Status.FAILED), factories.job(alice)
    page = run(desk, TrainingJob, "retry", failed, running)
    retried = TrainingJob.objects.get(retry_of=failed)
    assert (retried.owner, retried.status) == (alice, Status.QUEUED)
    assert JobEvent.objects.get(job=retried).actor == "user:operator"
    assert "1 jobs started again" in page
    assert "only an ended one can be retried" in page


def test_process_now_takes_active_jobs_alone(desk: Client, alice: User) -> None:
    jobs = [factories.job(alice, status) for status in Status]
    assert "4 active jobs handed to the workers" in run(desk, TrainingJob, "process_now", *jobs)


def test_staff_who_may_only_look_cannot_act(browse: Page, alice: User, charlie: User) -> None:
    charlie.is_staff = True
    charlie.save()
    charlie.user_permissions.set(_permissions("view_trainingjob"))
    job = factories.job(alice)
    run(browse(charlie), TrainingJob, "cancel", job)
    job.refresh_from_db()
    assert job.status == Status.RUNNING


def test_a_new_price_is_for_new_jobs(desk: Client, alice: User) -> None:
    job = factories.job(alice)
    price = GpuPrice.objects.get(gpu_type="H100-80GB")
    address = reverse("admin:jobs_gpuprice_change", args=[price.pk])
    desk.post(address, {"gpu_type": "H100-80GB", "price_per_hour": "5.00"})
    refused = desk.post(address, {"gpu_type": "H100-80GB", "price_per_hour": "-1"})
    price.refresh_from_db()
    job.refresh_from_db()
    assert (float(price.price_per_hour), float(job.gpu_price_per_hour or 0)) == (5.0, 4.2)
    assert "greater than or equal to 0" in refused.content.decode()


def test_exactly_one_base_model_is_the_default(desk: Client) -> None:
    former, other = factories.base_model(), BaseModel.objects.filter(is_default=False)[0]
    BaseModel.objects.filter(pk=other.pk).update(is_enabled=False)
    run(desk, BaseModel, "make_default", other)
    assert factories.base_model() == other
    assert factories.base_model().is_enabled
    assert "Choose one model" in run(desk, BaseModel, "make_default", former, other)
    assert factories.base_model() == other


def test_beats_schedule_is_in_the_admin() -> None:
    assert admin.site.is_registered(apps.get_model("django_celery_beat", "PeriodicTask"))


def _permissions(codename: str) -> Any:
    return apps.get_model("auth", "Permission").objects.filter(codename=codename)
