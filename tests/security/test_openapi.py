"""Every operation of the OpenAPI document, called with what it allows and with what it does not.

No answer is a crash, and each is one that the document describes: its status, content type and shape. Longer:
`SCHEMA_EXAMPLES=1000 bin/test tests/security/test_openapi.py`.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from accounts import services
from datasets.storage.base import ObjectStore
from tests.security import rows
from tests.security.rows import Rows

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "5"))
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
# The document says 4XX of all of them; these are the refusals that there are.
REFUSALS = {400, 401, 403, 404, 405, 406, 409, 413, 415}

document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
schema = schemathesis.openapi.from_dict(document)
schema.app = get_wsgi_application()  # not lora_pipeline.wsgi, which closes the process for rows (tenancy.viewer)


@pytest.fixture(autouse=True)
def connection_of_the_test() -> Iterator[None]:
    """A served request closes its database connection; here it is the test's own."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def mine(operator: User, store: ObjectStore, broker: str) -> Rows:
    return rows.make(operator, store)


@pytest.fixture
def headers(operator: User) -> dict[str, str]:
    _, secret = services.token_create(user=operator, name="test")
    # Served without a network, answers are not unpacked again.
    return {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_is_documented(case: Any, headers: dict[str, str], mine: Rows) -> None:
    cache.clear()  # no throttle
    with transaction.atomic():
        aim(case, mine)
        answer = case.call_and_validate(checks=CHECKS, headers=headers)
        assert answer.status_code < 300 or answer.status_code in REFUSALS
        transaction.set_rollback(True)


def aim(case: Any, mine: Rows) -> None:
    """Let the request name rows that there are, mostly; what is generated alone is nobody's."""
    for part in (case.path_parameters, case.body):
        if isinstance(part, dict):
            for name, given in part.items():
                part[name] = mine.known(name, given)
            inner = part.get("gpu_config")
            if isinstance(inner, dict) and "type" in inner:
                inner["type"] = mine.known("type", inner["type"])
