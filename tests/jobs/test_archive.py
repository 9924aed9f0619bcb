"""An adapter as one .zip: whole, from storage, for its owner alone."""

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import cast

import pytest
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from rest_framework.test import APIClient

from datasets.storage.base import ObjectChanged
from jobs.models import TrainingJob
from jobs.states import Status
from tests import factories
from tests.datasets.conftest import PutObject

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]
WEIGHTS, CARD = b"\x00\x01" * 3_000_000, b"# An adapter\n" * 400
FILES = {"adapter_model.safetensors": WEIGHTS, "docs/README.md": CARD}


@pytest.fixture
def finished(alice: User, put_object: PutObject) -> TrainingJob:
    """A completed job of alice's whose files lie in lora-models."""
    return with_files(factories.job(alice, Status.COMPLETED), FILES, put_object)


def with_files(job: TrainingJob, files: Mapping[str, bytes], put_object: PutObject) -> TrainingJob:
    rows = [
        {"path": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()
    ]
    artifact = factories.artifact(job, files=rows)
    for name, body in files.items():
        put_object(artifact.storage_prefix + name, body, bucket="lora-models")
    return job


def archive_url(job: TrainingJob) -> str:
    return f"/api/jobs/{job.pk}/artifact/archive"


def streamed(api: Api, job: TrainingJob) -> StreamingHttpResponse:
    response = cast(StreamingHttpResponse, api(job.owner).get(archive_url(job)))
    assert response.status_code == 200
    return response


def test_the_archive_holds_every_file_below_one_folder(api: Api, finished: TrainingJob) -> None:
    response = streamed(api, finished)
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == f'attachment; filename="job-{finished.short_id}-adapter.zip"'
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        folder = f"job-{finished.short_id}-adapter/"
        assert {name: archive.read(folder + name) for name in FILES} == FILES
        assert len(archive.namelist()) == len(FILES)


def test_weights_are_stored_as_they_are_and_texts_compressed(api: Api, finished: TrainingJob) -> None:
    with zipfile.ZipFile(io.BytesIO(streamed(api, finished).getvalue())) as archive:
        weights, card = archive.infolist()
    assert (weights.compress_type, weights.compress_size) == (zipfile.ZIP_STORED, len(WEIGHTS))
    assert card.compress_type == zipfile.ZIP_DEFLATED
    assert card.compress_size < len(CARD) / 10


def test_it_is_sent_in_pieces_no_larger_than_those_from_storage(api: Api, finished: TrainingJob) -> None:
    pieces = [len(piece) for piece in streamed(api, finished)]
    assert sum(pieces) > len(WEIGHTS)
    assert max(pieces) <= 1024 * 1024 + 1024


def test_a_file_that_is_not_the_delivered_one_breaks_the_download_off(
    api: Api, finished: TrainingJob, put_object: PutObject
) -> None:
    put_object(finished.artifact.storage_prefix + "adapter_model.safetensors", b"other", bucket="lora-models")
    with pytest.raises(ObjectChanged, match=re.escape("adapter_model.safetensors")):
        streamed(api, finished).getvalue()


def test_a_file_that_is_gone_is_said_before_anything_is_sent(api: Api, alice: User, put_object: PutObject) -> None:
    job = factories.job(alice, Status.COMPLETED)
    factories.artifact(job)
    answer = api(alice).get(archive_url(job))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "object_missing"


def test_somebody_else_s_archive_is_not_found(api: Api, bob: User, finished: TrainingJob) -> None:
    assert api(bob).get(archive_url(finished)).json()["error"]["code"] == "not_found"


def test_without_an_artifact_there_is_no_archive(api: Api, alice: User) -> None:
    answer = api(alice).get(archive_url(factories.job(alice)))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "artifact_not_found")


def test_an_artifact_that_is_on_its_way_is_a_conflict(api: Api, alice: User) -> None:
    job = factories.job(alice)
    factories.artifact(job, status="collecting")
    assert api(alice).get(archive_url(job)).status_code == 409


def test_a_browser_s_session_opens_it_too(browse: Callable[[User], APIClient], finished: TrainingJob) -> None:
    assert browse(finished.owner).get(archive_url(finished)).status_code == 200
