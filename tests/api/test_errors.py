"""What a client gets when something is refused, wherever it is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.test import Client
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts.exceptions import AccountError
from jobs.exceptions import JobConflict


def answer_to(error: Exception) -> Response:
    """What a client gets when a view raises `error`."""

    class Refusing(APIView):
        authentication_classes = ()
        permission_classes = ()
        throttle_classes = ()

        def get(self, request: Any) -> Response:
            raise error

    response: Response = Refusing.as_view()(APIRequestFactory().get("/api/refusing")).render()
    return response


def error_of(response: Response) -> Any:
    body = json.loads(response.content)
    assert body["success"] is False
    return body["error"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("invalid", 400), ("forbidden", 403), ("not_found", 404), ("conflict", 409), ("unavailable", 503)],
)
def test_a_domain_error_has_the_status_of_its_kind(kind: str, status: int) -> None:
    class Refusal(AccountError):
        code = "refusal"

    Refusal.kind = kind
    answer = answer_to(Refusal("Not like this."))
    assert answer.status_code == status
    assert error_of(answer) == {"code": "refusal", "message": "Not like this.", "details": {}}


def test_a_domain_error_keeps_its_details() -> None:
    answer = answer_to(JobConflict("The job is completed.", details={"status": "completed"}))
    assert answer.status_code == 409
    assert error_of(answer)["details"] == {"status": "completed"}


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("connection already closed")])
def test_a_database_that_is_away_is_no_fault_of_ours_and_asks_to_come_back(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = answer_to(error)
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "database_unavailable"
    assert answer["Retry-After"] == "5"
    assert str(error) not in answer.content.decode()
    assert str(error) in caplog.text


def test_a_validation_error_names_fields_also_nested_ones() -> None:
    answer = answer_to(ValidationError({"hyperparameters": {"rank": ["From 1 to 256."]}, "name": ["Missing."]}))
    assert answer.status_code == 400
    assert error_of(answer) == {
        "code": "invalid",
        "message": "hyperparameters.rank: From 1 to 256.; name: Missing.",
        "details": {"hyperparameters": {"rank": ["From 1 to 256."]}, "name": ["Missing."]},
    }


def test_djangos_own_validation_error_is_a_400_too() -> None:
    answer = answer_to(DjangoValidationError("“abc” is not a valid UUID."))
    assert answer.status_code == 400
    assert error_of(answer)["message"] == "“abc” is not a valid UUID."


def test_a_throttled_client_is_told_when_to_come_back() -> None:
    answer = answer_to(Throttled(wait=2.3))
    assert answer.status_code == 429
    assert answer["Retry-After"] == "3"
    assert error_of(answer)["details"] == {"retry_after_seconds": 3}


def test_too_many_requests_are_refused(
    alice: User, api: Callable[[User], APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(UserRateThrottle.THROTTLE_RATES, "user", "2/min")
    client = api(alice)
    assert [client.get("/api/tokens").status_code for _ in range(3)] == [200, 200, 429]


def test_an_anonymous_call_is_a_401_that_names_the_scheme(client: Client, db: None) -> None:
    answer = client.get("/api/tokens")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "not_authenticated"


def test_a_wrong_method_is_a_405(alice: User, api: Callable[[User], APIClient]) -> None:
    answer = api(alice).put("/api/tokens", {})
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_an_unknown_address_below_api_answers_json(client: Client, db: None) -> None:
    answer = client.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_a_crash_below_api_answers_json_without_its_text(db: None, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.crashing_urls"
    answer = Client(raise_request_exception=False).get("/api/crash")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "server_error"
    assert "secret" not in answer.content.decode()
