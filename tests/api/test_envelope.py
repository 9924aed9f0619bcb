"""What goes out: the envelope and values that JSON does not have."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from accounts import services


def answer_of(data: Any, status: int = 200) -> Response:
    """What a view that returns `data` sends."""

    class Answering(APIView):
        authentication_classes = ()
        permission_classes = ()
        throttle_classes = ()

        def get(self, request: Any) -> Response:
            return Response(data, status=status)

    response: Response = Answering.as_view()(APIRequestFactory().get("/api/answer")).render()
    return response


def test_data_is_wrapped() -> None:
    assert json.loads(answer_of({"job": {"progress": 5.2}}).content) == {
        "success": True,
        "data": {"job": {"progress": 5.2}},
    }


def test_an_empty_answer_is_wrapped_as_null_but_204_has_no_body() -> None:
    assert json.loads(answer_of(None).content) == {"success": True, "data": None}
    assert answer_of(None, 204).content == b""


def test_a_body_with_its_own_success_goes_out_as_it_is() -> None:
    body = {"success": True, "message": "Job processing cycle complete", "submitted": 2}
    assert json.loads(answer_of(body).content) == body


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("Infinity")])
def test_numbers_that_json_lacks_become_null(value: Any) -> None:
    body = answer_of({"metrics": [{"loss": value, "step": 3}], "kept": (1.5, "x")}).content
    assert json.loads(body)["data"] == {"metrics": [{"loss": None, "step": 3}], "kept": [1.5, "x"]}


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert json.loads(answer_of({"name": "a\ud800b"}).content)["data"] == {"name": "a?b"}


def test_money_is_a_number_and_a_time_is_utc_with_z() -> None:
    data = {"cost": Decimal("4.20"), "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
    assert json.loads(answer_of(data).content)["data"] == {"cost": 4.2, "at": "2026-01-02T03:04:05Z"}


def test_a_list_comes_in_pages(alice: User, api: Callable[[User], APIClient]) -> None:
    client = api(alice)
    for number in range(4):
        services.token_create(user=alice, name=f"script {number}")
    data = client.get("/api/tokens?limit=2&page=2").json()["data"]
    assert [token["name"] for token in data["tokens"]] == ["script 1", "script 0"]
    assert data["pagination"] == {"page": 2, "limit": 2, "total": 5, "total_pages": 3}


def test_a_page_behind_the_last_is_empty(alice: User, api: Callable[[User], APIClient]) -> None:
    data = api(alice).get("/api/tokens?page=9").json()["data"]
    assert data == {"tokens": [], "pagination": {"page": 9, "limit": 20, "total": 1, "total_pages": 1}}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=abc", "page"),
        ("page=9" + "9" * 30, "page"),
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("limit=²", "limit"),
    ],
)
def test_a_page_out_of_range_is_refused_by_name(
    query: str, field: str, alice: User, api: Callable[[User], APIClient]
) -> None:
    answer = api(alice).get(f"/api/tokens?{query}")
    assert answer.status_code == 400
    assert "whole number from 1 to" in answer.json()["error"]["details"][field][0]
