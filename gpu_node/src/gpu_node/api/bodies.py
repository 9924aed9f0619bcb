"""JSON in: capped in size, strict in form."""

import json
from typing import Any, NoReturn

from starlette.requests import Request

from gpu_node.problems import Problem
from gpu_node.spec import FieldProblem, InvalidOrder

MAX_BODY = 1 << 20


def invalid(error: InvalidOrder) -> Problem:
    """The 400 that names every field that is wrong."""
    return Problem(400, "invalid_request", "Invalid request", str(error), fields=error.problems)


def invalid_field(field: str, message: str) -> Problem:
    return invalid(InvalidOrder([FieldProblem(field, message)]))


async def read_json(request: Request) -> Any:
    """The decoded body; None when it is empty. Raises Problem 413 or 400."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise Problem(413, "body_too_large", "Body too large", f"At most {MAX_BODY} bytes are read.")
    if not content.strip():
        return None
    try:
        return json.loads(bytes(content), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise invalid_field("body", f"is not JSON: {error}") from error


async def read_object(request: Request) -> dict[str, Any]:
    """The decoded body, which must be an object; empty counts as {}."""
    body = await read_json(request)
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise invalid_field("body", "must be a JSON object")
    return body


def read_whole(value: object, field: str, *, default: int, least: int = 0, most: int | None = None) -> int:
    """A whole number from a query or a body; values above `most` are lowered to it."""
    if value is None or value == "":
        return default
    try:
        number = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None or number < least or number > 2**62:
        raise invalid_field(field, f"must be a whole number of at least {least}")
    return number if most is None else min(number, most)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
