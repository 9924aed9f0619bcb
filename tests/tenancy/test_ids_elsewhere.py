"""Ids that stand not in the path: in bodies, in queries, in the admin. Somebody else's is like one of nothing."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.datasets.conftest import PutObject
from tests.tenancy.belongings import Belongings
from tests.tenancy.conftest import Answer, Asker, rows
from tests.tenancy.routes import every_route

NEW_JOB = {"preset_id": "recommended", "gpu_config": {"type": "H100-80GB", "count": 2}}
Id = str
# (method, path, name of the id) → (whose id it is, path with its query, body); `mine` is the asker's own dataset.
TRIED: Mapping[tuple[str, str, str], tuple[str, Callable[[Id, Id], tuple[str, Any]]]] = {
    ("post", "/api/jobs", "dataset_id"): (
        "dataset",
        lambda theirs, mine: ("/api/jobs", {**NEW_JOB, "dataset_id": theirs}),
    ),
    ("post", "/api/jobs", "validation_dataset_id"): (
        "dataset",
        lambda theirs, mine: ("/api/jobs", {**NEW_JOB, "dataset_id": mine, "validation_dataset_id": theirs}),
    ),
    ("post", "/api/jobs/estimate", "dataset_id"): (
        "dataset",
        lambda theirs, mine: ("/api/jobs/estimate", {**NEW_JOB, "dataset_id": theirs}),
    ),
    ("post", "/api/jobs/estimate", "validation_dataset_id"): (
        "dataset",
        lambda theirs, mine: ("/api/jobs/estimate", {**NEW_JOB, "dataset_id": mine, "validation_dataset_id": theirs}),
    ),
    ("get", "/api/jobs", "dataset"): ("dataset", lambda theirs, mine: (f"/api/jobs?dataset={theirs}", None)),
    ("get", "/api/costs", "job"): ("job", lambda theirs, mine: (f"/api/costs?job={theirs}", None)),
}


def ids_in_the_document() -> Iterator[tuple[str, str, str]]:
    """Every UUID that the API's own document takes in a body or a query."""
    document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    components = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and parameter["schema"].get("format") == "uuid":
                    yield method, path, parameter["name"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = content["schema"]
                body = components[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
                for name, field in body.get("properties", {}).items():
                    if field.get("format") == "uuid":
                        yield method, path, name


def test_every_id_that_a_body_or_query_takes_is_tried() -> None:
    assert set(ids_in_the_document()) == set(TRIED), "Add what is new to TRIED: somebody else's id has to be refused."


@pytest.mark.parametrize("place", TRIED, ids=" ".join)
def test_somebody_elses_id_in_a_body_or_query_is_like_one_of_nothing(
    place: tuple[str, str, str], of_alice: Belongings, of_bob: Belongings
) -> None:
    kind, made = TRIED[place]
    theirs = str(of_alice.datasets[0].pk if kind == "dataset" else of_alice.jobs[1].pk)
    nothing, mine, bob = str(uuid.uuid4()), str(of_bob.datasets[0].pk), Asker(token=of_bob.token_secret)
    before = rows()
    for broken in ({}, {"hyperparameters": {"rank": -1}}, {"bogus": 1}):

        def ask(one: str, broken: Mapping[str, Any] = broken) -> Answer:
            path, body = made(one, mine)
            return bob.ask(place[0].upper(), path, body and {**body, **broken}).about(one)

        got = ask(theirs)
        assert got == ask(nothing)
        assert of_alice.mark not in got.body
        assert got.status == (200 if place[0] == "get" else 400 if "bogus" in broken else 404)
    assert rows() == before


@pytest.mark.parametrize("query", ["clone={job}", "dataset={dataset}", "dataset={dataset}&clone={job}"])
def test_the_form_for_a_new_job_starts_from_ones_own_rows(query: str, of_alice: Belongings, of_bob: Belongings) -> None:
    bob, page = Asker(session_of=of_bob.user), "/training/configure?"
    ids = {"job": str(of_alice.jobs[1].pk), "dataset": str(of_alice.datasets[0].pk)}
    unknown = {"job": str(uuid.uuid4()), "dataset": str(uuid.uuid4())}
    got, of_nothing = (bob.ask("GET", page + query.format(**these)) for these in (ids, unknown))
    assert got.about(*ids.values()) == of_nothing.about(*unknown.values())
    assert of_alice.mark not in got.body


def test_a_checkpoint_of_somebody_elses_job_cannot_be_gone_on_from(of_alice: Belongings, of_bob: Belongings) -> None:
    """Checkpoints go by their step within the job that is retried: bob's has none at alice's step."""
    of_alice.jobs[1].checkpoints.update(step=777)
    bob, address = Asker(token=of_bob.token_secret), f"/api/jobs/{of_bob.jobs[1].pk}/retry"
    theirs, nothing = (bob.ask("POST", address, {"resume_from": {"step": step}}) for step in (777, 778))
    assert theirs == nothing
    assert theirs.status == 400
    assert "There is no such checkpoint." in theirs.body


def test_a_file_of_somebody_else_cannot_be_imported_or_seen(
    of_alice: Belongings, of_bob: Belongings, put_object: PutObject
) -> None:
    bob = Asker(token=of_bob.token_secret)
    for path in ("alice/chat.jsonl", f"{of_alice.mark}-team/chat.jsonl"):
        put_object(path)
        missing = path.replace("chat", "none")
        got = bob.ask("POST", "/api/datasets/import", {"path": path})
        assert got.status == 404
        assert got.about(path) == bob.ask("POST", "/api/datasets/import", {"path": missing}).about(missing)
        folder = path.partition("/")[0]
        listed = bob.ask("GET", f"/api/datasets/import?prefix={folder}/")
        assert listed.status == 404
        assert listed.about(folder) == bob.ask("GET", "/api/datasets/import?prefix=nobody/").about("nobody")
    assert of_alice.mark not in bob.ask("GET", "/api/datasets/import").body


def test_one_idempotency_key_of_two_users_makes_two_jobs(of_alice: Belongings, of_bob: Belongings) -> None:
    of_alice.jobs[0].idempotency_key = "run-7"
    of_alice.jobs[0].save()
    bob = Asker(token=of_bob.token_secret, headers={"Idempotency-Key": "run-7"})
    got = bob.ask("POST", "/api/jobs", {**NEW_JOB, "dataset_id": str(of_bob.datasets[0].pk)})
    assert got.status == 201, got.body
    assert of_alice.mark not in got.body


def test_the_admin_is_closed_to_users(of_alice: Belongings, of_bob: Belongings) -> None:
    before, bob = rows(), Asker(session_of=of_bob.user)
    ids = [str(of_alice.jobs[0].pk), str(of_alice.datasets[0].pk), str(of_alice.user.pk)]
    for route in every_route():
        for one in ids if route.is_admin else ():
            for method in ("GET", "POST"):
                got = bob.ask(method, route.path(dict.fromkeys(route.parameters, one)), {"action": "cancel"})
                assert got.status in {301, 302, 403, 404, 405}, route
                assert of_alice.mark not in got.body
    assert rows() == before


def test_operations_are_closed_to_users(of_alice: Belongings, of_bob: Belongings) -> None:
    before = rows()
    for path in (
        "/api/process-training-jobs",
        f"/api/jobs/{of_alice.jobs[0].pk}/attach",
        f"/api/jobs/{of_bob.jobs[0].pk}/attach",
        f"/api/jobs/{of_bob.jobs[0].pk}/declare-not-started",
    ):
        assert Asker(token=of_bob.token_secret).ask("POST", path, {"external_job_id": "run-1"}).status == 403
    assert rows() == before
