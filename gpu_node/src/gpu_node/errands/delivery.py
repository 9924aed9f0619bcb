"""Bringing a run's files to the control plane's bucket through signed upload URLs that it gives."""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO

import httpx

from gpu_node.clock import Clock
from gpu_node.errands.callbacks import CallbackError, Callbacks, UploadTicket
from gpu_node.executor import Executor, ProducedFile
from gpu_node.jobs import Job

logger = logging.getLogger("gpu_node")

CHUNK = 1 << 16
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0


class Result(Enum):
    UPLOADED = "uploaded"
    IMPOSSIBLE = "impossible"
    LATER = "later"


@dataclass
class Delivery:
    """One job's files on their way: what is done, how often it was tried, until when it is worth it.

    `checkpoint` is the path of the checkpoint whose files are among them.
    """

    job: Job
    files: Sequence[ProducedFile]
    patience_ends: float
    checkpoint: str | None = None
    done: set[str] = field(default_factory=set)
    tries: int = 0

    def pause_s(self) -> float:
        """How long to wait before the next try."""
        return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self.tries - 1, 10)))


class Courier:
    """Tries deliveries; each try asks for fresh URLs for what is still missing."""

    def __init__(
        self, client: httpx.AsyncClient, callbacks: Callbacks, executor: Executor, clock: Clock
    ) -> None:
        self._client = client
        self._callbacks = callbacks
        self._executor = executor
        self._clock = clock

    async def attempt(self, delivery: Delivery) -> Result:
        """One try. IMPOSSIBLE once the control plane says no or patience is at its end."""
        job = delivery.job
        delivery.tries += 1
        missing = [file for file in delivery.files if file.path not in delivery.done]
        if not missing:
            return Result.UPLOADED
        try:
            tickets = await self._callbacks.upload_tickets(job.spec, missing)
            for file in missing:
                await self._put(job.external_id, file, tickets[file.path])
                delivery.done.add(file.path)
        except KeyError:
            logger.info("Run %s: files were deleted before they could be sent", job.external_id)
            return Result.IMPOSSIBLE
        except CallbackError as error:
            over = error.definite or self._clock.now() >= delivery.patience_ends
            logger.warning("Run %s: upload try %d failed: %s", job.external_id, delivery.tries, error)
            return Result.IMPOSSIBLE if over else Result.LATER
        return Result.UPLOADED

    async def _put(self, run_id: str, file: ProducedFile, ticket: UploadTicket) -> None:
        headers = {**ticket.headers, "Content-Length": str(file.size)}
        with self._executor.open(run_id, file.path) as source:
            try:
                answer = await self._client.request(
                    ticket.method, ticket.url, content=_chunks(source), headers=headers
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                message = f"{file.path} could not be sent: {type(error).__name__}"
                raise CallbackError(message, definite=False) from error
        if not answer.is_success:
            raise CallbackError(f"the storage answered {answer.status_code} to {file.path}", definite=False)


async def _chunks(source: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk
