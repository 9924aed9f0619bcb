"""What can be chosen, and what was spent."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs import presets
from jobs.models import BaseModel, Cluster, GpuPrice
from jobs.states import Status
from tests import factories

Api = Callable[[User], APIClient]


def gpu_types(client: APIClient) -> dict[str, tuple[float | None, int | None]]:
    types = client.get("/api/gpu-types").json()["data"]["gpu_types"]
    return {gpu["type"]: (gpu["price_per_hour"], gpu["available"]) for gpu in types}


def test_a_new_installation_offers_the_price_list(api: Api, alice: User) -> None:
    assert gpu_types(api(alice)) == {
        "H100-80GB": (4.2, None),
        "A100-80GB": (3.5, None),
        "A100-40GB": (2.8, None),
        "V100-32GB": (2.1, None),
    }


def test_what_a_cluster_reports_is_offered_with_its_price_or_none(api: Api, alice: User) -> None:
    reported = [{"type": "A100-80GB", "count": 8}, {"type": "RTX-4090", "count": 2}]
    Cluster.objects.create(name="default", gpu_types=reported)
    assert gpu_types(api(alice)) == {"A100-80GB": (3.5, 8), "RTX-4090": (None, 2)}
    types = api(alice).get("/api/gpu-types").json()["data"]["gpu_types"]
    assert {gpu["type"]: gpu["priced"] for gpu in types} == {"A100-80GB": True, "RTX-4090": False}


def test_a_cluster_that_does_not_say_may_have_anything_on_the_list(api: Api, alice: User, settings: Any) -> None:
    settings.GPU_CLUSTERS = {"default": {}, "other": {}}
    Cluster.objects.create(name="default", gpu_types=[{"type": "RTX-4090", "count": 2}])
    Cluster.objects.create(name="other", level=1)
    assert set(gpu_types(api(alice))) == {"RTX-4090", *GpuPrice.objects.values_list("gpu_type", flat=True)}


def test_a_cluster_that_was_taken_out_of_the_settings_offers_nothing(api: Api, alice: User) -> None:
    Cluster.objects.create(name="former", gpu_types=[{"type": "RTX-4090", "count": 2}])
    assert "RTX-4090" not in gpu_types(api(alice))


def test_base_models_on_offer_come_with_the_default_first(api: Api, alice: User) -> None:
    BaseModel.objects.filter(name__startswith="meta-llama").update(is_enabled=False)
    models = api(alice).get("/api/base-models").json()["data"]["base_models"]
    assert [model["is_default"] for model in models] == [True, False, False, False]
    assert models[0]["name"] == factories.base_model().name
    assert all(model["parameters"] > 0 and model["licence"] for model in models)


def test_presets_are_complete_and_one_is_the_default(api: Api, alice: User) -> None:
    offered = api(alice).get("/api/presets").json()["data"]["presets"]
    assert [preset["id"] for preset in offered if preset["is_default"]] == ["recommended"]
    assert all(set(preset["hyperparameters"]) == set(presets.FIELDS) for preset in offered)


def test_costs_are_ones_own_with_the_total_of_all_pages(api: Api, alice: User, bob: User) -> None:
    for _ in range(3):
        factories.job(alice, Status.COMPLETED)
    factories.job(bob, Status.COMPLETED)
    data = api(alice).get("/api/costs?limit=2").json()["data"]
    assert len(data["costs"]) == 2
    assert data["total"] == 3.36
    assert data["pagination"] == {"page": 1, "limit": 2, "total": 3, "total_pages": 2}


def test_costs_are_found_by_time_and_job(api: Api, alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED)
    factories.cost(job, attempt=2, amount=Decimal("5.00"), recorded_at=factories.NOW + timedelta(days=40))
    factories.job(alice, Status.FAILED)
    client = api(alice)

    def total(query: str) -> float:
        spent: float = client.get(f"/api/costs?{query}").json()["data"]["total"]
        return spent

    assert total("") == 7.24
    assert total("from=2026-12-01") == 5.0
    assert total("to=2026-12-01T00:00:00Z") == 2.24
    assert total(f"job={job.pk}") == 6.12
    assert total("from=2030-01-01") == 0.0


@pytest.mark.parametrize("query", ["from=yesterday", "job=7", "limit=101"])
def test_an_impossible_question_about_costs_is_refused(api: Api, alice: User, query: str) -> None:
    answer = api(alice).get(f"/api/costs?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["error"]["details"]


def test_somebody_elses_job_has_no_costs_for_me(api: Api, alice: User, bob: User) -> None:
    job = factories.job(bob, Status.COMPLETED)
    assert api(alice).get(f"/api/costs?job={job.pk}").json()["data"]["costs"] == []
