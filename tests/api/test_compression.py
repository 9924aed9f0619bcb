"""Pages and JSON are compressed for clients that take it; nothing else is touched."""

import gzip
import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize("path", ["/api/jobs/{job}", "/training/jobs/{job}", "/api/jobs/{job}/loss.svg"])
def test_an_answer_is_compressed_and_says_so(client: Client, alice: User, path: str) -> None:
    job = factories.job(alice)
    factories.points(job, {step: {"training_loss": 1.0} for step in range(100)})
    address = path.format(job=job.pk)
    plain = client.get(address)
    small = client.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert (plain.has_header("Content-Encoding"), small["Content-Encoding"]) == (False, "gzip")
    assert "Accept-Encoding" in plain["Vary"]
    assert "Accept-Encoding" in small["Vary"]
    assert int(small["Content-Length"]) == len(small.content) < len(plain.content) / 2
    unpacked = gzip.decompress(small.content)
    if path.startswith("/api") and "svg" not in path:
        assert json.loads(unpacked)["data"]["metrics"] == plain.json()["data"]["metrics"]
        again = client.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": small["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity, gzip; q=0.0"])
def test_a_client_that_takes_no_gzip_gets_none(client: Client, alice: User, accepted: str) -> None:
    job = factories.job(alice)
    assert not client.get(f"/training/jobs/{job.pk}", headers={"Accept-Encoding": accepted}).has_header(
        "Content-Encoding"
    )


def test_files_and_small_answers_go_as_they_are(client: Client, alice: User) -> None:
    job = factories.job(alice)
    for path in ("metrics.csv", "loss.png", "checkpoints"):
        answer = client.get(f"/api/jobs/{job.pk}/{path}", headers={"Accept-Encoding": "gzip"})
        assert not answer.has_header("Content-Encoding")


def test_lengths_do_not_tell_what_is_in_them(client: Client, alice: User) -> None:
    job = factories.job(alice)
    lengths = {
        len(client.get(f"/api/jobs/{job.pk}/loss.svg", headers={"Accept-Encoding": "gzip"}).content) for _ in range(8)
    }
    assert len(lengths) > 1
