"""The form for a new job: every setting has its place, and a clone starts as its job was."""

import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from jobs import form, presets
from jobs.models import BaseModel, GpuPrice
from jobs.states import Status
from tests import factories


def page(user: User, query: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(f"/training/configure?{query}").content.decode()


def test_every_setting_stands_in_one_place() -> None:
    shown = [*form.MAIN_FIELDS, *(name for names in form.GROUPS.values() for name in names)]
    assert sorted(shown) == sorted(presets.FIELDS)


def test_a_clone_shows_what_the_job_was_made_with(alice: User) -> None:
    settings = presets.resolve("fast", {"rank": 64, "use_rslora": True, "target_modules": "attention"})
    job = factories.job(alice, Status.COMPLETED, name="Desk", preset="fast", hyperparameters=settings)
    html = page(alice, f"clone={job.pk}")
    assert 'id="rank" name="rank" value="64"' in html
    assert 'id="use_rslora" name="use_rslora" checked' in html
    assert '<option value="attention" selected>' in html
    assert 'name="gpu_type" value="H100-80GB" aria-label="H100-80GB" checked' in html
    assert '<option value="2" selected>2</option>' in html
    assert 'name="name" value="Desk 2"' in html
    assert f'<option value="{job.dataset_id}" selected>' in html
    assert '<details id="advanced" open>' in html


def test_a_job_of_earlier_without_the_new_settings_can_be_cloned(alice: User) -> None:
    old = {"learning_rate": 1e-4, "batch_size": 2, "epochs": 3, "rank": 16, "alpha": 32, "dropout": 0.1, "gone": 1}
    job = factories.job(alice, Status.COMPLETED, hyperparameters=old)
    html = page(alice, f"clone={job.pk}")
    assert 'name="dropout" value="0.1"' in html
    assert 'name="validation_split" value="0.1"' in html
    assert 'name="gone"' not in html
    assert "Its setting gone is not known any more: it was left out." in html


def test_what_the_job_had_and_is_gone_is_said(alice: User) -> None:
    factories.dataset(alice)
    job = factories.job(alice, Status.COMPLETED)
    job.dataset.deleted_at = timezone.now()
    job.dataset.save()
    GpuPrice.objects.filter(gpu_type="H100-80GB").delete()
    BaseModel.objects.filter(pk=job.base_model_id).update(is_enabled=False)
    html = page(alice, f"clone={job.pk}")
    assert "Its dataset was deleted or is not ready: choose another one." in html
    assert "Its GPU type H100-80GB is not on offer any more: choose another one." in html
    assert f"Its base model {job.base_model.name} is not on offer any more: choose another one." in html
    # None of them is replaced by something that nobody chose.
    assert '<option value="" selected>Choose a dataset</option>' in html
    assert '<option value="" selected>Choose a base model</option>' in html
    assert not re.search(r'name="gpu_type"[^>]* checked', html)


def test_a_clone_without_any_ready_dataset_leads_to_the_datasets(alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED)
    type(job.dataset).objects.update(training_ready=False)
    assert "No dataset is ready yet" in page(alice, f"clone={job.pk}")


@pytest.mark.parametrize("known", [True, False])
def test_somebody_elses_job_is_not_found(alice: User, bob: User, known: bool) -> None:
    client = Client()
    client.force_login(bob)
    job_id = factories.job(alice).pk if known else uuid.uuid4()
    assert client.get(f"/training/configure?clone={job_id}").status_code == 404
    assert client.get("/training/configure?clone=nonsense").status_code == 404


def test_the_default_form_keeps_its_advanced_settings_folded(alice: User) -> None:
    factories.dataset(alice)
    html = page(alice, "")
    assert '<details id="advanced" >' in html
    assert "checked" in html
    assert 'data-hyperparameter="flag"' in html
    assert "0: automatic" in html


def test_a_clone_keeps_the_budget_and_the_rules_of_the_sentinel(alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED, max_cost="12.50", sentinel={"spike": "off"})
    html = page(alice, f"clone={job.pk}")
    assert 'name="max_cost" value="12.50"' in html
    rule = html.partition('data-sentinel="spike"')[2].partition("</select>")[0]
    assert '<option value="off" selected>' in rule
    assert '<details id="advanced" open>' in html


@pytest.mark.parametrize(
    ("name", "following"),
    [("Desk", "Desk 2"), ("Desk 2", "Desk 3"), ("Desk 99", "Desk 100"), ("7", "7 2"), ("Run 2026-11", "Run 2026-11 2")],
)
def test_a_clone_is_named_after_its_job(name: str, following: str) -> None:
    assert form.next_name(name) == following


def test_a_clone_of_a_long_name_still_fits() -> None:
    assert form.next_name("x" * 200) == "x" * 198 + " 2"
