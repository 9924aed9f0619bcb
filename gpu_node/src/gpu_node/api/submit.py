"""`POST /training/submit`: at most one job per idempotency key; without a key every submit is a new job."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse

from gpu_node.admission import CheckpointGone
from gpu_node.api.bodies import invalid, read_json
from gpu_node.api.desk import Desk, desk_of
from gpu_node.jobs import Job
from gpu_node.node import KeyReused
from gpu_node.orders import read_order
from gpu_node.problems import Problem
from gpu_node.spec import InvalidOrder, JobSpec

MAX_KEY = 300
IN_FLIGHT_RETRY_S = 1

Admission = Callable[[JobSpec], Awaitable[None]]


async def admit_at_once(spec: JobSpec) -> None:
    """The usual admission: nothing to wait for."""


class Reception:
    """Takes orders. `admission` may let an order wait; its key is in flight meanwhile."""

    def __init__(self, admission: Admission = admit_at_once) -> None:
        self._admission = admission
        self._in_flight: set[str] = set()

    async def submit(self, request: Request) -> JSONResponse:
        desk = desk_of(request)
        try:
            spec = read_order(await read_json(request))
        except InvalidOrder as error:
            raise invalid(error) from error
        if desk.level == 1:
            spec = replace(spec, callback_token=None, resume_from=None)
            await self._admission(spec)
            return _answer(_take(desk, spec, None), 201)
        key = request.headers.get("idempotency-key")
        if key is None:
            await self._admission(spec)
            return _answer(_take(desk, spec, None), 201)
        return await self._submit_once(desk, spec, key)

    async def _submit_once(self, desk: Desk, spec: JobSpec, key: str) -> JSONResponse:
        if not 0 < len(key) <= MAX_KEY:
            detail = f"Idempotency-Key must have 1 to {MAX_KEY} characters."
            raise Problem(400, "invalid_idempotency_key", "Invalid key", detail)
        try:
            earlier = desk.node.recall(spec, key)
        except KeyReused as error:
            detail = f"The key {key} was used with another payload; a changed order needs a new attempt."
            raise Problem(422, "idempotency_key_reused", "Key used before", detail) from error
        if earlier is not None:
            return _answer(earlier, 200)
        if key in self._in_flight:
            detail = f"A submit with the key {key} is being worked on; ask again."
            raise Problem(
                409, "in_flight", "In flight", detail, retryable=True, retry_after_s=IN_FLIGHT_RETRY_S
            )
        self._in_flight.add(key)
        try:
            await self._admission(spec)
            return _answer(_take(desk, spec, key), 201)
        finally:
            self._in_flight.discard(key)


def _take(desk: Desk, spec: JobSpec, key: str | None) -> Job:
    try:
        return desk.node.submit(spec, key)
    except InvalidOrder as error:
        raise invalid(error) from error
    except CheckpointGone as error:
        detail = f"{error} has no checkpoint here to resume from; submit without resume_from."
        raise Problem(409, "checkpoint_gone", "Checkpoint gone", detail) from error


def _answer(job: Job, status: int) -> JSONResponse:
    """Holds only what never changes, so that the same submit gets the same answer for ever."""
    body = {"external_job_id": job.external_id, "job_id": job.spec.job_id, "attempt": job.spec.attempt}
    return JSONResponse(body, status)
