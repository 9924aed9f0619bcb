"""What goes over the API's wire: the envelope, strict JSON in and out, pages of a list.

    success  {"success": true, "data": …}
    failure  {"success": false, "error": {"code", "message", "details"}}   (made by lora_pipeline.api_errors)

Views return plain data; these classes are named in settings.REST_FRAMEWORK, so that no app imports them.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from django.db.models import QuerySet
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

if TYPE_CHECKING:  # views load these classes: importing them here would go round in a circle
    from rest_framework.views import APIView

MAX_DEPTH = 50
MAX_INTEGER = 2**63 - 1  # what a database column and every client can hold
MAX_PAGE = 1_000_000
DEFAULT_LIMIT = 20
MAX_LIMIT = 100


# Times are written as REST framework writes them, as is what only it knows; a dataclass is no answer.
_as_rest_framework = JSONEncoder().default
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class EnvelopeRenderer(JSONRenderer):
    """Wraps what a view returned. NaN and infinity, which JSON does not have, become null.

    orjson writes nearly everything, more than ten times as quickly as REST framework's encoder, which writes the rest.
    A body that already carries `success` goes out as it is: an error, or an answer whose shape is fixed.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if data is None and response is not None and response.status_code == 204:
            return b""
        if not (isinstance(data, dict) and "success" in data):
            data = {"success": True, "data": data}
        context = dict(renderer_context or {})
        if self.get_indent(accepted_media_type or "", context) is None:
            # It refuses half a surrogate pair, an integer beyond 64 bits and a key that is no string.
            with suppress(TypeError):
                return orjson.dumps(data, default=_as_rest_framework, option=_OPTIONS)
        return super().render(_presentable(data), accepted_media_type, context)


def _presentable(value: Any) -> Any:
    """`value` with what cannot be written replaced: non-finite numbers by null, lone surrogates by "?"."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_presentable(key): _presentable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_presentable(item) for item in value]
    if hasattr(value, "is_finite"):  # Decimal
        return value if value.is_finite() else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


class StrictJSONParser(JSONParser):
    """JSON that every layer behind it can hold; anything else is a 400 that names the place.

    Refused: NaN and infinity (also as 1e999), integers beyond 64 bits, NUL characters and lone surrogates
    in strings, more than MAX_DEPTH levels. The size is capped by settings.DATA_UPLOAD_MAX_MEMORY_SIZE.
    """

    # The walk below finds NaN with its place; the decoder would only say that there is one.
    strict = False

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            data = super().parse(stream, media_type, dict(parser_context or {}))
        except RecursionError:
            raise ParseError(f"The JSON is nested more than {MAX_DEPTH} levels deep.") from None
        if problem := _problem(data):
            raise ParseError(problem)
        return data


# Where a value lies, as links from the inside out: written as text only for the value that is refused,
# since a client chooses how long keys are and how many values stand below one.
_Place: TypeAlias = "tuple[_Place, str | int] | None"


def _problem(data: Any) -> str | None:
    """What is wrong with parsed JSON, as a sentence; walks without recursion."""
    stack: list[tuple[_Place, int, Any]] = [(None, 1, data)]
    while stack:
        place, depth, value = stack.pop()
        if isinstance(value, dict | list) and depth > MAX_DEPTH:
            return f"The JSON is nested more than {MAX_DEPTH} levels deep, at {_written(place)}."
        if isinstance(value, dict):
            for key, item in value.items():
                stack += [((place, key), depth + 1, item), ((place, key), depth + 1, key)]
        elif isinstance(value, list):
            stack += [((place, index), depth + 1, item) for index, item in enumerate(value)]
        elif isinstance(value, str):
            if "\x00" in value:
                return f"{_written(place)} holds a NUL character (\\u0000): remove it."
            if any("\ud800" <= character <= "\udfff" for character in value):
                return f"{_written(place)} holds half of a surrogate pair (\\ud800 to \\udfff): send whole characters."
        elif isinstance(value, float) and not math.isfinite(value):
            return f"{_written(place)} is not a finite number: NaN, Infinity and numbers above 1.8e308 are refused."
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            return f"{_written(place)} is an integer beyond 64 bits."
    return None


def _written(place: _Place) -> str:
    """A place such as hyperparameters.targets[2], cut where it gets long."""
    if place is None:
        return "The body"
    parts: list[str] = []
    while place is not None:
        place, step = place
        parts.append(f"[{step}]" if isinstance(step, int) else f".{ascii(step[:60])[1:-1]}")
    return "".join(reversed(parts)).removeprefix(".")[:300]


class PagePagination(BasePagination):
    """`?page=1&limit=20` → {<view.list_key>: […], "pagination": {page, limit, total, total_pages}}.

    A page behind the last one is an empty list; a value outside its range is a 400.
    """

    list_key = "items"

    def paginate_queryset(
        self, queryset: "QuerySet[Any] | Sequence[Any]", request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        self.list_key = getattr(view, "list_key", self.list_key)
        self.page = _whole_number(request, "page", default=1, maximum=MAX_PAGE)
        self.limit = _whole_number(request, "limit", default=DEFAULT_LIMIT, maximum=MAX_LIMIT)
        self.total = queryset.count() if isinstance(queryset, QuerySet) else len(queryset)
        first = (self.page - 1) * self.limit
        return list(queryset[first : first + self.limit]) if first < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        pagination = {
            "page": self.page,
            "limit": self.limit,
            "total": self.total,
            "total_pages": math.ceil(self.total / self.limit),
        }
        return Response({self.list_key: data, "pagination": pagination})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        numbers = ("page", "limit", "total", "total_pages")
        return {
            "type": "object",
            "required": [self.list_key, "pagination"],
            "properties": {
                self.list_key: schema,
                "pagination": {
                    "type": "object",
                    "required": list(numbers),
                    "properties": {name: {"type": "integer"} for name in numbers},
                },
            },
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        def parameter(name: str, default: int, maximum: int) -> dict[str, Any]:
            bounds = {"type": "integer", "minimum": 1, "maximum": maximum, "default": default}
            return {"name": name, "in": "query", "required": False, "schema": bounds}

        return [parameter("page", 1, MAX_PAGE), parameter("limit", DEFAULT_LIMIT, MAX_LIMIT)]


def _whole_number(request: Request, name: str, *, default: int, maximum: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    # isdecimal alone would take other scripts' digits and int() any length of them.
    if text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= maximum:
        return int(text)
    raise ValidationError({name: [f"Must be a whole number from 1 to {maximum}."]})
