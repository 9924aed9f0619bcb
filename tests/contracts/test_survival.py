"""The survival table, row by row, as far as it is the driver's part: a real cluster goes wrong, through its fault door.

What the control plane makes of each fault is tested with jobs.reconcile.
"""

from typing import Any

import pytest

from jobs.clusters.base import (
    AlreadyExists,
    Capabilities,
    ClusterError,
    Denied,
    NoSuchJob,
    NotSent,
    Polled,
    PollRequest,
    Refused,
    Unknown,
    Unreadable,
)
from jobs.clusters.http.driver import HttpCluster
from jobs.clusters.registry import open_session
from tests.contracts.under_test import ClusterUnderTest

STATUS_ROUTE = {1: "status", 2: "batch"}
HANG = {"hang_s": 30}
RESET = {"reset": True}
DRIP = {"drip": {"bytes": 1, "every_s": 0.1}}
TEN_MEGABYTES = {"pad_bytes": 10_000_000}
GARBAGE = {"body": "<html>It works!</html>"}
REDIRECT = {"redirect": "http://127.0.0.1:1/login"}


def answer(code: int, **fields: Any) -> dict[str, Any]:
    return {"answer": {"code": code, **fields}}


# -- Submit: what is known about the outcome ----------------------------------------------------------------


@pytest.mark.parametrize("effect", [HANG, RESET], ids=["times out", "resets"])
def test_accepted_and_then_silent_is_unknown_and_can_be_adopted(
    running: ClusterUnderTest, effect: dict[str, Any]
) -> None:
    order = running.order()
    running.fault("submit", effect | {"accept": True}, job_id=order.job_id, times=1)
    with pytest.raises(Unknown):
        running.when(effect).submit(order, capabilities=running.capabilities)
    if running.level == 2:
        (known,) = running.cluster.find(order.job_id)
        assert running.submit(order) == known.external_job_id
        running.ended(known.external_job_id)
    else:
        running.ended(running.submit())  # another job's whole life later the first has started too
    assert len(running.paid(order.job_id)) == 1


@pytest.mark.parametrize("effect", [HANG, RESET], ids=["times out", "resets"])
def test_silence_without_acceptance_is_unknown_too(running: ClusterUnderTest, effect: dict[str, Any]) -> None:
    order = running.order()
    running.fault("submit", effect, job_id=order.job_id, times=1)
    with pytest.raises(Unknown):
        running.when(effect).submit(order, capabilities=running.capabilities)
    assert running.paid(order.job_id) == []


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_server_error_without_retry_after_is_unknown(running: ClusterUnderTest, code: int) -> None:
    running.fault("submit", answer(code))
    with pytest.raises(Unknown):
        running.submit()


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (409, {"title": "Conflict", "code": "already_exists"}),
        (409, {"detail": "Job already exists"}),
        (409, {}),
        (400, {"detail": "A job with this job_id already exists"}),
        (400, {"error": {"message": "Duplicate job", "code": "duplicate"}}),
    ],
)
def test_exists_is_told_apart_from_a_refusal(running: ClusterUnderTest, code: int, body: dict[str, Any]) -> None:
    running.fault("submit", answer(code, body=body))
    with pytest.raises(AlreadyExists):
        running.submit()


def test_a_model_that_does_not_exist_is_a_refusal(running: ClusterUnderTest) -> None:
    running.fault("submit", answer(400, body={"detail": "The base model does not exist here"}))
    with pytest.raises(Refused, match="does not exist here"):
        running.submit()


def test_a_checkpoint_that_is_gone_is_a_refusal(running: ClusterUnderTest) -> None:
    running.fault("submit", answer(409, body={"title": "Checkpoint gone", "code": "checkpoint_gone"}))
    with pytest.raises(Refused) as caught:
        running.submit()
    assert caught.value.code == "checkpoint_gone"


def test_a_submit_that_is_still_in_flight_is_asked_for_again_later(level_2: ClusterUnderTest) -> None:
    order = level_2.order()
    level_2.fault("submit", {"admit_after_s": 30}, job_id=order.job_id)
    with pytest.raises(Unknown):
        level_2.impatient.submit(order, capabilities=level_2.capabilities)
    with pytest.raises(NotSent) as caught:
        level_2.submit(order)
    assert caught.value.retry_after_s == 1


@pytest.mark.parametrize("code", [429, 503])
def test_a_refusal_for_now_says_how_long_in_seconds_or_by_date(running: ClusterUnderTest, code: int) -> None:
    running.fault("submit", answer(code, retry_after_s=30), times=1)
    with pytest.raises(NotSent) as caught:
        running.submit()
    assert caught.value.retry_after_s == 30
    running.fault("submit", answer(code, retry_after_date_s=30), times=1)
    with pytest.raises(NotSent) as caught:
        running.submit()
    assert caught.value.retry_after_s is not None
    assert 25 < caught.value.retry_after_s <= 31


@pytest.mark.parametrize("code", [402, 429])
def test_no_quota_and_too_many_requests_burn_nothing(running: ClusterUnderTest, code: int) -> None:
    running.fault("submit", answer(code))
    with pytest.raises(NotSent):
        running.submit()


# -- Every call ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [401, 403])
def test_a_key_that_is_no_longer_accepted_is_denied(running: ClusterUnderTest, code: int) -> None:
    running.fault("any", answer(code))
    with pytest.raises(Denied):
        running.submit()
    with pytest.raises(Denied):
        running.poll_all("run-1", "run-2")
    with pytest.raises(Denied):
        running.cluster.cancel("run-1", reason="", keep_adapter=False, capabilities=running.capabilities)


@pytest.mark.parametrize(
    ("effect", "fault"),
    [
        (HANG, Unknown),
        (RESET, Unknown),
        (DRIP, Unknown),
        (TEN_MEGABYTES, Unreadable),
        (REDIRECT, Unreadable),
        (GARBAGE, Unreadable),
        ({"truncate": 20}, Unreadable),
    ],
    ids=["hang", "reset", "drip", "10 MB", "redirect", "garbage", "cut off"],
)
def test_a_submit_survives_every_kind_of_answer(
    running: ClusterUnderTest, effect: dict[str, Any], fault: type[ClusterError]
) -> None:
    running.fault("submit", effect)
    with pytest.raises(fault):
        running.when(effect).submit(running.order(), capabilities=running.capabilities)


@pytest.mark.parametrize("effect", [HANG, RESET, answer(500), answer(503)], ids=["hang", "reset", "500", "503"])
def test_a_cancel_that_does_not_get_through_says_so(running: ClusterUnderTest, effect: dict[str, Any]) -> None:
    running.fault("cancel", effect)
    with pytest.raises(Unknown):
        running.when(effect).cancel("run-1", reason="", keep_adapter=False, capabilities=running.capabilities)


def test_a_cancel_that_is_refused_says_so(running: ClusterUnderTest) -> None:
    running.fault("cancel", answer(409, body={"detail": "not now"}))
    with pytest.raises(Refused, match="not now"):
        running.cluster.cancel("run-1", reason="", keep_adapter=False, capabilities=running.capabilities)


@pytest.mark.parametrize("effect", [{"body": ""}, {"body": "OK"}, {"body": '{"status": "ok"}'}])
def test_a_cancel_that_is_taken_without_a_state_gives_none(running: ClusterUnderTest, effect: dict[str, Any]) -> None:
    external_id = running.submit_stuck()
    running.fault("cancel", effect)
    cancel = running.cluster.cancel
    assert cancel(external_id, reason="", keep_adapter=False, capabilities=running.capabilities) is None


# -- Capabilities -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [404, 405, 501])
def test_no_such_page_means_level_1(level_2: ClusterUnderTest, code: int) -> None:
    level_2.fault("capabilities", answer(code))
    assert level_2.cluster.capabilities() == Capabilities(level=1)


@pytest.mark.parametrize(
    "effect", [HANG, RESET, DRIP, GARBAGE, REDIRECT, TEN_MEGABYTES, answer(500), answer(200, body={})]
)
def test_anything_else_leaves_the_level_open(level_2: ClusterUnderTest, effect: dict[str, Any]) -> None:
    level_2.fault("capabilities", effect)
    with pytest.raises(Unknown):
        level_2.when(effect).capabilities()


# -- Poll: one job's fault is its own -----------------------------------------------------------------------


def test_a_forgotten_job_is_missing_and_the_others_are_not(running: ClusterUnderTest) -> None:
    gone, there = running.submit(), running.submit()
    running.fault(STATUS_ROUTE[running.level], {"forget": True}, job_id=gone)
    results = running.poll_all(gone, there)
    assert isinstance(results[gone], NoSuchJob)
    assert isinstance(results[there], Polled)


@pytest.mark.parametrize(
    "effect", [HANG, RESET, DRIP, GARBAGE, REDIRECT, TEN_MEGABYTES, answer(500), answer(429, retry_after_s=5)]
)
def test_at_level_1_one_jobs_bad_answer_is_that_jobs_result(level_1: ClusterUnderTest, effect: dict[str, Any]) -> None:
    bad, good = level_1.submit(), level_1.submit()
    level_1.fault("status", effect, job_id=bad)
    with open_session(connect_s=5, call_s=2) as session:  # the good one is answered on a busy machine too
        cluster = HttpCluster(url=level_1.url, key=level_1.key, session=session)
        polled = cluster.poll([PollRequest(bad), PollRequest(good)], capabilities=level_1.capabilities)
    assert isinstance(polled[bad], Unknown | NotSent)
    assert isinstance(polled[good], Polled)


@pytest.mark.parametrize("effect", [HANG, RESET, DRIP, GARBAGE, REDIRECT, answer(500)])
def test_a_batch_that_fails_concerns_all(level_2: ClusterUnderTest, effect: dict[str, Any]) -> None:
    level_2.fault("batch", effect)
    with pytest.raises(Unknown):
        level_2.when(effect).poll([PollRequest("run-1"), PollRequest("run-2")], capabilities=level_2.capabilities)


def test_a_batch_that_is_too_large_is_asked_for_in_parts(level_2: ClusterUnderTest) -> None:
    ids = [level_2.submit() for _ in range(3)]
    for each in ids:
        level_2.ended(each)
    whole = level_2.poll_all(*ids)
    level_2.fault("batch", TEN_MEGABYTES)
    in_parts = level_2.poll_all(*ids)
    assert [in_parts[each].points for each in ids] == [whole[each].points for each in ids]


def test_when_nothing_can_be_asked_the_poll_raises(running: ClusterUnderTest) -> None:
    running.fault("any", answer(503, retry_after_s=7))
    with pytest.raises(NotSent) as caught:
        running.poll_all("run-1", "run-2")
    assert caught.value.retry_after_s == 7


# -- Lookup, logs, files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "effect", [HANG, GARBAGE, TEN_MEGABYTES, answer(200, body={}), answer(200, body={"jobs": [{"job_id": "x"}]})]
)
def test_a_lookup_that_fails_never_looks_like_no_job(level_2: ClusterUnderTest, effect: dict[str, Any]) -> None:
    level_2.fault("lookup", effect)
    with pytest.raises(Unknown):
        level_2.when(effect).find("some-job")
    with pytest.raises(Unknown):
        list(level_2.when(effect).active())


def test_a_file_that_would_leave_its_folder_is_not_listed(level_2: ClusterUnderTest) -> None:
    level_2.fault("artifacts", answer(200, body={"files": [{"path": "../../etc/passwd"}], "complete": True}))
    with pytest.raises(Unreadable, match="leaves its folder"):
        level_2.cluster.artifacts("run-1")


@pytest.mark.parametrize(("effect", "fault"), [(HANG, Unknown), (RESET, Unknown), (REDIRECT, Unreadable)])
def test_a_download_that_fails_says_so(
    level_2: ClusterUnderTest, effect: dict[str, Any], fault: type[ClusterError]
) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    (url, *_) = (file.url for file in level_2.cluster.artifacts(external_id).files)
    level_2.fault("download", effect)
    assert url is not None
    with pytest.raises(fault):
        list(level_2.when(effect).download(url))
