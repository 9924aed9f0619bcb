"""The budget over the API: kept with the job, refused where it cannot be kept, and doubted beside the estimate."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs.models import Cluster
from jobs.states import Status
from tests import factories
from tests.jobs.test_api_jobs import order

Api = Callable[[User], APIClient]


@pytest.mark.parametrize(("sent", "shown"), [(5, 5.0), (0.01, 0.01), (1_000_000, 1_000_000.0), (None, None)])
def test_a_job_keeps_its_budget(sent: Any, shown: float | None, api: Api, alice: User) -> None:
    answer = api(alice).post("/api/jobs", order(alice, max_cost=sent))
    assert answer.status_code == 201
    assert answer.json()["data"]["job"]["max_cost"] == shown


@pytest.mark.parametrize("sent", [0, -5, 1_000_001, 0.005, "5", True, [], {"amount": 5}])
def test_what_is_no_budget_is_refused_with_the_range(sent: Any, api: Api, alice: User) -> None:
    for path in ("/api/jobs", "/api/jobs/estimate"):
        answer = api(alice).post(path, order(alice, max_cost=sent))
        assert answer.status_code == 400
        assert "from 0.01 to 1,000,000" in answer.json()["error"]["details"]["max_cost"][0]


def test_a_budget_for_gpus_without_a_price_is_refused_since_it_cannot_be_kept(api: Api, alice: User) -> None:
    Cluster.objects.create(name="default", level=2, gpu_types=[{"type": "RTX-4090", "count": 1}])
    unpriced = order(alice, gpu_config={"type": "RTX-4090", "count": 1})
    answer = api(alice).post("/api/jobs", {**unpriced, "max_cost": 5})
    assert answer.status_code == 400
    assert "RTX-4090 has no price" in answer.json()["error"]["details"]["max_cost"][0]
    assert api(alice).post("/api/jobs", unpriced).status_code == 201


def test_the_estimate_doubts_a_budget_that_is_too_small_and_not_one_that_will_do(api: Api, alice: User) -> None:
    client, body = api(alice), order(alice)
    cost = client.post("/api/jobs/estimate", body).json()["data"]["cost"]

    def warnings(limit: float) -> str:
        answer = client.post("/api/jobs/estimate", {**body, "max_cost": limit})
        return " ".join(answer.json()["data"]["warnings"])

    assert "will be stopped before its end" in warnings(round(cost["low"] - 0.01, 2))
    assert f"may cost up to ${cost['high']:.2f}" in warnings(cost["low"])
    assert "budget" not in warnings(cost["high"])
    # A warning, no refusal: who knows better may try.
    assert client.post("/api/jobs", {**body, "max_cost": 0.01}).status_code == 201


def test_the_same_key_with_another_budget_is_another_request(api: Api, alice: User) -> None:
    client, body, key = api(alice), order(alice), {"Idempotency-Key": "form-1"}
    first = client.post("/api/jobs", {**body, "max_cost": 5}, headers=key)
    again = client.post("/api/jobs", {**body, "max_cost": 5}, headers=key)
    other = client.post("/api/jobs", {**body, "max_cost": 6}, headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)


@pytest.mark.parametrize(("changes", "limit"), [({}, 5.0), ({"max_cost": 9.5}, 9.5), ({"max_cost": None}, None)])
def test_a_retry_has_the_same_budget_unless_told_otherwise(
    changes: dict[str, Any], limit: float | None, api: Api, alice: User
) -> None:
    ended = factories.job(alice, Status.CANCELLED, max_cost=5)
    answer = api(alice).post(f"/api/jobs/{ended.pk}/retry", changes)
    assert answer.status_code == 201
    assert answer.json()["data"]["job"]["max_cost"] == limit


def test_the_configuration_makes_the_same_job_with_the_same_budget(api: Api, alice: User) -> None:
    client, dataset = api(alice), factories.dataset(alice, sha256="0" * 64)
    job = client.post("/api/jobs", order(alice, dataset_id=str(dataset.pk), max_cost=7.25)).json()["data"]["job"]
    request = client.get(f"/api/jobs/{job['id']}/configuration").json()["data"]["request"]
    assert request["max_cost"] == 7.25
    assert client.post("/api/jobs", request).json()["data"]["job"]["max_cost"] == 7.25


def test_a_stopped_job_says_why_and_what_to_do(api: Api, alice: User) -> None:
    job = factories.job(
        alice, Status.CANCELLED, max_cost=5, error_code="budget_reached", error_message="The budget of $5.00 is used."
    )
    error = api(alice).get(f"/api/jobs/{job.pk}").json()["data"]["job"]["error"]
    assert (error["code"], error["side"]) == ("budget_reached", "settings")
    assert "Resume the job from its last checkpoint" in error["advice"]
