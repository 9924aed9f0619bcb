"""What comes in: JSON that the database can hold, or a 400 that names the place."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

Api = Callable[[User], APIClient]


def post(client: APIClient, body: str | bytes, **headers: Any) -> Any:
    return client.post("/api/tokens", data=body, content_type="application/json", **headers)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_is_refused_with_its_place(number: str, alice: User, api: Api) -> None:
    answer = post(api(alice), f'{{"name": "x", "rates": [1, {{"learning rate": {number}}}]}}')
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("rates[1].learning rate is not a finite number")


@pytest.mark.parametrize("text", [r'"a\u0000b"', r'"a\ud800b"', r'{"a\u0000": 1}', r'["\udfff"]'])
def test_text_that_the_database_refuses_is_refused_here(text: str, alice: User, api: Api) -> None:
    answer = post(api(alice), f'{{"name": {text}}}')
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("name")


def test_whole_surrogate_pairs_are_characters(alice: User, api: Api) -> None:
    answer = post(api(alice), r'{"name": "\ud83d\ude00"}')
    assert answer.json()["data"]["token"]["name"] == "😀"


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775808", "1" + "0" * 400])
def test_an_integer_beyond_64_bits_is_refused(number: str, alice: User, api: Api) -> None:
    answer = post(api(alice), f'{{"name": "x", "expires_in_days": {number}}}')
    assert answer.json()["error"]["message"] == "expires_in_days is an integer beyond 64 bits."


@pytest.mark.parametrize("depth", [51, 900, 100_000])
def test_deep_nesting_is_refused(depth: int, alice: User, api: Api) -> None:
    answer = post(api(alice), "[" * depth + "]" * depth)
    assert answer.status_code == 400
    assert "nested more than 50 levels" in answer.json()["error"]["message"]


def test_a_long_key_above_many_values_costs_no_memory(alice: User, api: Api) -> None:
    key = "k" * 400_000
    answer = post(api(alice), f'{{"{key}": [{"1," * 200_000}NaN]}}')
    assert answer.status_code == 400
    assert len(answer.content) < 1000


@pytest.mark.parametrize("body", ["{", b"\xff\xfe", '{"name": "x",}', "1" * 5000, "'x'"])
def test_what_is_not_json_is_refused(body: str | bytes, alice: User, api: Api) -> None:
    answer = post(api(alice), body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "parse_error"


@pytest.mark.parametrize("body", ["[]", '"x"', "3", "null", "true"])
def test_json_that_is_no_object_is_refused(body: str, alice: User, api: Api) -> None:
    answer = post(api(alice), body)
    assert answer.status_code == 400
    assert answer.json()["success"] is False


def test_a_body_above_one_mebibyte_is_refused(alice: User, api: Api) -> None:
    answer = post(api(alice), '{"name": "' + "x" * 1024 * 1024 + '"}')
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_a_form_is_refused(alice: User, api: Api) -> None:
    answer = api(alice).post("/api/tokens", data={"name": "x"}, format=None, content_type="text/plain")
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"
