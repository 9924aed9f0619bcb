"""The Errands over a real network: takes the node's wishes, lets crews do them, reports back."""

import logging

import httpx

from gpu_node import SERVER_NAME
from gpu_node.book import UnknownJob
from gpu_node.clock import Clock, iso
from gpu_node.errands.callbacks import CallbackError, Callbacks
from gpu_node.errands.crew import Crew
from gpu_node.errands.delivery import Courier, Delivery, Result
from gpu_node.errands.inputs import Abandoned, InputsFailed, fetch_inputs
from gpu_node.executor import Executor
from gpu_node.jobs import Job, Phase, Transition
from gpu_node.node import Node

logger = logging.getLogger("gpu_node")

HINTS_WAITING = 1000


def outgoing_client() -> httpx.AsyncClient:
    """One pool for all outgoing calls: bounded, with deadlines, no redirects, no proxy to itself."""
    here = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
    return httpx.AsyncClient(
        timeout=httpx.Timeout(30.0, connect=10.0),
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
        headers={"User-Agent": SERVER_NAME},
        mounts=here,
        follow_redirects=False,
    )


class NetworkErrands:
    """Implements Errands. `attach` the node before the first wish comes."""

    def __init__(self, executor: Executor, clock: Clock, upload_patience_s: float) -> None:
        self._client = outgoing_client()
        self._callbacks = Callbacks(self._client)
        self._courier = Courier(self._client, self._callbacks, executor, clock)
        self._clock = clock
        self._patience_s = upload_patience_s
        self._fetchers = Crew("fetch", 8)
        self._couriers = Crew("deliver", 4)
        self._heralds = Crew("tell", 2, limit=HINTS_WAITING)
        self._node: Node | None = None

    def attach(self, node: Node) -> None:
        self._node = node

    @property
    def node(self) -> Node:
        if self._node is None:
            raise RuntimeError("attach a node first")
        return self._node

    def fetch(self, job: Job) -> None:
        self._fetchers.add(lambda: self._fetch(job))

    def deliver(self, job: Job) -> None:
        delivery = Delivery(job, self._clock.now() + self._patience_s)
        self._couriers.add(lambda: self._deliver(delivery))

    def tell(self, job: Job, change: Transition, state_seq: int) -> None:
        if job.spec.callback_url is None or job.spec.callback_token is None:
            return
        event = {
            "event_id": f"{job.external_id}:{state_seq}",
            "external_job_id": job.external_id,
            "state": change.state,
            "state_seq": state_seq,
            "at": iso(change.at),
        }
        self._heralds.add(lambda: self._tell(job, event))

    async def close(self) -> None:
        for crew in (self._fetchers, self._couriers, self._heralds):
            await crew.close()
        await self._client.aclose()

    async def _fetch(self, job: Job) -> None:
        run_id = job.external_id
        if not self._is(run_id, Phase.PREPARING):
            return
        self.node.fetch_started(run_id)
        try:
            inputs = await fetch_inputs(
                self._client,
                self._callbacks,
                job,
                wanted=lambda: self._is(run_id, Phase.PREPARING),
                keep_at=self.node.executor.dataset_path(run_id),
            )
        except Abandoned:
            return
        except InputsFailed as error:
            logger.warning("Run %s: %s", run_id, error)
            self.node.inputs_failed(run_id, error.code, str(error))
        else:
            self.node.inputs_ready(run_id, inputs)

    async def _deliver(self, delivery: Delivery) -> None:
        run_id = delivery.job.external_id
        if not self._is(run_id, Phase.DELIVERING):
            return
        result = await self._courier.attempt(delivery)
        if result is Result.LATER:
            self._couriers.add_later(delivery.pause_s(), lambda: self._deliver(delivery))
        else:
            self.node.delivered(run_id, uploaded=result is Result.UPLOADED)

    async def _tell(self, job: Job, event: dict[str, object]) -> None:
        try:
            await self._callbacks.tell(job.spec, event)
        except CallbackError as error:
            logger.info("Run %s: hint not delivered: %s", job.external_id, error)

    def _is(self, external_id: str, phase: Phase) -> bool:
        try:
            return self.node.get(external_id).phase is phase
        except UnknownJob:
            return False
