"""The survival table's rows about what a status says: a real cluster tells nonsense, through its fault door."""

import pytest

from tests.contracts.under_test import ClusterUnderTest

STATUS_ROUTE = {1: "status", 2: "batch"}


@pytest.mark.parametrize("word", ["completed", "COMPLETED", "success"])
@pytest.mark.parametrize("wrapping", ["output", "data"])
def test_an_envelope_that_says_completed_around_a_failure_is_a_failure(
    running: ClusterUnderTest, word: str, wrapping: str
) -> None:
    external_id = running.submit()
    payload = {"status": "failed", "error_message": "CUDA error"}
    wrapped = {"envelope": {"status": word, "payload": wrapping, "patch": payload}}
    running.fault(STATUS_ROUTE[running.level], wrapped)
    status = running.poll(external_id).status
    assert (status.state, status.error_message) == ("failed", "CUDA error")


def test_a_wrapped_answer_loses_no_points(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    bare = level_2.poll(external_id)
    level_2.fault("batch", {"envelope": {"status": "success", "payload": "data"}})
    assert level_2.poll(external_id) == bare


def test_unknown_states_and_stages_are_kept_as_they_are(running: ClusterUnderTest) -> None:
    external_id = running.submit()
    strange = {"patch": {"status": "IN_QUEUE", "stage": "defragmenting"}}
    running.fault(STATUS_ROUTE[running.level], strange)
    status = running.poll(external_id).status
    assert (status.state, status.stage) == ("IN_QUEUE", "defragmenting")


@pytest.mark.parametrize(
    ("token", "what"),
    [
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e400", "Infinity"),
        ("9" * 5000, "Infinity"),
    ],
)
def test_numbers_that_are_none_are_null_and_named(running: ClusterUnderTest, token: str, what: str) -> None:
    external_id = running.submit_stuck()
    spoiled = {"metrics": {"training_loss": {"$raw": token}}, "progress": {"$raw": token}}
    running.fault(STATUS_ROUTE[running.level], {"patch": spoiled})
    status = running.poll(external_id).status
    assert status.metrics["training_loss"] is None
    assert status.progress is None
    assert status.nonfinite == {"training_loss": what, "progress": what}
    assert status.metrics["learning_rate"] is not None


def test_a_point_with_numbers_that_are_none_is_kept(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    level_2.fault("batch", {"points": {"values": {"training_loss": {"$raw": "NaN"}}, "drop": ["throughput"]}})
    for point in level_2.poll(external_id).points:
        assert point.values["training_loss"] is None
        assert point.nonfinite == {"training_loss": "NaN"}
        assert "throughput" not in point.values


def test_single_fields_that_make_no_sense_are_none_and_the_rest_is_kept(running: ClusterUnderTest) -> None:
    external_id = running.submit_stuck()
    nonsense = {
        "progress": "almost",
        "current_epoch": [],
        "stage": 7.5,
        "started_at": "yesterday",
        "billing": "later",
        "eta_seconds": -3,
        "total_steps": True,
        "error_message": {"deep": "inside"},
        "metrics": {"gradient_norm": "high", "throughput": None},
    }
    running.fault(STATUS_ROUTE[running.level], {"patch": nonsense})
    polled = running.poll(external_id)
    status = polled.status
    assert (status.progress, status.current_epoch, status.total_steps, status.eta_s) == (None, None, None, None)
    assert (status.started_at, status.billing, status.error_message) == (None, None, None)
    assert (status.state, status.current_step) == ("running", 5)
    assert status.metrics["gradient_norm"] is None
    assert status.metrics["training_loss"] is not None


def test_points_twice_and_out_of_order_are_passed_on_for_the_rows_to_sort_out(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    whole = level_2.poll(external_id)
    for disorder in ("duplicate", "shuffle", "reverse"):
        level_2.fault("batch", {"points": {"order": disorder}}, times=1)
        polled = level_2.poll(external_id)
        assert {(point.restart, point.step) for point in polled.points} == {
            (point.restart, point.step) for point in whole.points
        }
        assert polled.next == whole.next


def test_a_wrong_clock_is_passed_on_unchanged(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    right = level_2.ended(external_id)
    level_2.fault("batch", {"clock_offset_s": 86_400})
    wrong = level_2.poll(external_id).status
    assert wrong.started_at is not None
    assert right.started_at is not None
    assert (wrong.started_at - right.started_at).total_seconds() == 86_400


def test_a_restart_is_read_and_steps_may_fall_with_it(level_2: ClusterUnderTest) -> None:
    order = level_2.order()
    level_2.fault("job", {"outcome": {"kind": "preempted", "at_step": 15}}, job_id=order.job_id)
    external_id = level_2.submit(order)
    assert level_2.ended(external_id).restart == 1
    assert {point.restart for point in level_2.poll(external_id).points} == {0, 1}
