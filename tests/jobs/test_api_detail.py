"""One job over the API: its points, costs and timeline, 304 while nothing changed, files to take away."""

import csv
import math
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from datasets.models import Dataset
from datasets.storage.base import ObjectStore
from jobs import series
from jobs.api.outputs.run import MetricsPointOutput, PointMeansOutput
from jobs.charts.inks import INKS
from jobs.charts.subjects import SUBJECTS
from jobs.models import JobLog, MetricsPoint, TrainingJob
from jobs.states import Status
from tests import factories

Api = Callable[[User], APIClient]


@pytest.fixture
def job(alice: User) -> TrainingJob:
    job = factories.job(alice)
    factories.points(job, {step: {"training_loss": 3 / step, "learning_rate": 0.0} for step in range(1, 6)})
    return job


def test_it_tells_the_job_its_points_and_what_it_cost(api: Api, alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED)
    artifact = factories.artifact(job)
    factories.points(job, {1: {"training_loss": 3.0}, 2: {"training_loss": 0.0}})
    data = api(alice).get(f"/api/jobs/{job.pk}").json()["data"]
    assert data["job"]["dataset"]["total_training_pairs"] == 180
    assert data["job"]["current_metrics"]["validation_loss"] == 0.0
    assert data["job"]["elapsed_seconds"] == 480.0
    assert (data["job"]["artifact_id"], data["job"]["artifact_status"]) == (str(artifact.pk), "ready")
    assert [(p["step"], p["training_loss"]) for p in data["metrics"]] == [(1, 3.0), (2, 0.0)]
    assert (data["metrics_total"], data["metrics_superseded"]) == (2, 0)
    [cost] = data["cost_records"]
    assert (cost["amount"], cost["cost_type"], cost["attempt"]) == (1.12, "training_compute", 1)
    assert cost["billing_period_start"] == "2026-11-23T12:01:00Z"


def test_a_failed_job_says_why_and_what_to_do(api: Api, alice: User) -> None:
    job = factories.job(alice, Status.FAILED)
    error = api(alice).get(f"/api/jobs/{job.pk}").json()["data"]["job"]["error"]
    assert (error["code"], error["side"], error["message"]) == ("out_of_memory", "settings", "CUDA out of memory")
    assert "Lower the batch size" in error["advice"]
    assert (error["retry"], error["retried_automatically"]) == ("never", False)


def test_it_needs_few_queries(
    api: Api, alice: User, job: TrainingJob, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client = api(alice)
    with django_assert_max_num_queries(10):
        first = client.get(f"/api/jobs/{job.pk}")
    with django_assert_max_num_queries(3):
        client.get(f"/api/jobs/{job.pk}", headers={"If-None-Match": first["ETag"]})
    factories.points(job, {6: {"training_loss": 0.4}})
    with django_assert_max_num_queries(5):  # the new point, and its time
        client.get(f"/api/jobs/{job.pk}?since={first.json()['data']['metrics_next']}")


def test_of_a_run_that_has_cost_nothing_yet_two_queries_find_nothing_new(
    api: Api, alice: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    job, client = factories.job(alice), api(alice)
    first = client.get(f"/api/jobs/{job.pk}")
    with django_assert_max_num_queries(2):  # who asks, and the job
        again = client.get(f"/api/jobs/{job.pk}", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    factories.cost(job)
    news = client.get(f"/api/jobs/{job.pk}", headers={"If-None-Match": first["ETag"]})
    assert [record["amount"] for record in news.json()["data"]["cost_records"]] == [1.12]


def test_nothing_is_sent_again_while_nothing_changed(api: Api, alice: User, job: TrainingJob) -> None:
    client = api(alice)
    first = client.get(f"/api/jobs/{job.pk}")
    again = client.get(f"/api/jobs/{job.pk}", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Cache-Control"] == "private, no-cache"


def new_point(job: TrainingJob) -> None:
    factories.points(job, {9: {"training_loss": 0.1}})


def filled_gap(job: TrainingJob) -> None:
    MetricsPoint.objects.filter(job=job, step=1).update(validation_loss=2.0, version=job.metrics_version + 1)
    TrainingJob.objects.filter(pk=job.pk).update(metrics_version=job.metrics_version + 1)


CHANGES: dict[str, Callable[[TrainingJob], object]] = {
    "status": lambda job: TrainingJob.objects.filter(pk=job.pk).update(status="cancelling"),
    "progress": lambda job: TrainingJob.objects.filter(pk=job.pk).update(progress=41.0),
    "cost": lambda job: TrainingJob.objects.filter(pk=job.pk).update(current_cost="0.43"),
    "waiting": lambda job: TrainingJob.objects.filter(pk=job.pk).update(waiting_for="the cluster"),
    "cost record": factories.cost,
    "artifact": factories.artifact,
    "dataset": lambda job: Dataset.objects.filter(pk=job.dataset_id).update(name="Renamed"),
    "new point": new_point,
    "filled gap": filled_gap,
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_that_shows_is_sent(api: Api, alice: User, job: TrainingJob, change: str) -> None:
    client = api(alice)
    etag = client.get(f"/api/jobs/{job.pk}")["ETag"]
    CHANGES[change](job)
    answer = client.get(f"/api/jobs/{job.pk}", headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert answer["ETag"] != etag


def test_another_question_has_another_tag(api: Api, alice: User, job: TrainingJob) -> None:
    client = api(alice)
    etag = client.get(f"/api/jobs/{job.pk}")["ETag"]
    answer = client.get(f"/api/jobs/{job.pk}?max_points=50", headers={"If-None-Match": etag})
    assert answer.status_code == 200


def test_since_brings_only_what_is_new(api: Api, alice: User, job: TrainingJob) -> None:
    client = api(alice)
    first = client.get(f"/api/jobs/{job.pk}/metrics").json()["data"]
    assert (len(first["metrics"]), first["total"]) == (5, 5)
    factories.points(job, {6: {"training_loss": 0.4}})
    for path in ("metrics?", "?"):
        address = f"/api/jobs/{job.pk}/{path}".replace("/?", "?")
        news = client.get(f"{address}since={first['next']}").json()["data"]
        assert [point["step"] for point in news["metrics"]] == [6]


def test_many_points_become_a_charts_worth_with_their_extremes(api: Api, alice: User, job: TrainingJob) -> None:
    loss = {step: 2 + math.sin(step) for step in range(10, 3010)}
    loss[1234], loss[2345] = 99.0, -99.0
    factories.points(job, {step: {"training_loss": value} for step, value in loss.items()})
    data = api(alice).get(f"/api/jobs/{job.pk}?max_points=100").json()["data"]
    assert len(data["metrics"]) <= 100
    assert data["metrics_total"] == 3005
    assert {1234, 2345} <= {point["step"] for point in data["metrics"]}
    assert [point["step"] for point in data["metrics"]] == sorted(point["step"] for point in data["metrics"])


@pytest.mark.parametrize("query", ["max_points=49", "max_points=10001", "max_points=x", "since=-1"])
def test_an_impossible_number_of_points_is_refused(api: Api, alice: User, job: TrainingJob, query: str) -> None:
    assert api(alice).get(f"/api/jobs/{job.pk}/metrics?{query}").status_code == 400


def test_a_range_of_steps_is_asked_for_its_finer_points(api: Api, alice: User, job: TrainingJob) -> None:
    factories.points(job, {step: {"training_loss": 1.0} for step in range(10, 2010)})
    data = api(alice).get(f"/api/jobs/{job.pk}/metrics?from_step=100&to_step=199&max_points=1000").json()["data"]
    assert [point["step"] for point in data["metrics"]] == list(range(100, 200))
    assert (data["matching"], data["total"]) == (100, 2005)
    assert (data["matching_superseded"], data["superseded"]) == (0, 0)
    answer = api(alice).get(f"/api/jobs/{job.pk}/metrics.csv?from_step=100&to_step=101")
    assert len(answer.getvalue().splitlines()) == 3


@pytest.mark.parametrize("path", ["metrics", "metrics.csv", "loss.png", "throughput.csv"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from_step=-1", "from_step"),
        ("to_step=x", "to_step"),
        (f"to_step={2**63}", "to_step"),
        ("from_step=9&to_step=8", "to_step"),
    ],
)
def test_an_impossible_range_is_refused_beside_its_field(
    api: Api, alice: User, job: TrainingJob, path: str, query: str, field: str
) -> None:
    answer = api(alice).get(f"/api/jobs/{job.pk}/{path}?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [field]


def test_points_are_documented_as_they_are() -> None:
    assert set(MetricsPointOutput().fields) == {
        *series.POINT_COLUMNS,
        "superseded",
        "stands_for",
        "means",
    }
    assert tuple(PointMeansOutput().fields) == series.AVERAGED


def test_the_csv_has_every_point_and_only_numbers_and_times(api: Api, alice: User, job: TrainingJob) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(name='=cmd|"/c calc"!A1')
    factories.points(job, {6: {"training_loss": -0.5, "timestamp": factories.NOW}})
    answer = api(alice).get(f"/api/jobs/{job.pk}/metrics.csv", headers={"Accept": "text/csv"})
    header, *rows = csv.reader(answer.getvalue().decode().splitlines())
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="job-{job.short_id}-metrics.csv"'
    assert tuple(header) == series.POINT_COLUMNS
    assert [float(row[2]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1][4:] == ["-0.5", "", "", "", "", "", "", "2026-11-23T12:00:00Z"]


@pytest.mark.parametrize("chart", SUBJECTS)
@pytest.mark.parametrize(
    ("ending", "content_type", "beginning"),
    [("png", "image/png", b"\x89PNG"), ("svg", "image/svg+xml", b"<?xml"), ("pdf", "application/pdf", b"%PDF")],
)
def test_every_chart_comes_in_three_formats(
    api: Api, alice: User, job: TrainingJob, chart: str, ending: str, content_type: str, beginning: bytes
) -> None:
    client = api(alice)
    answer = client.get(f"/api/jobs/{job.pk}/{chart}.{ending}", headers={"Accept": content_type})
    assert answer["Content-Type"] == content_type
    assert answer.content.startswith(beginning)
    assert answer["Content-Disposition"] == f'inline; filename="job-{job.short_id}-{chart}.{ending}"'
    again = client.get(f"/api/jobs/{job.pk}/{chart}.{ending}", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304


def test_a_picture_looks_as_it_is_asked_to(api: Api, alice: User, job: TrainingJob) -> None:
    factories.checkpoint(job, 3)
    ends = ("", "?theme=dark", "?marks=false", "?theme=light&marks=true")
    light, dark, plain, usual = [api(alice).get(f"/api/jobs/{job.pk}/loss.svg{query}") for query in ends]
    assert (light.content, light["ETag"]) == (usual.content, usual["ETag"])
    hiding = api(alice).get(f"/api/jobs/{job.pk}/loss.svg?hide=validation_loss")
    assert len({answer["ETag"] for answer in (light, dark, plain, hiding)}) == 4
    assert INKS["light"]["validation"].encode() not in hiding.content
    assert INKS["dark"]["surface"].encode() in dark.content
    assert (b"checkpoint" in light.content.lower(), b"checkpoint" in plain.content.lower()) == (True, False)


def test_a_picture_is_another_one_once_a_checkpoint_was_saved_or_something_found(
    api: Api, alice: User, job: TrainingJob
) -> None:
    tags = [api(alice).get(f"/api/jobs/{job.pk}/loss.svg")["ETag"]]
    factories.checkpoint(job, 3)
    tags.append(api(alice).get(f"/api/jobs/{job.pk}/loss.svg")["ETag"])
    warnings = [{"code": "sentinel_spike", "message": "A spike", "step": 4}, {"code": "slow", "message": "Slow"}]
    TrainingJob.objects.filter(pk=job.pk).update(warnings=warnings)
    found = api(alice).get(f"/api/jobs/{job.pk}/loss.svg")
    assert b">spike<" in found.content
    assert len({*tags, found["ETag"]}) == 3


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("loss.png", "theme=pink", "theme"),
        ("loss.svg", "marks=perhaps", "marks"),
        ("loss.pdf", "smoothing=1", "smoothing"),
        ("loss.pdf", "smoothing=nan", "smoothing"),
        ("loss.png", "x=depth", "x"),
        ("learning-rate.png", "smoothing=0.5", "smoothing"),
        ("gpu-utilization.svg", "log=true", "log"),
        ("loss.svg", "hide=throughput", "hide"),
        ("loss.svg", "hide=training_loss&hide=validation_loss", "hide"),
        ("throughput.svg", "hide=training_loss", "hide"),
    ],
)
def test_a_look_that_there_is_not_is_refused_beside_its_field(
    api: Api, alice: User, job: TrainingJob, path: str, query: str, field: str
) -> None:
    answer = api(alice).get(f"/api/jobs/{job.pk}/{path}?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [field]


def test_a_chart_comes_as_a_table_of_its_values_alone(api: Api, alice: User, job: TrainingJob) -> None:
    factories.points(job, {6: {"gradient_norm": 0.5, "timestamp": factories.NOW}, 7: {"gradient_norm": 0.25}})
    answer = api(alice).get(f"/api/jobs/{job.pk}/gradient-norm.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="job-{job.short_id}-gradient-norm.csv"'
    assert answer.getvalue().decode().splitlines() == [
        "attempt,restart,step,epoch,gradient_norm,timestamp",
        "1,0,6,,0.5,2026-11-23T12:00:00Z",
        "1,0,7,,0.25,",
    ]
    one = api(alice).get(f"/api/jobs/{job.pk}/gradient-norm.csv?from_step=7")
    assert len(one.getvalue().splitlines()) == 2
    loss = api(alice).get(f"/api/jobs/{job.pk}/loss.csv").getvalue().decode().splitlines()
    assert loss[0] == "attempt,restart,step,epoch,training_loss,validation_loss,timestamp"
    assert len(loss) == 6


def test_a_chart_that_there_is_not_is_a_404(api: Api, alice: User, job: TrainingJob) -> None:
    for path in ("accuracy.png", "loss.gif", "loss", "lossy.png"):
        assert api(alice).get(f"/api/jobs/{job.pk}/{path}").status_code == 404


def test_a_job_without_points_has_a_picture_too(api: Api, alice: User) -> None:
    job = factories.job(alice, Status.QUEUED)
    assert b"No points yet" in api(alice).get(f"/api/jobs/{job.pk}/loss.svg").content


def test_a_simulated_run_says_so_on_its_picture(api: Api, alice: User) -> None:
    job = factories.job(alice, simulated=True)
    assert b"simulated run" in api(alice).get(f"/api/jobs/{job.pk}/loss.svg").content


def test_events_tell_the_story_in_order(api: Api, alice: User, job: TrainingJob) -> None:
    factories.event(job, kind="warning", message="The loss is NaN.", actor="cluster", detail={"code": "nan"})
    events = api(alice).get(f"/api/jobs/{job.pk}/events").json()["data"]["events"]
    assert [event["kind"] for event in events] == ["status", "status", "warning"]
    assert (events[1]["from_status"], events[1]["to_status"]) == ("queued", "running")
    assert (events[2]["message"], events[2]["detail"]) == ("The loss is NaN.", {"code": "nan"})


def test_a_job_without_a_log_has_no_lines(api: Api, alice: User, job: TrainingJob) -> None:
    assert api(alice).get(f"/api/jobs/{job.pk}/logs").json()["data"] == {
        "lines": [],
        "total_lines": 0,
        "complete": False,
        "download_url": None,
    }


def test_a_finished_log_can_be_downloaded_as_a_whole(
    api: Api, alice: User, job: TrainingJob, store: ObjectStore
) -> None:
    JobLog.objects.create(job=job, owner=alice, tail="a\nb", total_lines=900, storage_path="alice/x/1/training.log")
    log = api(alice).get(f"/api/jobs/{job.pk}/logs").json()["data"]
    assert (log["lines"], log["total_lines"], log["complete"]) == (["a", "b"], 900, True)
    assert "training.log?" in log["download_url"]


def test_a_log_in_storage_comes_as_a_text_file(api: Api, alice: User, job: TrainingJob, store: ObjectStore) -> None:
    store.put(bucket="lora-models", path="alice/x/logs/1.log", body=BytesIO(b"one\ntwo\n"))
    JobLog.objects.create(job=job, owner=alice, tail="two", total_lines=2, storage_path="alice/x/logs/1.log")
    answer = api(alice).get(f"/api/jobs/{job.pk}/logs?download=1", headers={"Accept": "text/plain"})
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="job-{job.short_id}-log.txt"'
    assert answer.getvalue() == b"one\ntwo\n"


def test_before_the_end_a_log_file_holds_the_lines_that_are_here(api: Api, alice: User, job: TrainingJob) -> None:
    JobLog.objects.create(job=job, owner=alice, tail="one\ntwo", total_lines=2)
    assert api(alice).get(f"/api/jobs/{job.pk}/logs?download=1").getvalue() == b"one\ntwo\n"


def test_a_log_that_is_missing_in_storage_is_no_half_download(
    api: Api, alice: User, job: TrainingJob, store: ObjectStore
) -> None:
    JobLog.objects.create(job=job, owner=alice, storage_path="alice/x/logs/1.log")
    answer = api(alice).get(f"/api/jobs/{job.pk}/logs?download=1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "object_missing")


def test_files_of_a_ready_artifact_have_signed_urls(
    api: Api, alice: User, job: TrainingJob, store: ObjectStore
) -> None:
    factories.artifact(job)
    [file] = api(alice).get(f"/api/jobs/{job.pk}/artifact").json()["data"]["artifact"]["files"]
    assert (file["path"], file["size"]) == ("adapter_model.safetensors", 9_800_000)
    assert f"/alice/{job.pk}/1/adapter_model.safetensors?" in file["url"]
    assert file["url_expires_at"].endswith("Z")


def test_files_that_are_still_collected_have_none(api: Api, alice: User, job: TrainingJob) -> None:
    factories.artifact(job, status="collecting")
    artifact = api(alice).get(f"/api/jobs/{job.pk}/artifact").json()["data"]["artifact"]
    assert (artifact["status"], artifact["files"][0]["url"]) == ("collecting", None)


def test_a_job_without_an_artifact_says_so(api: Api, alice: User, job: TrainingJob) -> None:
    error = api(alice).get(f"/api/jobs/{job.pk}/artifact").json()["error"]
    assert error["code"] == "artifact_not_found"
