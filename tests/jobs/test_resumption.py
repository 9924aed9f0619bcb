"""A new job from an ended one: the same again with other settings, or on from one of its checkpoints."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from jobs import services
from jobs.exceptions import InvalidJob
from jobs.hyperparameters import FIELDS
from jobs.models import BaseModel, Checkpoint, Cluster, TrainingJob
from jobs.states import Status
from tests import factories

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]


def saved(job: TrainingJob, step: int, *, restart: int = 0, loss: float | None = None) -> Checkpoint:
    return Checkpoint.objects.create(
        job=job,
        owner=job.owner,
        attempt=1,
        restart=restart,
        step=step,
        validation_loss=loss,
        storage_prefix=f"alice/{job.pk}/1/checkpoints/step-{step:06d}-r{restart}/",
        files=[{"path": "adapter_model.safetensors", "size": 10, "sha256": "ab" * 32}],
    )


@pytest.fixture
def ended(alice: User) -> TrainingJob:
    """A failed job of alice's with three checkpoints, the second one its best."""
    job = factories.job(alice, Status.FAILED)
    for step, loss in ((10, 0.9), (20, 0.4), (30, None)):
        saved(job, step, loss=loss)
    return job


def retried(api: Api, user: User, job: TrainingJob, **body: Any) -> Any:
    return api(user).post(f"/api/jobs/{job.pk}/retry", body, format="json")


# -- Retry --------------------------------------------------------------------------------------------------


def test_a_retry_takes_other_settings_and_another_name(api: Api, alice: User, ended: TrainingJob) -> None:
    answer = retried(api, alice, ended, hyperparameters={"rank": 4}, name="Smaller")
    job = answer.json()["data"]["job"]
    assert answer.status_code == 201
    assert (job["name"], job["hyperparameters"]["rank"], job["resume_from"]) == ("Smaller", 4, None)
    assert job["hyperparameters"]["alpha"] == ended.hyperparameters["alpha"]
    assert api(alice).get(f"/api/jobs/{ended.pk}").json()["data"]["job"]["retries"] == [job["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hyperparameters": {"rank": 10_000}}, "hyperparameters.rank"),
        ({"hyperparameters": {"learning_rat": 1}}, "hyperparameters.learning_rat"),
        ({"resume": "latest"}, "resume"),
        ({"resume_from": "newest"}, "resume_from"),
        ({"resume_from": {"attempt": 1}}, "resume_from"),
        ({"resume_from": {"step": -1}}, "resume_from"),
        ({"resume_from": {"step": True}}, "resume_from"),
        ({"resume_from": {"step": 10, "stp": 1}}, "resume_from"),
        ({"resume_from": [10]}, "resume_from"),
        ({"resume_from": {"step": 11}}, "resume_from"),
        ({"resume_from": {"attempt": 2**40, "step": 10}}, "resume_from"),
    ],
)
def test_what_cannot_be_retried_that_way_is_refused_by_name(
    body: dict[str, Any], field: str, api: Api, alice: User, ended: TrainingJob
) -> None:
    answer = retried(api, alice, ended, **body)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]
    assert TrainingJob.objects.count() == 1


def test_however_often_a_retry_arrives_with_one_key_it_is_one_job(api: Api, alice: User, ended: TrainingJob) -> None:
    def asked(**body: Any) -> Any:
        headers = {"Idempotency-Key": "retry-1"}
        return api(alice).post(f"/api/jobs/{ended.pk}/retry", body, format="json", headers=headers)

    first, again = asked(resume_from="best"), asked(resume_from="best")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["data"]["job"]["id"] == again.json()["data"]["job"]["id"]
    assert (asked().status_code, asked(resume_from="latest").status_code) == (409, 409)
    assert TrainingJob.objects.count() == 2


def test_a_key_of_one_jobs_retry_does_not_stand_for_anothers(api: Api, alice: User, ended: TrainingJob) -> None:
    other = factories.job(alice, Status.FAILED, dataset=ended.dataset, name=ended.name)
    assert [
        api(alice).post(f"/api/jobs/{job.pk}/retry", headers={"Idempotency-Key": "retry-1"}).status_code
        for job in (ended, other)
    ] == [201, 409]


def test_a_job_of_before_a_setting_existed_is_retried_with_its_default(alice: User, ended: TrainingJob) -> None:
    old = {"learning_rate": 1e-4, "batch_size": 2, "epochs": 3, "rank": 8, "alpha": 16, "dropout": 0.0}
    TrainingJob.objects.filter(pk=ended.pk).update(hyperparameters=old)
    job, _ = services.job_retry(user=alice, job_id=ended.pk)
    assert job.hyperparameters == {**{name: field.default for name, field in FIELDS.items()}, **old}


def test_a_length_that_the_base_model_cannot_have_is_lowered_on_a_retry(alice: User, ended: TrainingJob) -> None:
    unlike = {"max_length": 640, "learning_rate": 3e-5}  # than the preset says
    TrainingJob.objects.filter(pk=ended.pk).update(hyperparameters={**ended.hyperparameters, **unlike})
    for context_length, becomes in ((1024, 640), (640, 640), (512, 512)):
        BaseModel.objects.filter(pk=ended.base_model_id).update(context_length=context_length)
        job, _ = services.job_retry(user=alice, job_id=ended.pk)
        assert (job.hyperparameters["max_length"], job.hyperparameters["learning_rate"]) == (becomes, 3e-5)
    with pytest.raises(InvalidJob, match="at most 512"):
        services.job_retry(user=alice, job_id=ended.pk, hyperparameters={"max_length": 1024})


def test_of_the_sentinels_rules_only_those_given_change_on_a_retry(alice: User, ended: TrainingJob) -> None:
    rules = {**ended.sentinel, "nan": "off", "spike": "stop_and_keep"}
    TrainingJob.objects.filter(pk=ended.pk).update(sentinel=rules)
    same, _ = services.job_retry(user=alice, job_id=ended.pk)
    assert (same.sentinel["nan"], same.sentinel["spike"]) == ("off", "stop_and_keep")
    other, _ = services.job_retry(user=alice, job_id=ended.pk, sentinel={"spike": "notify"})
    assert (other.sentinel["nan"], other.sentinel["spike"]) == ("off", "notify")


# -- Which checkpoint ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "step"),
    [("latest", 30), ("best", 20), ({"step": 10}, 10), ({"attempt": 1, "restart": 0, "step": 20}, 20)],
)
def test_a_job_goes_on_from_the_checkpoint_that_is_asked_for(
    which: Any, step: int, api: Api, alice: User, ended: TrainingJob
) -> None:
    job = retried(api, alice, ended, resume_from=which).json()["data"]["job"]
    assert job["resume_from"] == {"job_id": str(ended.pk), "attempt": 1, "restart": 0, "step": step}
    assert job["retry_of"] == str(ended.pk)
    assert f"step {step}" in TrainingJob.objects.get(pk=job["id"]).events.get().message


def test_of_a_step_that_was_trained_twice_the_last_counts(alice: User, ended: TrainingJob) -> None:
    again = saved(ended, 10, restart=1)
    assert services.job_retry(user=alice, job_id=ended.pk, resume_from={"step": 10})[0].resume_from == again


@pytest.mark.parametrize("which", ["latest", "best"])
def test_a_job_without_checkpoints_says_so(which: str, alice: User) -> None:
    with pytest.raises(InvalidJob, match="none in storage"):
        services.job_retry(user=alice, job_id=factories.job(alice, Status.FAILED).pk, resume_from=which)


def test_a_retry_of_a_resumed_job_starts_where_that_one_started(alice: User, ended: TrainingJob) -> None:
    resumed, _ = services.job_retry(user=alice, job_id=ended.pk, resume_from="best")
    TrainingJob.objects.filter(pk=resumed.pk).update(status=Status.FAILED)
    assert services.job_retry(user=alice, job_id=resumed.pk)[0].resume_from == resumed.resume_from


# -- What may change ----------------------------------------------------------------------------------------


def test_learning_rate_and_length_of_the_run_may_change(alice: User, ended: TrainingJob) -> None:
    changes = {"learning_rate": 1e-5, "epochs": 5, "max_steps": 200}
    job, _ = services.job_retry(user=alice, job_id=ended.pk, resume_from="latest", hyperparameters=changes)
    assert {name: job.hyperparameters[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("name", "value"), [("rank", 4), ("target_modules", "attention"), ("seed", 7), ("batch_size", 1), ("packing", True)]
)
def test_what_shapes_the_adapter_or_the_order_of_examples_may_not(
    name: str, value: Any, api: Api, alice: User, ended: TrainingJob
) -> None:
    answer = retried(api, alice, ended, resume_from="latest", hyperparameters={name: value})
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [f"hyperparameters.{name}"]


def test_the_same_value_is_no_change(alice: User, ended: TrainingJob) -> None:
    same = {"rank": ended.hyperparameters["rank"]}
    assert services.job_retry(user=alice, job_id=ended.pk, resume_from="latest", hyperparameters=same)[0].resume_from


def test_settings_that_a_job_is_too_old_to_have_cannot_change_either(alice: User, ended: TrainingJob) -> None:
    old = {name: value for name, value in ended.hyperparameters.items() if name != "target_modules"}
    TrainingJob.objects.filter(pk=ended.pk).update(hyperparameters=old)
    changes = {"target_modules": "attention"}
    with pytest.raises(InvalidJob, match="all-linear"):
        services.job_retry(user=alice, job_id=ended.pk, resume_from="latest", hyperparameters=changes)


@pytest.mark.parametrize("max_steps", [20, 30, 30.0])
def test_a_run_that_has_nothing_left_to_train_is_refused(max_steps: float, alice: User, ended: TrainingJob) -> None:
    with pytest.raises(InvalidJob, match="nothing left to train"):
        services.job_retry(user=alice, job_id=ended.pk, resume_from="latest", hyperparameters={"max_steps": max_steps})


def test_the_end_of_a_run_is_gone_on_from_with_more_epochs_only(alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED)
    saved(job, job.total_steps)
    with pytest.raises(InvalidJob, match="end of the run"):
        services.job_retry(user=alice, job_id=job.pk, resume_from="latest")
    same = {"epochs": job.hyperparameters["epochs"]}
    with pytest.raises(InvalidJob, match="end of the run"):
        services.job_retry(user=alice, job_id=job.pk, resume_from="latest", hyperparameters=same)
    longer, _ = services.job_retry(user=alice, job_id=job.pk, resume_from="latest", hyperparameters={"epochs": 6})
    TrainingJob.objects.filter(pk=longer.pk).update(status=Status.FAILED)
    assert services.job_retry(user=alice, job_id=longer.pk)[0].resume_from == longer.resume_from


def test_another_file_of_the_dataset_is_not_mixed_in(alice: User, ended: TrainingJob) -> None:
    ended.attempts.update(request={"dataset_sha256": "cd" * 32})
    with pytest.raises(InvalidJob, match="another one by now"):
        services.job_retry(user=alice, job_id=ended.pk, resume_from="latest")


# -- Whose, and where ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.RUNNING, Status.CANCELLING])
def test_a_job_that_is_still_going_is_not_gone_on_from(
    status: Status, api: Api, alice: User, ended: TrainingJob
) -> None:
    TrainingJob.objects.filter(pk=ended.pk).update(status=status)
    assert retried(api, alice, ended, resume_from="latest").status_code == 409


def test_nobody_goes_on_from_anothers_checkpoint(api: Api, bob: User, ended: TrainingJob) -> None:
    assert retried(api, bob, ended, resume_from="latest").status_code == 404


@pytest.mark.parametrize(("level", "features"), [(1, []), (2, ["lookup"])])
def test_a_cluster_that_would_start_anew_is_a_conflict(
    level: int, features: list[str], api: Api, alice: User, ended: TrainingJob
) -> None:
    Cluster.objects.create(name="default", level=level, features=features)
    answer = retried(api, alice, ended, resume_from="latest")
    assert answer.status_code == 409
    assert "cannot go on from a checkpoint" in answer.json()["error"]["message"]
    assert retried(api, alice, ended).status_code == 201


def test_a_cluster_that_would_ignore_a_validation_dataset_is_a_conflict(api: Api, alice: User) -> None:
    Cluster.objects.create(name="default", level=1)
    body = {"dataset_id": str(factories.dataset(alice).pk), "gpu_config": {"type": "A100-80GB"}}
    answer = api(alice).post("/api/jobs", {**body, "validation_dataset_id": str(factories.dataset(alice).pk)})
    assert answer.status_code == 409
    assert "takes no validation dataset" in answer.json()["error"]["message"]
    assert api(alice).post("/api/jobs", body).status_code == 201


# -- Reading ------------------------------------------------------------------------------------------------


def test_checkpoints_are_listed_with_the_best_one_marked(api: Api, alice: User, ended: TrainingJob) -> None:
    listed = api(alice).get(f"/api/jobs/{ended.pk}/checkpoints").json()["data"]["checkpoints"]
    assert [(each["step"], each["validation_loss"], each["is_best"]) for each in listed] == [
        (10, 0.9, False),
        (20, 0.4, True),
        (30, None, False),
    ]
    assert (listed[0]["size"], listed[0]["files"][0]["path"]) == (10, "adapter_model.safetensors")
    assert api(alice).get(f"/api/jobs/{ended.pk}").json()["data"]["job"]["checkpoints_count"] == 3


def test_a_jobs_configuration_makes_the_same_job_again(api: Api, alice: User) -> None:
    first = api(alice).post(
        "/api/jobs",
        {
            "dataset_id": str(factories.dataset(alice, sha256="ab" * 32).pk),
            "gpu_config": {"type": "A100-80GB", "count": 2},
            "hyperparameters": {"rank": 4, "seed": 11},
            "validation_dataset_id": str(factories.dataset(alice, sha256="cd" * 32).pk),
        },
        format="json",
    )
    id = first.json()["data"]["job"]["id"]
    told = api(alice).get(f"/api/jobs/{id}/configuration").json()["data"]
    again = api(alice).post("/api/jobs", told["request"], format="json")
    assert again.status_code == 201, again.content
    once, twice = (TrainingJob.objects.get(pk=each.json()["data"]["job"]["id"]) for each in (first, again))
    for name in ("name", "hyperparameters", "gpu_config", "dataset", "validation_dataset", "base_model", "preset"):
        assert getattr(once, name) == getattr(twice, name), name
    made_from = told["provenance"]
    assert (made_from["dataset"]["sha256"], made_from["seed"], made_from["price_per_hour"]) == ("ab" * 32, 11, 7.0)
    assert made_from["versions"]["control_plane"]
    assert made_from["estimate"]["steps"] == once.total_steps
    assert made_from["base_model"]["source"] == BaseModel.objects.get(is_default=True).source


def test_a_configuration_whose_dataset_changed_is_refused(api: Api, alice: User, ended: TrainingJob) -> None:
    ended.attempts.update(request={"dataset_sha256": "cd" * 32})
    request = api(alice).get(f"/api/jobs/{ended.pk}/configuration").json()["data"]["request"]
    answer = api(alice).post("/api/jobs", request, format="json")
    assert answer.status_code == 400
    assert "dataset_sha256" in answer.json()["error"]["details"]


def test_what_a_job_took_stands_beside_what_was_expected(api: Api, alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED, estimate={"steps": 69, "tokens": 90_000})
    factories.artifact(job, training_summary={"seconds": 12.5, "steps": 70, "tokens": {"processed": 81_000}})
    told = api(alice).get(f"/api/jobs/{job.pk}").json()["data"]["job"]
    assert told["estimate"] == {"steps": 69, "tokens": 90_000}
    assert told["actual"] == {"seconds": 12.5, "tokens": 81_000, "steps": 70, "cost": 1.12}


def test_nothing_is_said_of_what_a_running_job_took(api: Api, alice: User) -> None:
    told = api(alice).get(f"/api/jobs/{factories.job(alice).pk}").json()["data"]["job"]
    assert (told["actual"], told["estimate"], told["checkpoints_count"], told["retries"]) == (None, None, 0, [])
