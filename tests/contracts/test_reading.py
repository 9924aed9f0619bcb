"""Answers as data: what is read, what is left out, what is never let through."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.clusters.base import (
    AlreadyExists,
    ClusterError,
    Denied,
    NoSuchJob,
    NoSuchRoute,
    NotSent,
    Polled,
    Refused,
    Status,
    Unknown,
    Unreadable,
)
from jobs.clusters.files import files_of, safe_path
from jobs.clusters.http import answers, envelope, progress, reading
from jobs.clusters.http.answer import Answer
from jobs.clusters.http.faults import LONGEST_WAIT_S, fault_of, retry_after_s

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "status",
                    "progress",
                    "metrics",
                    "points",
                    "jobs",
                    "data",
                    "output",
                    "billing",
                    "next",
                    "step",
                    "values",
                    "external_job_id",
                    "job_id",
                    "files",
                    "path",
                    "lines",
                    "api_version",
                    "features",
                    "gpu_types",
                    "type",
                    "count",
                    "started_at",
                    "eta_seconds",
                    "error",
                    "model_files",
                    "nonfinite",
                    "labels",
                    "current_step",
                    "has_more",
                    "checkpoints",
                    "stage_detail",
                    "stage_progress",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


# -- Values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T10:00:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T12:00:00+02:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        (1764000000, None),
        (None, None),
    ],
)
def test_times_are_utc_or_nothing(value: object, expected: datetime | None) -> None:
    assert reading.moment(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3),
        (3.9, 3),
        ("12", 12),
        (-1, None),
        (2**31, None),
        (float("nan"), None),
        (1e300, None),
        (True, None),
        ("x", None),
    ],
)
def test_whole_numbers_fit_their_columns_or_are_nothing(value: object, expected: int | None) -> None:
    assert reading.integer(value) == expected


def test_text_is_free_of_what_a_database_refuses_and_of_signatures() -> None:
    echoed = "cannot GET https://s3/bucket/chat.jsonl?X-Amz-Signature=abc\x00\ud800 now"
    assert reading.text(echoed) == "cannot GET https://s3/bucket/chat.jsonl?…  now"
    assert reading.text("x" * 900, longest=10) == "x" * 9 + "…"
    assert reading.text("  ") is None
    assert reading.text(["x"]) is None


def test_words_for_numbers_that_are_none_are_understood() -> None:
    assert reading.numbers({"a": "NaN", "b": "-inf", "c": 1, "d": "x"}) == (
        {"a": None, "b": None, "c": 1.0, "d": None},
        {"a": "NaN", "b": "-Infinity"},
    )


@given(JSON_VALUES)
def test_no_json_crashes_a_reader_or_gets_a_bad_number_through(value: Any) -> None:
    answer = reading.parse(json.dumps(value).encode())
    for read in (
        lambda said: progress.status(said, "x"),
        lambda said: progress.polled_from_status(progress.status(said, "x"), 0),
        lambda said: progress.points(envelope.listed(said, "points")[1]),
        answers.capabilities,
        answers.submitted,
        answers.known_jobs,
        answers.artifacts,
        answers.checkpoints,
        lambda said: answers.log_page(said, 0),
    ):
        try:
            result = read(answer)
        except ValueError:
            continue
        told = result.status if isinstance(result, Polled) else result
        if isinstance(told, Status):
            json.dumps(
                [
                    told.progress,
                    told.stage_progress,
                    told.eta_s,
                    dict(told.metrics),
                    told.billing and told.billing.billable_seconds,
                ],
                allow_nan=False,
            )
            told.state.encode()


# -- Envelopes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"status": "COMPLETED", "output": {"status": "failed"}}, "failed"),
        ({"status": "COMPLETED", "output": {"error": "out of memory"}}, "failed"),
        ({"status": "FAILED", "output": {"status": "running"}}, "failed"),
        ({"status": "completed", "data": {"status": "running"}}, "running"),
        ({"success": True, "data": {"job": {"status": "cancelled"}}}, "cancelled"),
        ({"status": "COMPLETED", "output": {"adapter": "a"}}, "completed"),
        ({"status": "running", "error": None}, "running"),
        ({"status": "Canceled"}, "cancelled"),
        ({"status": "TIMED_OUT"}, "TIMED_OUT"),
        ({"status": 3}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_innermost_word_counts_and_failed_wins(said: dict[str, Any], state: str) -> None:
    assert progress.status(said, "x").state == state


# -- Files ------------------------------------------------------------------------------------------------


def test_model_files_of_a_level_1_status_are_files_to_download() -> None:
    said = {"status": "completed", "model_files": {"adapter/model.bin": "https://s3/a?sig=1", "none": None}}
    (file,) = files_of(progress.status(said, "x"))
    assert (file.path, file.url, file.size) == ("adapter/model.bin", "https://s3/a?sig=1", None)
    assert files_of(progress.status({"status": "completed"}, "x")) == []


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", "./a", ".", "a\\b", "a\x00b", "a\nb", "x" * 600, None],
)
def test_a_path_that_leaves_its_folder_is_refused(path: object) -> None:
    with pytest.raises(ValueError, match="path"):
        safe_path(path)


@pytest.mark.parametrize("path", ["a", "a/b.c", "..a", "a b", "größe.json"])
def test_an_ordinary_path_is_kept(path: str) -> None:
    assert safe_path(path) == path


# -- Refusals ---------------------------------------------------------------------------------------------


def refusal(status: int, body: object = None, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "about", "kind"),
    [
        (401, {}, Denied),
        (403, {}, Denied),
        (407, {}, Denied),
        (402, {}, NotSent),
        (429, {}, NotSent),
        (503, {}, Unknown),
        (404, {}, NoSuchRoute),
        (405, {}, NoSuchRoute),
        (501, {}, NoSuchRoute),
        (404, {"submitting": True}, Refused),
        (501, {"submitting": True}, Unknown),
        (404, {"about_a_job": True}, NoSuchJob),
        (410, {"about_a_job": True}, NoSuchJob),
        (400, {"submitting": True}, Refused),
        (409, {"submitting": True}, AlreadyExists),
        (409, {}, Refused),
        (422, {"submitting": True}, Refused),
        (408, {"submitting": True}, Unknown),
        (301, {}, Unreadable),
        (304, {}, Unreadable),
        (500, {}, Unknown),
        (599, {}, Unknown),
    ],
)
def test_each_status_has_one_meaning(status: int, about: dict[str, bool], kind: type[ClusterError]) -> None:
    assert type(fault_of(refusal(status), **about)) is kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"title": "Quota", "detail": "8 of 8 GPUs in use."}, "Quota: 8 of 8 GPUs in use"),
        ({"error": {"message": "no such model", "code": "model"}}, "no such model"),
        ({"error": "no such model"}, "no such model"),
        (
            {"detail": [{"loc": ["body", "gpu_config", "type"], "msg": "unknown", "input": "T4"}]},
            "gpu_config.type unknown",
        ),
        ({"errors": [{"field": "rank", "message": "must be at least 1"}]}, "rank must be at least 1"),
    ],
)
def test_the_clusters_words_reach_the_user(body: object, words: str) -> None:
    assert fault_of(refusal(422, body)).message == f"The cluster answered 422: {words}"


NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("30", 30.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("999999", LONGEST_WAIT_S),
        ("inf", LONGEST_WAIT_S),
        ("nan", None),
        ("Mon, 23 Nov 2026 10:01:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 0.0),
        ("later", None),
        ("", None),
    ],
)
def test_retry_after_is_bounded_and_a_date_is_compared_with_the_clusters_own_clock(
    told: str, seconds: float | None
) -> None:
    assert retry_after_s(refusal(503, Date="Mon, 23 Nov 2026 10:00:00 GMT", **{"Retry-After": told})) == seconds
