"""`POST /training/cancel/{id}`: 202 while the GPUs are being freed, 200 once the job has ended."""

import math
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from gpu_node.api.bodies import invalid_field, read_object
from gpu_node.api.desk import desk_of
from gpu_node.node import DEFAULT_GRACE_S

MAX_REASON = 500


async def cancel(request: Request) -> JSONResponse:
    desk = desk_of(request)
    external_id = desk.job(request.path_params["external_id"]).external_id
    body = await read_object(request) if desk.level == 2 else {}
    reason = body.get("reason")
    job = desk.node.cancel(
        external_id,
        reason=reason[:MAX_REASON] if isinstance(reason, str) and reason else "cancelled by request",
        keep_adapter=_flag(body, "keep_adapter"),
        grace_s=_seconds(body, "grace_s"),
    )
    return JSONResponse(desk.status(job, request), 200 if job.ended or desk.level == 1 else 202)


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if value is not None and not isinstance(value, bool):
        raise invalid_field(name, "must be true or false")
    return bool(value)


def _seconds(body: dict[str, Any], name: str) -> float:
    value = body.get(name)
    if value is None:
        return DEFAULT_GRACE_S
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise invalid_field(name, "must be a number of at least 0")
    return float(value)
