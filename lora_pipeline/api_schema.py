"""The OpenAPI document: what drf-spectacular finds in the views, plus the envelope around every JSON answer.

Views say what lies in `data` (serializer_class or @extend_schema); list views get their `list_key`.
"""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

JSON = "application/json"
Direction = Literal["request", "response"]
ERROR = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string", "example": "invalid"},
                "message": {"type": "string"},
                "details": {"type": "object", "additionalProperties": True},
            },
        },
    },
}


class EnvelopeSchema(AutoSchema):
    """Documents what EnvelopeRenderer and api_errors put on the wire."""

    def get_tags(self) -> list[str]:
        """The first word after /api/."""
        return [self.path.removeprefix("/api/").split("/")[0]]

    def _get_paginator(self) -> Any:
        paginator = super()._get_paginator()  # type: ignore[no-untyped-call]
        if paginator is not None and hasattr(self.view, "list_key"):
            paginator.list_key = self.view.list_key
        return paginator

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        refused = {"description": "Refused: see `error`.", "content": {JSON: {"schema": self._error()}}}
        bodies.setdefault("4XX", refused)
        later = {
            "description": "Storage or the broker does not answer: try again later.",
            "content": refused["content"],
        }
        bodies.setdefault("503", later)
        return bodies

    def _get_response_for_code(
        self, serializer: Any, status_code: str, media_types: Any = None, direction: Direction = "response"
    ) -> dict[str, Any]:
        answer: dict[str, Any] = super()._get_response_for_code(  # type: ignore[no-untyped-call]
            serializer, status_code, media_types, direction
        )
        content = answer.get("content", {}).get(JSON)
        if content is None:
            return answer
        if not status_code.startswith("2"):
            content["schema"] = self._error()
        elif "success" not in self._properties(content["schema"]):
            content["schema"] = {
                "type": "object",
                "required": ["success", "data"],
                "properties": {"success": {"type": "boolean", "enum": [True]}, "data": content["schema"]},
            }
        return answer

    def _properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What an object's description names, also where it is a reference to one."""
        name = schema.get("$ref", "").rpartition("/")[2]
        if name:
            component = self.registry[name, ResolvedComponent.SCHEMA]
            schema = component.schema or {}
        properties: dict[str, Any] = schema.get("properties", {})
        return properties

    def _error(self) -> dict[str, Any]:
        """A reference to the one description of a failure."""
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Error", type=ResolvedComponent.SCHEMA, schema=ERROR, object="Error"
        )
        self.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A token from /settings/tokens."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.WebSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The web page's session. Writing requests also need the header X-CSRFToken.",
        }
