"""Jobs over the API: create, list, cancel, retry, estimate; and whose jobs one sees."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from jobs.models import JobEvent, TrainingJob
from jobs.states import Status
from tests import factories

Api = Callable[[User], APIClient]


def order(user: User, **changes: Any) -> dict[str, Any]:
    """The body of a valid request for a job."""
    asked = {"gpu_config": {"type": "A100-80GB", "count": 2}, **changes}
    return asked if "dataset_id" in asked else {"dataset_id": str(factories.dataset(user).pk), **asked}


def test_a_created_job_has_the_presets_values_and_the_users_over_them(api: Api, alice: User) -> None:
    answer = api(alice).post("/api/jobs", order(alice, preset_id="quality", hyperparameters={"rank": 8}, name="Mine"))
    assert answer.status_code == 201
    job = answer.json()["data"]["job"]
    assert (job["status"], job["name"], job["preset"], job["owner"]) == ("queued", "Mine", "quality", "alice")
    assert (job["hyperparameters"]["rank"], job["hyperparameters"]["epochs"]) == (8, 5)
    assert job["gpu_config"] == {
        "type": "A100-80GB",
        "count": 2,
        "price_per_gpu_hour": 3.5,
        "price_per_hour": 7.0,
        "priced": True,
    }
    assert job["effective_batch_size"] == 4


def test_what_is_not_known_yet_is_null_and_never_zero(api: Api, alice: User) -> None:
    job = api(alice).post("/api/jobs", order(alice)).json()["data"]["job"]
    assert set(job["current_metrics"].values()) == {None}
    for name in ("started_at", "final_cost", "error", "external_job_id", "artifact_id", "retry_of", "eta_seconds"):
        assert job[name] is None, name


def test_the_same_idempotency_key_gives_the_same_job(api: Api, alice: User, bob: User) -> None:
    client, body = api(alice), order(alice)
    first = client.post("/api/jobs", body, headers={"Idempotency-Key": "form-1"})
    again = client.post("/api/jobs", body, headers={"Idempotency-Key": "form-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["data"]["job"]["id"] == again.json()["data"]["job"]["id"]
    assert api(bob).post("/api/jobs", order(bob), headers={"Idempotency-Key": "form-1"}).status_code == 201
    assert TrainingJob.objects.count() == 2


def test_an_idempotency_key_stands_for_one_request_alone(api: Api, alice: User) -> None:
    client, body = api(alice), order(alice)
    client.post("/api/jobs", body, headers={"Idempotency-Key": "form-1"})
    answer = client.post("/api/jobs", {**body, "name": "Other"}, headers={"Idempotency-Key": "form-1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_an_idempotency_key_is_short_and_printable(api: Api, alice: User, key: str) -> None:
    answer = api(alice).post("/api/jobs", order(alice), headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]["details"]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"hyperparameters": {"rank": 257}}, "hyperparameters.rank", "from 1 to 256"),
        ({"hyperparameters": {"lora_rank": 8}}, "hyperparameters.lora_rank", "did you mean rank?"),
        ({"gpu_config": {"type": "H100-80GB", "num_gpus": 2}}, "gpu_config.num_gpus", "did you mean count?"),
        ({"gpu_config": {"type": "H100-80GB", "count": 9}}, "gpu_config.count", "from 1 to 8"),
        ({"gpu_config": {"type": "Abacus"}}, "gpu_config.type", "Offered: A100-40GB"),
        ({"num_gpus": 2}, "num_gpus", "did you mean gpu_config.count?"),
        ({"rank": 2}, "rank", "did you mean hyperparameters.rank?"),
        ({"estimated_total_cost": 0.01}, "estimated_total_cost", "Unknown"),
        ({"preset_id": "turbo"}, "preset_id", "must be one of recommended, fast"),
        ({"base_model": "gpt-9"}, "base_model", "On offer: Qwen"),
        ({"dataset_id": "7"}, "dataset_id", "Must be a valid UUID"),
        ({"gpu_config": "H100"}, "gpu_config", "Expected a dictionary"),
        ({"name": "x" * 201}, "name", "200 characters"),
    ],
)
def test_a_refusal_names_the_field_and_what_to_do(
    api: Api, alice: User, changes: dict[str, Any], field: str, says: str
) -> None:
    answer = api(alice).post("/api/jobs", order(alice, **changes))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert says in error["details"][field][0]
    assert field in error["message"]
    assert not TrainingJob.objects.exists()


def test_a_dataset_that_is_not_ready_is_refused(api: Api, alice: User) -> None:
    dataset = factories.dataset(alice, training_ready=False, status="error")
    answer = api(alice).post("/api/jobs", order(alice, dataset_id=str(dataset.pk)))
    assert answer.status_code == 400
    assert "not ready" in answer.json()["error"]["details"]["dataset_id"][0]


def test_a_job_on_somebody_elses_dataset_is_a_404(api: Api, alice: User, bob: User) -> None:
    answer = api(alice).post("/api/jobs", order(alice, dataset_id=str(factories.dataset(bob).pk)))
    assert answer.status_code == 404


def test_the_list_shows_ones_own_jobs_newest_first(api: Api, alice: User, bob: User) -> None:
    jobs = [factories.job(alice, name=name) for name in ("first", "second")]
    factories.job(bob)
    answer = api(alice).get("/api/jobs").json()["data"]
    assert [job["id"] for job in answer["jobs"]] == [str(job.pk) for job in reversed(jobs)]
    assert answer["pagination"] == {"page": 1, "limit": 20, "total": 2, "total_pages": 1}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=running", {"a"}),
        ("status=running&status=failed", {"a", "b"}),
        ("status=queued,failed", {"b", "c"}),
        ("search=TICKETS", {"b"}),
        ("search=a&status=running", {"a"}),
        ("search=nothing", set()),
        ("ordering=name&limit=1", {"a"}),
        ("ordering=-name&limit=1", {"c"}),
        ("ordering=-completed_at&limit=1", {"b"}),
    ],
)
def test_the_list_filters_searches_and_sorts(api: Api, alice: User, query: str, found: set[str]) -> None:
    factories.job(alice, name="a")
    factories.job(alice, Status.FAILED, name="b", dataset=factories.dataset(alice, name="Tickets"))
    factories.job(alice, Status.QUEUED, name="c")
    answer = api(alice).get(f"/api/jobs?{query}")
    assert {job["name"] for job in answer.json()["data"]["jobs"]} == found


def test_a_job_is_found_by_the_beginning_of_its_id(api: Api, alice: User) -> None:
    job = factories.job(alice)
    factories.job(alice)
    [found] = api(alice).get(f"/api/jobs?search={job.short_id}").json()["data"]["jobs"]
    assert found["id"] == str(job.pk)


@pytest.mark.parametrize("query", ["status=sleeping", "ordering=password", "ordering=owner__password", "page=0"])
def test_an_impossible_filter_is_refused(api: Api, alice: User, query: str) -> None:
    answer = api(alice).get(f"/api/jobs?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["error"]["details"]


def test_a_longer_list_needs_no_more_queries(
    api: Api, alice: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for status in Status:
        factories.artifact(factories.job(alice, status))
    client = api(alice)
    with django_assert_max_num_queries(3):
        assert len(client.get("/api/jobs").json()["data"]["jobs"]) == len(Status)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.INITIALIZING, Status.RUNNING, Status.CANCELLING])
def test_an_active_job_can_be_cancelled_again_and_again(api: Api, alice: User, status: Status) -> None:
    job = factories.job(alice, status)
    for _ in range(2):
        answer = api(alice).post(f"/api/jobs/{job.pk}/cancel")
        assert answer.status_code == 200
        assert answer.json()["data"]["job"]["status"] in {"cancelling", "cancelled"}


def test_cancelling_asks_the_database_few_times(
    api: Api, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client, job = api(alice), factories.job(alice)
    with django_assert_max_num_queries(10):
        client.post(f"/api/jobs/{job.pk}/cancel")


def test_cancelling_a_cancelled_job_is_fine_and_changes_nothing(api: Api, alice: User) -> None:
    job = factories.job(alice, Status.CANCELLED)
    events = JobEvent.objects.count()
    answer = api(alice).post(f"/api/jobs/{job.pk}/cancel")
    assert (answer.status_code, answer.json()["data"]["job"]["status"]) == (200, "cancelled")
    assert JobEvent.objects.count() == events


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_an_ended_job_cannot_be_cancelled(api: Api, alice: User, status: Status) -> None:
    answer = api(alice).post(f"/api/jobs/{factories.job(alice, status).pk}/cancel")
    assert answer.status_code == 409
    assert answer.json()["error"]["details"]["status"] == status.value


def test_cancel_takes_no_unknown_word(api: Api, alice: User) -> None:
    answer = api(alice).post(f"/api/jobs/{factories.job(alice).pk}/cancel", {"keep_adaptor": True})
    assert answer.json()["error"]["details"] == {"keep_adaptor": ["Unknown: did you mean keep_adapter?"]}


def test_a_retry_is_a_new_job_with_the_same_configuration(api: Api, alice: User) -> None:
    failed = factories.job(alice, Status.FAILED, hyperparameters={**factories.HYPERPARAMETERS, "rank": 99})
    answer = api(alice).post(f"/api/jobs/{failed.pk}/retry")
    job = answer.json()["data"]["job"]
    assert answer.status_code == 201
    assert (job["retry_of"], job["status"], job["hyperparameters"]["rank"]) == (str(failed.pk), "queued", 99)
    assert api(alice).post(f"/api/jobs/{job['id']}/retry").status_code == 409


def test_the_estimate_is_made_from_our_own_rows(api: Api, alice: User) -> None:
    answer = api(alice).post("/api/jobs/estimate", order(alice))
    estimate = answer.json()["data"]
    assert (estimate["tokens"], estimate["steps"], estimate["effective_batch_size"]) == (81_000, 63, 8)
    assert (estimate["price_per_hour"], estimate["priced"], estimate["tokens_estimated"]) == (7.0, True, True)
    assert 0 < estimate["cost"]["low"] < estimate["cost"]["high"]
    assert 0 < estimate["duration_seconds"]["low"] < estimate["duration_seconds"]["high"]
    assert not TrainingJob.objects.exists()


def test_the_estimate_refuses_what_creating_refuses(api: Api, alice: User) -> None:
    body = order(alice, hyperparameters={"epochs": 51})
    refusals = [api(alice).post(path, body).json()["error"] for path in ("/api/jobs", "/api/jobs/estimate")]
    assert refusals[0] == refusals[1]


PATHS = [
    ("get", ""),
    ("get", "/metrics"),
    ("get", "/metrics.csv"),
    ("get", "/loss.png"),
    ("get", "/loss.svg"),
    ("get", "/loss.pdf"),
    ("get", "/events"),
    ("get", "/logs"),
    ("get", "/logs?download=1"),
    ("get", "/artifact"),
    ("get", "/checkpoints"),
    ("get", "/configuration"),
    ("post", "/cancel"),
    ("post", "/retry"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_somebody_elses_job_is_a_404_like_one_that_does_not_exist(
    api: Api, alice: User, bob: User, operator: User, method: str, path: str
) -> None:
    job = factories.job(alice)
    factories.artifact(job)
    answers = [
        getattr(api(user), method)(f"/api/jobs/{id}{path}")
        for user, id in ((bob, job.pk), (operator, job.pk), (alice, uuid.uuid4()))
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1
    job.refresh_from_db()
    assert job.status == Status.RUNNING


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nobody_gets_in_without_a_token(alice: User, method: str, path: str) -> None:
    answer = getattr(APIClient(), method)(f"/api/jobs/{factories.job(alice).pk}{path}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_creating_is_limited_more_tightly_than_listing(api: Api, alice: User) -> None:
    client = api(alice)
    body = order(alice)
    assert {client.post("/api/jobs", body).status_code for _ in range(60)} == {201}
    refused = client.post("/api/jobs", body)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert client.get("/api/jobs").status_code == 200
