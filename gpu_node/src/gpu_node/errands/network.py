"""The Errands over a real network: takes the node's wishes, lets crews do them, reports back."""

import asyncio
import logging
import math
from collections.abc import Sequence

import httpx

from gpu_node import SERVER_NAME
from gpu_node.book import UnknownJob
from gpu_node.checkpoints import pending, wants_uploads
from gpu_node.clock import Clock, iso
from gpu_node.errands.callbacks import CallbackError, Callbacks
from gpu_node.errands.crew import Crew
from gpu_node.errands.delivery import Courier, Delivery, Result
from gpu_node.errands.inputs import fetch_inputs
from gpu_node.errands.transfer import Abandoned, InputsFailed
from gpu_node.executor import CannotBegin, Executor
from gpu_node.jobs import Job, Phase, Status, Transition
from gpu_node.node import Node
from gpu_node.provisioning import Provisioner, ProvisionFailed
from gpu_node.spec import RemoteFile

logger = logging.getLogger("gpu_node")

HINTS_WAITING = 1000
CHECKPOINT_PAUSE_S = 15.0


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
    """Implements Errands. `attach` the node before the first wish comes.

    The `client` is closed with it; so is the `provisioner`, None for an executor that needs none.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        executor: Executor,
        clock: Clock,
        upload_patience_s: float,
        provisioner: Provisioner | None = None,
    ) -> None:
        self._client = client
        self._executor = executor
        self._provisioner = provisioner
        self._provisions: dict[str, asyncio.Task[None]] = {}
        self._sending: set[str] = set()
        self._callbacks = Callbacks(self._client)
        self._courier = Courier(self._client, self._callbacks, executor, clock)
        self._clock = clock
        self._patience_s = upload_patience_s
        self._fetchers = Crew("fetch", 8)
        self._couriers = Crew("deliver", 4)
        self._checkpointers = Crew("checkpoint", 2)
        self._heralds = Crew("tell", 2, limit=HINTS_WAITING)
        self._node: Node | None = None

    def attach(self, node: Node) -> None:
        self._node = node

    @property
    def node(self) -> Node:
        if self._node is None:
            raise RuntimeError("attach a node first")
        return self._node

    def provision(self, job: Job) -> None:
        # Not a crew's work: who waits for what another job's provision already makes must hold up nobody.
        task = asyncio.get_running_loop().create_task(self._provision(job), name="provision")
        self._provisions[job.external_id] = task
        task.add_done_callback(lambda done: self._provisions.pop(job.external_id, None))

    def drop_provision(self, external_id: str) -> None:
        if (task := self._provisions.get(external_id)) is not None:
            task.cancel()

    def fetch(self, job: Job) -> None:
        self._fetchers.add(lambda: self._fetch(job))

    def send_checkpoints(self, job: Job) -> None:
        if job.external_id not in self._sending:
            self._sending.add(job.external_id)
            self._checkpointers.add(lambda: self._send_checkpoints(job.external_id))

    def deliver(self, job: Job) -> None:
        now = self._clock.now()
        files = self._executor.files(job.external_id, now)
        completed = job.verdict is not None and job.verdict.status is Status.COMPLETED
        checkpoint = None if completed else pending(self._executor, job)
        if checkpoint is not None:
            files = (*files, *checkpoint.produced())
        path = checkpoint.path if checkpoint else None
        delivery = Delivery(job, files, now + self._patience_s, checkpoint=path)
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
        provisions = list(self._provisions.values())
        for task in provisions:
            task.cancel()
        await asyncio.gather(*provisions, return_exceptions=True)
        if self._provisioner is not None:
            await self._provisioner.close()
        for crew in (self._fetchers, self._couriers, self._checkpointers, self._heralds):
            await crew.close()
        await self._client.aclose()

    async def _provision(self, job: Job) -> None:
        run_id = job.external_id
        if self._provisioner is None:
            raise RuntimeError("an executor that needs a provision was given no provisioner")

        async def fresh_files() -> Sequence[RemoteFile]:
            return await self._callbacks.model_files(job.spec)

        try:
            provided = await self._provisioner.provide(
                job.spec.model_source,
                lambda progress: self.node.provision_progress(run_id, progress),
                fresh_files if wants_uploads(job) else None,
            )
        except ProvisionFailed as error:
            logger.warning("Run %s: %s", run_id, error)
            self.node.provision_failed(run_id, error.code, str(error))
        except Exception:
            logger.exception("Run %s: the machine could not be made ready", run_id)
            message = "The GPU machine could not be made ready to train. The node's log has the details."
            self.node.provision_failed(run_id, "environment_failed", message)
        else:
            self.node.provisioned(run_id, provided)

    async def _fetch(self, job: Job) -> None:
        run_id = job.external_id
        if not self._is(run_id, Phase.PREPARING):
            return
        self.node.fetch_started(run_id)
        try:
            fetched = await fetch_inputs(
                self._client,
                self._callbacks,
                job,
                wanted=lambda: self._is(run_id, Phase.PREPARING),
                places=self._executor.places(run_id),
            )
        except Abandoned:
            return
        except (InputsFailed, CannotBegin) as error:
            logger.warning("Run %s: %s", run_id, error)
            self.node.inputs_failed(run_id, error.code, str(error))
        except Exception:
            logger.exception("Run %s: its inputs could not be brought here", run_id)
            message = "The GPU machine could not bring the inputs here. The node's log has the details."
            self.node.inputs_failed(run_id, "node_lost", message)
        else:
            self.node.inputs_ready(run_id, fetched.dataset, fetched.validation)

    async def _send_checkpoints(self, run_id: str) -> None:
        """The newest checkpoint, then the one that is newest by then, until there is none.

        A refusal ends it until the run's next checkpoint, or its end; the run itself is never held up.
        """
        result = Result.IMPOSSIBLE
        try:
            while self._is(run_id, Phase.RUNNING):
                checkpoint = pending(self._executor, self.node.get(run_id))
                if checkpoint is None:
                    break
                delivery = Delivery(self.node.get(run_id), checkpoint.produced(), patience_ends=math.inf)
                result = await self._courier.attempt(delivery)
                if result is not Result.UPLOADED:
                    break
                self.node.checkpoint_sent(run_id, checkpoint.path)
        finally:
            self._sending.discard(run_id)
        if result is Result.LATER:
            self._checkpointers.add_later(CHECKPOINT_PAUSE_S, lambda: self._send_checkpoints(run_id))

    async def _deliver(self, delivery: Delivery) -> None:
        run_id = delivery.job.external_id
        if not self._is(run_id, Phase.DELIVERING):
            return
        try:
            result = await self._courier.attempt(delivery)
        except Exception:
            logger.exception("Run %s: its files could not be sent; they can be fetched here", run_id)
            result = Result.IMPOSSIBLE
        if result is Result.LATER:
            self._couriers.add_later(delivery.pause_s(), lambda: self._deliver(delivery))
            return
        if result is Result.UPLOADED and delivery.checkpoint is not None:
            self.node.checkpoint_sent(run_id, delivery.checkpoint)
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
