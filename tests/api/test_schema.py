"""The OpenAPI document and its page."""

import json
from io import StringIO

from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client


def document(client: Client) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(client.get("/api/schema").content)
    return parsed


def test_the_document_is_valid_and_made_without_a_warning(db: None) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_it_describes_the_envelope_and_its_errors(client: Client, db: None) -> None:
    paths = json.loads(json.dumps(document(client)["paths"]))
    answers = paths["/api/notifications"]["get"]["responses"]
    body = answers["200"]["content"]["application/json"]["schema"]
    assert body["required"] == ["success", "data"]
    assert answers["4XX"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_it_names_both_ways_to_log_in(client: Client, db: None) -> None:
    components = json.loads(json.dumps(document(client)["components"]))
    assert components["securitySchemes"]["token"]["scheme"] == "bearer"
    assert components["securitySchemes"]["session"]["in"] == "cookie"


def test_it_comes_as_yaml_too(client: Client, db: None) -> None:
    assert client.get("/api/schema.yaml").content.startswith(b"openapi:")


def test_its_page_works_offline_and_within_our_content_security_policy(client: Client, db: None) -> None:
    answer = client.get("/api/docs")
    page = answer.content.decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=")
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert finders.find("drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js")
    script = client.get("/api/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content
