"""Another user's id is a 404, everywhere: made from the table of addresses, so that no new route escapes.

Each route with an id in its path is called with every method and with good, bad and broken bodies, once with an
id of alice's and once with one that nothing has: the answers must be the same, 404, and nothing may have changed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User

from datasets.storage.base import ObjectStore
from jobs import callbacks
from jobs.models import CostRecord
from tests.datasets.conftest import PutObject
from tests.tenancy.belongings import ADAPTER, OBJECTS, PLAIN, Belongings, nowhere
from tests.tenancy.conftest import Answer, Asker, rows
from tests.tenancy.routes import Route, every_route

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What a route takes that wants a body: what its owner gets in with.
GOOD_BODIES: Mapping[str, Mapping[str, Any]] = {
    "api-dataset": {"name": "renamed"},
    "api-dataset-parts": {"part_numbers": [1]},
    "api-job-cancel": {"keep_adapter": True},
    "api-job-retry": {"hyperparameters": {"epochs": 2}, "name": "again", "resume_from": "latest"},
    "api-job-attach": {"external_job_id": "run-1"},
    "callback-events": {"event_id": "e-1"},
    "callback-uploads": {"files": [{"path": "adapter.bin", "size": 3, "sha256": "0" * 64}]},
    "dataset-edit": {"name": "renamed", "description": ""},
    "notification-read": {"follow": "1"},
    "api-webhook": {"description": "renamed"},
    "webhook": {"url": "https://example.com/", "event_types": ["job_failed"]},
    "webhook-switch": {"enabled": "false"},
}
BAD_BODIES: tuple[Any, ...] = ({"name": "", "bogus": {"id": [1]}}, [1], b"{broken")
BAD_QUERY = "?since=-1&max_points=x&page=0&limit=x&download=perhaps&unread=perhaps"
# Addresses for staff alone, whose refusal says nothing of what stands behind them.
FOR_STAFF = {"api-job-attach", "api-job-declare-not-started"}
# Addresses whose pass is a token of one attempt; see test_callbacks_open_to_their_own_attempt_alone.
FOR_CLUSTERS = {route.name for route in every_route() if route.name.startswith("callback-")}

WITH_ID = [route for route in every_route() if route.parameters and not route.is_admin]
OF_USERS = [route for route in WITH_ID if route.name not in FOR_CLUSTERS]
WITHOUT_ID = [route for route in every_route() if not route.parameters and not route.is_admin]


def ways(route: Route) -> Iterable[tuple[str, str, Any]]:
    """(method, query, body) with which the route is tried."""
    for method in METHODS:
        yield method, "", None
        yield method, BAD_QUERY, GOOD_BODIES.get(route.name, {})
    for method in ("POST", "PUT", "PATCH"):
        for body in (GOOD_BODIES.get(route.name, {}), *BAD_BODIES):
            yield method, "", body


def places(
    route: Route, theirs: Belongings, mine: Belongings | None = None
) -> list[tuple[str, tuple[str, ...], str, tuple[str, ...]]]:
    """(path to an object of theirs, its ids, path to nothing, those ids) for each object that the route leads to.

    Where a path has several ids, each of theirs is tried below the asker's own as well, if `mine` is given.
    """
    names = [name for name in route.parameters if name not in PLAIN]
    found = []

    def add(ones: Mapping[str, str], **rest: str) -> None:
        others = {name: nowhere(route.parameters[name]) for name in ones}
        there, nothing = ({**PLAIN, **rest, **ids} for ids in (ones, others))
        found.append((route.path(there), tuple(ones.values()), route.path(nothing), tuple(others.values())))

    for ids in zip(*(OBJECTS[name](theirs) for name in names), strict=True):
        add(dict(zip(names, ids, strict=True)))
    if mine is not None and len(names) > 1:
        for name in names:
            rest = {other: OBJECTS[other](mine)[0] for other in names if other != name}
            add({name: OBJECTS[name](theirs)[0]}, **rest)
    return found


@pytest.mark.parametrize("route", WITH_ID, ids=lambda route: route.name)
def test_the_kind_of_each_id_in_an_address_is_known(route: Route) -> None:
    unknown = set(route.parameters) - set(OBJECTS) - set(PLAIN)
    assert not unknown, (
        f"{route.pattern} has {unknown}, which no test tries as somebody else. Give Belongings such an object and "
        "OBJECTS its id (tests/tenancy/belongings.py), and GOOD_BODIES what the route takes, if it takes a body."
    )


@pytest.mark.parametrize("route", OF_USERS, ids=lambda route: route.name)
def test_another_users_id_is_like_one_that_does_not_exist(
    route: Route, of_alice: Belongings, of_bob: Belongings
) -> None:
    bob = asker(route, of_bob)
    before = rows()
    refusal = 403 if route.name in FOR_STAFF else 404
    refused = set()
    for theirs, ones, nothing, others in places(route, of_alice, of_bob):
        for method, query, body in ways(route):
            got = bob.ask(method, theirs + query, body)
            assert got.about(*ones) == bob.ask(method, nothing + query, body).about(*others), (method, query, body)
            assert got.status in {refusal, 405} or (method == "OPTIONS" and got.status == 200), (method, query, body)
            assert_no_trace(got.about(*ones), of_alice)
            refused |= {method} if got.status == refusal else set()
    assert refused, "no method of this route was refused"
    assert rows() == before


@pytest.mark.parametrize("route", OF_USERS, ids=lambda route: route.name)
def test_nobody_gets_in_without_a_name(route: Route, of_alice: Belongings) -> None:
    nobody = Asker()
    before = rows()
    for theirs, ones, nothing, others in places(route, of_alice)[:1]:
        for method, query, body in ways(route):
            got = nobody.ask(method, theirs + query, body)
            assert got.about(*ones) == nobody.ask(method, nothing + query, body).about(*others)
            assert got.status == (401 if route.is_api else 302)
            assert route.is_api or got.body.startswith("/login?")
    assert rows() == before


@pytest.mark.parametrize("route", OF_USERS, ids=lambda route: route.name)
def test_its_owner_gets_in(route: Route, of_alice: Belongings, put_object: PutObject, operator: User) -> None:
    """So that the refusals above are no accident of a wrong address or body."""
    put_object(f"{of_alice.artifact.storage_prefix}adapter.bin", ADAPTER, bucket="lora-models")
    alice = Asker(session_of=operator) if route.name in FOR_STAFF else asker(route, of_alice)
    good = GOOD_BODIES.get(route.name, {})
    methods = [method for method in METHODS if method != "OPTIONS"]
    answers = [alice.ask(method, path, good) for path, *_ in places(route, of_alice) for method in methods]
    assert {answer.status for answer in answers} & {200, 201, 204, 302, 409}


@pytest.mark.parametrize("route", [r for r in WITH_ID if r.name in FOR_CLUSTERS], ids=lambda route: route.name)
def test_callbacks_open_to_their_own_attempt_alone(
    route: Route, of_alice: Belongings, of_bob: Belongings, store: ObjectStore
) -> None:
    job, other_job = of_alice.jobs[0], of_alice.jobs[2]
    passes = {
        "none": None,
        "garbage": "x" * 64,
        "of bob's program": of_bob.token_secret,
        "of alice's program": of_alice.token_secret,
        "of bob's job": callbacks.token(of_bob.jobs[0].pk, 1),
        "of another job of alice's": callbacks.token(other_job.pk, 1),
        "of another attempt": callbacks.token(job.pk, 2),
    }
    theirs, nothing_id = route.path({"job_id": str(job.pk), "attempt": "1"}), nowhere("uuid")
    nothing = route.path({"job_id": nothing_id, "attempt": "1"})
    before = rows()
    for whose, token in passes.items():
        asking = Asker(token=token)
        for method in METHODS:
            body = GOOD_BODIES.get(route.name)
            got = asking.ask(method, theirs, body)
            assert got.about(str(job.pk)) == asking.ask(method, nothing, body).about(nothing_id), whose
            assert got.status in {404, 405} or (method == "OPTIONS" and got.status == 200), (whose, method)
    # An attempt that is over is closed as well, with its own token.
    late = route.path({"job_id": str(job.pk), "attempt": "2"})
    for method in METHODS[:-1]:
        assert Asker(token=passes["of another attempt"]).ask(method, late).status in {404, 405}
    assert rows() == before


@pytest.mark.parametrize("route", WITHOUT_ID, ids=lambda route: route.name)
def test_no_page_without_an_id_shows_anything_of_somebody_else(
    route: Route, of_alice: Belongings, of_bob: Belongings, store: ObjectStore
) -> None:
    for query in ("", "?search=secret", "?status=running", "?unread=true", "?limit=100", f"?job={of_alice.jobs[0].pk}"):
        assert_no_trace(
            asker(route, of_bob).ask("GET", route.pattern + query).about(str(of_alice.jobs[0].pk)), of_alice
        )


def test_lists_show_their_owner_what_is_there(of_alice: Belongings, store: ObjectStore) -> None:
    """So that the test above looks at lists that have something to show."""
    bill = CostRecord.objects.get(job=of_alice.jobs[1])
    with time_machine.travel(bill.recorded_at, tick=False):  # lists of "this month" are of the bill's
        showing = {
            route.name for route in WITHOUT_ID if of_alice.mark in asker(route, of_alice).ask("GET", route.pattern).body
        }
    assert showing == {
        *(
            "api-datasets",
            "api-dataset-import",
            "api-dataset-import-objects",
            "api-jobs",
            "api-costs",
            "api-costs-csv",
            "api-notifications",
            "api-notifications-unread",
            "api-webhooks",
            "api-tokens",
        ),
        *(
            "dataset-list",
            "dataset-import",
            "job-list",
            "job-compare",
            "job-configure",
            "costs",
            "notification-list",
            "notification-settings",
            "tokens",
        ),
    }


@pytest.mark.parametrize("route", OF_USERS, ids=lambda route: route.name)
def test_ones_own_pages_and_signed_urls_name_nobody_else(
    route: Route, of_alice: Belongings, of_bob: Belongings, store: ObjectStore
) -> None:
    bob = asker(route, of_bob)
    for path, *_ in places(route, of_bob):
        assert_no_trace(bob.ask("GET", path), of_alice)


def asker(route: Route, whose: Belongings) -> Asker:
    """Somebody who asks as that route is asked: programs call the API, browsers load pages."""
    return Asker(token=whose.token_secret) if route.is_api else Asker(session_of=whose.user)


def assert_no_trace(answer: Answer, of: Belongings) -> None:
    found = {trace for trace in of.traces() if trace in answer.body}
    assert not found, f"{found} in {answer.body[:2000]}"
