"""How a poll, a listing and a submit are put into calls."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from jobs.clusters.base import Capabilities, Known, NoSuchJob, NotSent, Polled, PollRequest, Unknown, Unreadable
from jobs.clusters.http.driver import HttpCluster
from tests.contracts.conftest import KEY, Speaking
from tests.contracts.orders import LEVEL_1, LEVEL_2, order
from tests.contracts.wire import Request, Script, Wire, by_path, reply

NO_BATCH = Capabilities(level=2, features=frozenset({"metrics_cursor"}))
RUNNING = {"status": "running"}


def point(seq: int) -> dict[str, Any]:
    return {"seq": seq, "step": seq * 10, "values": {"training_loss": 1.0}}


def pages(last: int) -> Script:
    """Metrics of which each page holds one point, up to the one numbered `last`."""

    def script(connection: Any, request: Request) -> None:
        seq = int(request.target.partition("after=")[2].partition("&")[0]) + 1
        reply(200, {"points": [point(seq)], "next": seq, "has_more": seq < last})(connection, request)

    return script


# -- Poll -------------------------------------------------------------------------------------------------


def test_a_batch_is_one_call_with_each_jobs_cursor(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(200, {"jobs": [RUNNING | {"external_job_id": "a"}], "missing": ["b"]}))
    results = cluster.poll([PollRequest("a", 7), PollRequest("b")], capabilities=LEVEL_2)
    assert [request.json() for request in wire.requests] == [
        {"jobs": [{"id": "a", "after": 7}, {"id": "b", "after": 0}]}
    ]
    assert isinstance(results["a"], Polled)
    assert results["a"].next == 7
    assert isinstance(results["b"], NoSuchJob)


def test_a_job_that_a_batch_leaves_out_is_not_taken_for_lost(speaking: Speaking) -> None:
    cluster, _ = speaking(reply(200, {"jobs": [RUNNING | {"external_job_id": "a"}, "nonsense", {}], "missing": None}))
    results = cluster.poll([PollRequest("a"), PollRequest("b")], capabilities=LEVEL_2)
    assert type(results["b"]) is Unknown


@pytest.mark.parametrize("missing", ["b", {"b": True}, 7, [None, {"id": "b"}, 3]])
def test_what_a_batch_calls_missing_without_naming_it_takes_no_job_along(speaking: Speaking, missing: Any) -> None:
    cluster, _ = speaking(reply(200, {"jobs": [RUNNING | {"external_job_id": "a"}], "missing": missing}))
    results = cluster.poll([PollRequest("a"), PollRequest("b")], capabilities=LEVEL_2)
    assert isinstance(results["a"], Polled)
    assert type(results["b"]) is Unknown


def test_points_that_a_batch_has_no_room_for_are_fetched_page_by_page(speaking: Speaking) -> None:
    batch = RUNNING | {"external_job_id": "a", "points": [point(1)], "next": 1, "has_more": True}
    cluster, wire = speaking(
        by_path({"/training/status": reply(200, {"jobs": [batch]}), "/training/metrics": pages(4)})
    )
    polled = cluster.poll([PollRequest("a")], capabilities=LEVEL_2)["a"]
    assert isinstance(polled, Polled)
    assert [each.step for each in polled.points] == [10, 20, 30, 40]
    assert (polled.next, polled.has_more) == (4, False)
    assert len(wire.requests) == 4


def test_without_batch_each_job_takes_a_status_and_its_pages(speaking: Speaking) -> None:
    cluster, wire = speaking(by_path({"/training/status": reply(200, RUNNING), "/training/metrics": pages(2)}))
    polled = cluster.poll([PollRequest("a")], capabilities=NO_BATCH)["a"]
    assert isinstance(polled, Polled)
    assert [each.step for each in polled.points] == [10, 20]
    assert [request.path for request in wire.requests] == ["/training/status/a"] + ["/training/metrics/a"] * 2


def test_a_page_that_fails_loses_nothing(speaking: Speaking) -> None:
    batch = RUNNING | {"external_job_id": "a", "points": [point(1)], "next": 1, "has_more": True}
    cluster, _ = speaking(by_path({"/training/status": reply(200, {"jobs": [batch]}), "/training/metrics": reply(500)}))
    polled = cluster.poll([PollRequest("a")], capabilities=LEVEL_2)["a"]
    assert isinstance(polled, Polled)
    assert ([each.step for each in polled.points], polled.next, polled.has_more) == ([10], 1, True)


def test_a_cursor_that_stands_still_is_not_followed_in_circles(speaking: Speaking) -> None:
    still = reply(200, {"points": [], "next": 5, "has_more": True})
    cluster, wire = speaking(by_path({"/training/status": reply(200, RUNNING), "/training/metrics": still}))
    polled = cluster.poll([PollRequest("a", 5)], capabilities=NO_BATCH)["a"]
    assert isinstance(polled, Polled)
    assert not polled.has_more
    assert len(wire.requests) == 2


def test_an_endless_series_is_left_for_the_next_poll(speaking: Speaking) -> None:
    cluster, wire = speaking(by_path({"/training/status": reply(200, RUNNING), "/training/metrics": pages(10**6)}))
    polled = cluster.poll([PollRequest("a")], capabilities=NO_BATCH)["a"]
    assert isinstance(polled, Polled)
    assert polled.has_more
    assert polled.next == len(polled.points) == len(wire.requests) - 1


def test_level_1_makes_a_point_of_the_current_step_only_if_there_is_one(speaking: Speaking) -> None:
    metrics = {"training_loss": 1.5, "validation_loss": None}
    for said, steps in [
        (RUNNING | {"metrics": metrics, "current_step": 3, "current_epoch": 1}, [(3, 1.0)]),
        (RUNNING | {"metrics": metrics}, []),
        (RUNNING | {"metrics": {"training_loss": None}, "current_step": 0}, []),
        (RUNNING, []),
    ]:
        cluster, _ = speaking(reply(200, said))
        polled = cluster.poll([PollRequest("a")], capabilities=LEVEL_1)["a"]
        assert isinstance(polled, Polled)
        assert [(each.step, each.epoch) for each in polled.points] == steps


def test_what_there_is_no_time_for_is_not_asked(wires: Callable[[Script], Wire], patient: requests.Session) -> None:
    wire = wires(reply(200, RUNNING))
    cluster = HttpCluster(url=wire.url, key=KEY, session=patient, poll_s=-1)
    with pytest.raises(NotSent, match="turn comes again"):
        cluster.poll([PollRequest("a"), PollRequest("b")], capabilities=LEVEL_1)
    assert wire.requests == []


# -- Lookup -----------------------------------------------------------------------------------------------


def listed(name: str, job_id: str = "job") -> dict[str, Any]:
    return {"external_job_id": name, "job_id": job_id, "status": "running"}


def test_a_listing_is_followed_to_its_end(speaking: Speaking) -> None:
    def script(connection: Any, request: Request) -> None:
        last = "after=cursor-2" in request.target
        page = {"jobs": [listed("b")]} if last else {"jobs": [listed("a")], "next": "cursor-2", "has_more": True}
        reply(200, page)(connection, request)

    cluster, wire = speaking(script)
    assert [known.external_job_id for known in cluster.active()] == ["a", "b"]
    assert [request.target for request in wire.requests] == [
        "/training/jobs?state=active",
        "/training/jobs?state=active&after=cursor-2",
    ]


def test_a_listing_that_turns_in_circles_ends(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(200, {"jobs": [listed("a")], "next": 1, "has_more": True}))
    assert len(list(cluster.active())) == len(wire.requests) == 2


def test_a_cluster_that_overlooks_the_filter_does_not_lend_us_a_strangers_job(speaking: Speaking) -> None:
    cluster, _ = speaking(reply(200, {"jobs": [listed("a", "another"), listed("b"), {"external_job_id": "c"}]}))
    assert cluster.find("job") == [Known("b", "job", attempt=None, state="running")]


@pytest.mark.parametrize("said", [{}, {"jobs": None}, {"jobs": {}}, {"jobs": [{"job_id": "job"}]}, {"jobs": ["a"]}, []])
def test_a_listing_that_makes_no_sense_is_not_an_empty_one(speaking: Speaking, said: object) -> None:
    cluster, _ = speaking(reply(200, said))
    with pytest.raises(Unreadable):
        cluster.find("job")


# -- Submit and cancel --------------------------------------------------------------------------------------


def test_level_1_gets_the_fields_of_level_1_and_no_key(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(200, {"external_job_id": 42}))
    submission = order(callback_url="http://here/callback", callback_token="token")
    assert cluster.submit(submission, capabilities=LEVEL_1) == "42"
    (request,) = wire.requests
    assert request.json().keys() == {
        "job_id",
        "dataset_url",
        "base_model",
        "hyperparameters",
        "gpu_config",
        "callback_url",
    }
    assert "idempotency-key" not in request.headers


def test_level_2_gets_key_labels_limits_and_dataset(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(201, {"success": True, "data": {"external_job_id": "run-1"}}))
    submission = order(callback_url="http://here/callback", callback_token="token")
    assert cluster.submit(submission, capabilities=LEVEL_2) == "run-1"
    (request,) = wire.requests
    body = request.json()
    assert request.headers["idempotency-key"] == submission.key
    assert body["labels"] == submission.labels
    assert body["limits"] == {"max_runtime_s": 3600}
    assert body["dataset"].keys() == {"url", "sha256", "bytes", "url_expires_at"}
    assert (body["attempt"], body["callback_token"]) == (1, "token")


def test_a_level_1_cancel_has_no_body(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(204, b""))
    assert cluster.cancel("a/b", reason="r", keep_adapter=True, capabilities=LEVEL_1) is None
    (request,) = wire.requests
    assert (request.method, request.path, request.body) == ("POST", "/training/cancel/a%2Fb", b"")


def test_a_level_2_cancel_carries_reason_wish_and_grace(speaking: Speaking) -> None:
    cluster, wire = speaking(reply(202, {"status": "cancelling"}))
    told = cluster.cancel("a", reason="by alice", keep_adapter=True, capabilities=LEVEL_2)
    assert told is not None
    assert told.state == "cancelling"
    assert wire.requests[0].json() == {"reason": "by alice", "keep_adapter": True, "grace_s": 30}
