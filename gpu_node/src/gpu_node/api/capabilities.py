"""What this node can do, and whether it is there."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from gpu_node import SERVER_NAME
from gpu_node.api.desk import desk_of

FEATURES = (
    "idempotent_submit",
    "lookup",
    "batch_status",
    "metrics_cursor",
    "logs_cursor",
    "async_cancel",
    "billing",
    "heartbeat",
    "artifacts",
    "callback",
    "fresh_inputs",
    "checkpoints",
)


async def capabilities(request: Request) -> JSONResponse:
    desk = desk_of(request)
    return JSONResponse(
        {
            "api_version": 2,
            "features": list(FEATURES),
            "gpu_types": [{"type": name, "count": count} for name, count in desk.node.gpus.items()],
            "simulated": desk.node.executor.simulated,
            "server": SERVER_NAME,
        }
    )


async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
