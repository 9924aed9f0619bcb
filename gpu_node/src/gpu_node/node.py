"""The one door for a job's state: takes orders, moves jobs along, ends them.

    submit -> [PROVISIONING] -> WAITING -> (GPUs free) PREPARING -> (inputs checked) RUNNING
           -> [DELIVERING] -> ENDED

Nothing here waits: outgoing work is handed to `Errands`, which reports back. A job moves when it is called,
when an errand reports, or when the agenda says it is due; reading its state computes nothing but the
executor's sight of it.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace

from gpu_node import verdicts
from gpu_node.admission import Admission
from gpu_node.agenda import Agenda
from gpu_node.book import JobBook
from gpu_node.checkpoints import pending, wants_uploads
from gpu_node.clock import Clock
from gpu_node.executor import CannotBegin, Executor, RunOrder, Sight
from gpu_node.jobs import Inputs, Job, Phase, Status, Stop, Transition, Verdict
from gpu_node.outgoing import Errands
from gpu_node.provisioning import Progress, Provided
from gpu_node.queue import GpuQueue
from gpu_node.spec import JobSpec
from gpu_node.store import Store

logger = logging.getLogger("gpu_node")

DEFAULT_GRACE_S = 30.0


class KeyReused(Exception):
    """The idempotency key was used with another payload."""


class Node:
    """All jobs of this machine. Not thread-safe: belongs to one event loop."""

    def __init__(
        self, *, store: Store, executor: Executor, queue: GpuQueue, errands: Errands, clock: Clock
    ) -> None:
        self.executor = executor
        self.clock = clock
        self.agenda = Agenda()
        self.changed: Callable[[], None] = lambda: None
        """Called after the agenda may have changed, so that a timer can follow."""
        self._jobs = JobBook(store)
        self._queue = queue
        self._errands = errands
        self._admission = Admission(executor, self._jobs, queue.total)
        self._provisioning: dict[str, Progress] = {}
        executor.subscribe(self._wake)

    @property
    def gpus(self) -> dict[str, int]:
        """GPU type -> how many this machine has."""
        return self._queue.total

    # -- reading -----------------------------------------------------------------------------------------

    def get(self, external_id: str) -> Job:
        """The job as it is now; raises UnknownJob."""
        return self._jobs.get(external_id)

    def active(self) -> list[Job]:
        """All jobs that have not ended, oldest first."""
        return self._jobs.active()

    def started(self) -> list[Job]:
        """All jobs that ever held GPUs, that is: the ones somebody pays for."""
        return self._jobs.started()

    def find(
        self, *, job_id: str | None, active: bool, status: str | None, after: int, limit: int
    ) -> tuple[list[Job], bool]:
        """Matching jobs numbered above `after`, and whether there are more."""
        return self._jobs.find(job_id=job_id, active=active, status=status, after=after, limit=limit)

    def has_run(self, job: Job) -> bool:
        """Whether the executor has anything to tell about the job."""
        return job.inputs is not None and self.executor.knows(job.external_id)

    def sight(self, job: Job, now: float) -> Sight | None:
        """The executor's view of the job; None before the executor got it."""
        return self.executor.look(job.external_id, now) if self.has_run(job) else None

    def provisioning(self, job: Job) -> Progress | None:
        """What making the machine ready for the job is busy with; None when it is not."""
        return self._provisioning.get(job.external_id)

    # -- orders ------------------------------------------------------------------------------------------

    def recall(self, spec: JobSpec, key: str | None) -> Job | None:
        """The job an earlier submit with this key made; raises KeyReused when it ordered something else."""
        job = None if key is None else self._jobs.by_key(key)
        if job is not None and job.spec.fingerprint() != spec.fingerprint():
            raise KeyReused(key)
        return job

    def submit(self, spec: JobSpec, key: str | None) -> Job:
        """Takes a new order and starts it as soon as its GPUs are free.

        Raises InvalidOrder for what this machine cannot run, CheckpointGone for a lost resume_from.
        """
        now = self.clock.now()
        self._admission.check(spec, now)
        job = self._jobs.add(f"run-{secrets.token_hex(8)}", spec, key, now)
        self._errands.tell(job, job.transitions[0], 1)
        if self.executor.needs_provision:
            self._keep(replace(job, phase=Phase.PROVISIONING))
            self._errands.provision(job)
        else:
            self._line_up(job, now)
        self.changed()
        return self.get(job.external_id)

    def cancel(
        self, external_id: str, *, reason: str, keep_adapter: bool, grace_s: float = DEFAULT_GRACE_S
    ) -> Job:
        """Orders the job to end; it is cancelling until its GPUs are free.

        Safe to repeat; a shorter grace than before counts, reason and keep_adapter stay those of the first.
        """
        now = self.clock.now()
        self._advance(external_id, now)
        job = self.get(external_id)
        verdict = Verdict(Status.CANCELLED, reason)
        match job.phase:
            case Phase.PROVISIONING:
                self._errands.drop_provision(external_id)
                self._end(job, verdict, now, now)
            case Phase.WAITING:
                self._queue.leave(external_id)
                self._end(job, verdict, now, now)
                self._fill(job.spec.gpu_type, now)
            case Phase.DELIVERING if job.stop is not None and job.stop.verdict.status is Status.CANCELLED:
                pass  # repeated: what the first cancel left to be kept is on its way
            case Phase.PREPARING | Phase.DELIVERING:
                self._release(job, verdict, now, deliver=False)
            case Phase.RUNNING:
                self._stop(job, job.stop or Stop(now, verdict, keep_adapter), now, grace_s)
        self.changed()
        return self.get(external_id)

    # -- reports of the errands --------------------------------------------------------------------------

    def provision_progress(self, external_id: str, progress: Progress) -> None:
        """What making the machine ready is busy with."""
        if self._is_in(external_id, Phase.PROVISIONING):
            self._provisioning[external_id] = progress

    def provisioned(self, external_id: str, provided: Provided) -> None:
        """The machine is ready for the job: it waits for GPUs from now on."""
        job = self._jobs.find_active(external_id)
        if job is None or job.phase is not Phase.PROVISIONING:
            return
        job = replace(job, phase=Phase.WAITING, provided=provided)
        self._keep(job)
        self._line_up(job, self.clock.now())
        self.changed()

    def provision_failed(self, external_id: str, code: str, message: str) -> None:
        """The machine cannot be made ready: the job fails without ever having held a GPU."""
        job = self._jobs.find_active(external_id)
        if job is not None and job.phase is Phase.PROVISIONING:
            now = self.clock.now()
            self._end(job, verdicts.failed(code, message), now, now)
            self.changed()

    def fetch_started(self, external_id: str) -> None:
        """The inputs are on their way: the stage says preprocessing from now on."""
        job = self._jobs.find_active(external_id)
        if job is not None and job.phase is Phase.PREPARING:
            self._keep(replace(job, fetching=True))

    def inputs_ready(self, external_id: str, inputs: Inputs, validation: Inputs | None = None) -> None:
        """The inputs are here and are those ordered: the executor begins."""
        job = self._jobs.find_active(external_id)
        if job is None or job.phase is not Phase.PREPARING:
            return
        now = self.clock.now()
        order = RunOrder(
            run_id=external_id,
            job_id=job.spec.job_id,
            base_model=job.spec.base_model,
            hyperparameters=job.spec.hyperparameters,
            gpu_type=job.spec.gpu_type,
            gpu_count=job.spec.gpu_count,
            inputs=inputs,
            resume_from=job.spec.resume_from.external_job_id if job.spec.resume_from else None,
            resume_step=job.spec.resume_from.step if job.spec.resume_from else None,
            validation=validation,
            provided=job.provided,
        )
        try:
            self.executor.begin(order, now)
        except CannotBegin as error:
            self.inputs_failed(external_id, error.code, str(error))
            return
        self._keep(replace(job, phase=Phase.RUNNING, inputs=inputs))
        self._advance(external_id, now)
        self.changed()

    def inputs_failed(self, external_id: str, code: str, message: str) -> None:
        """The inputs cannot be used: the job fails and its GPUs are free."""
        job = self._jobs.find_active(external_id)
        if job is not None and job.phase is Phase.PREPARING:
            self._release(job, verdicts.failed(code, message), self.clock.now(), deliver=False)
            self.changed()

    def checkpoint_sent(self, external_id: str, path: str) -> None:
        """A checkpoint is in the bucket: older ones are no longer needed here."""
        job = self.get(external_id)
        if path not in job.checkpoints_sent:
            self._keep(replace(job, checkpoints_sent=(*job.checkpoints_sent, path)))
            saved = [each.path for each in self.executor.checkpoints(external_id)]
            self.executor.drop_checkpoints(external_id, saved[: saved.index(path)])

    def delivered(self, external_id: str, *, uploaded: bool) -> None:
        """The files are settled: in the bucket (uploaded) or to be fetched from this node."""
        job = self._jobs.find_active(external_id)
        if job is None or job.phase is not Phase.DELIVERING or job.verdict is None:
            return
        now = self.clock.now()
        self._end(replace(job, delivered=uploaded), job.verdict, job.released_at or now, now)
        self.changed()

    # -- moving on ---------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Takes up all jobs that had not ended when the node last stopped."""
        now = self.clock.now()
        jobs = self._jobs.load()
        for job in jobs:
            if job.holds_gpus:
                self._queue.take(job.spec.gpu_type, job.spec.gpu_count)
        for job in jobs:
            match job.phase:
                case Phase.PROVISIONING | Phase.WAITING if not self._admission.has_gpus(job.spec):
                    self._end(job, verdicts.gpu_unavailable(job), now, now)
                case Phase.PROVISIONING | Phase.WAITING if self.executor.needs_provision and not job.provided:
                    self._keep(replace(job, phase=Phase.PROVISIONING))
                    self._errands.provision(job)
                case Phase.PROVISIONING | Phase.WAITING:
                    self._keep(replace(job, phase=Phase.WAITING))
                    self._queue.join(job.external_id, job.spec.gpu_type, job.spec.gpu_count)
                case Phase.PREPARING:
                    self._errands.fetch(job)
                    self.agenda.set(job.external_id, job.deadline)
                case Phase.RUNNING | Phase.DELIVERING if not self.has_run(job):
                    self._release(job, verdicts.run_lost(), now, deliver=False)
                case Phase.RUNNING:
                    self.executor.take_up(job.external_id, now)
                    self._advance(job.external_id, now)
                case Phase.DELIVERING:
                    self._errands.deliver(job)
        for gpu_type in self.gpus:
            self._fill(gpu_type, now)
        self.changed()

    def tick(self) -> None:
        """Moves every job along that is due."""
        now = self.clock.now()
        while (external_id := self.agenda.pop_due(now)) is not None:
            self._advance(external_id, now)

    def _wake(self, external_id: str) -> None:
        self._advance(external_id, self.clock.now())
        self.changed()

    def _advance(self, external_id: str, now: float) -> None:
        """Looks at a job that holds GPUs: is it over, is its time up, when must it be looked at again."""
        job = self._jobs.find_active(external_id)
        if job is None or not job.holds_gpus:
            return
        overdue = job.deadline is not None and now >= job.deadline
        if job.phase is Phase.PREPARING:
            if overdue:
                self._release(job, verdicts.max_runtime(job), now, deliver=False)
            else:
                self.agenda.set(external_id, job.deadline)
            return
        sight = self.executor.look(external_id, now)
        if sight.outcome is None and overdue and not (job.stop and job.stop.forced):
            verdict = job.stop.verdict if job.stop else verdicts.max_runtime(job)
            self._stop(job, Stop(now, verdict, keep_adapter=False, forced=True), now, grace_s=0.0)
        elif sight.outcome is not None:
            verdict = verdicts.of_outcome(sight.outcome, job.stop)
            unwanted = verdict.status is Status.CANCELLED and not (job.stop and job.stop.keep_adapter)
            self._release(job, verdict, sight.outcome.at, deliver=not unwanted)
        else:
            self._send_checkpoints(job)
            moments = [sight.changes_at, None if overdue else job.deadline]
            self.agenda.set(external_id, min((at for at in moments if at is not None), default=None))

    def _line_up(self, job: Job, now: float) -> None:
        """Puts a job that can run at the end of the line for its GPUs."""
        self._provisioning.pop(job.external_id, None)
        self._queue.join(job.external_id, job.spec.gpu_type, job.spec.gpu_count)
        self._fill(job.spec.gpu_type, now)

    def _fill(self, gpu_type: str, now: float) -> None:
        """Gives free GPUs to the waiting jobs of one type."""
        while (external_id := self._queue.next(gpu_type)) is not None:
            job = self._jobs.get(external_id)
            job = replace(job, phase=Phase.PREPARING, started_at=now)
            self._keep(self._change(job, Status.RUNNING, now, "GPUs assigned"))
            self.agenda.set(external_id, job.deadline)
            self._errands.fetch(job)

    def _stop(self, job: Job, stop: Stop, now: float, grace_s: float) -> None:
        self.executor.stop(job.external_id, now, grace_s=grace_s, keep_adapter=stop.keep_adapter)
        stopping = replace(job, stop=stop)
        if job.status is Status.RUNNING and stop.verdict.status is Status.CANCELLED:
            stopping = self._change(stopping, Status.CANCELLING, now, stop.verdict.reason)
        self._keep(stopping)
        self._advance(job.external_id, now)

    def _release(self, job: Job, verdict: Verdict, at: float, *, deliver: bool) -> None:
        """Gives the GPUs back, then ends the job, by way of DELIVERING where files have to travel first."""
        if job.holds_gpus:
            job = replace(job, released_at=at)
            self._queue.release(job.spec.gpu_type, job.spec.gpu_count)
        now = self.clock.now()
        self.agenda.set(job.external_id, None)
        if deliver and wants_uploads(job) and self._has_something_to_deliver(job, verdict, now):
            delivering = replace(job, phase=Phase.DELIVERING, verdict=verdict)
            self._keep(delivering)
            self._errands.deliver(delivering)
        else:
            self._end(job, verdict, at, max(at, job.released_at or at))
        self._fill(job.spec.gpu_type, now)

    def _end(self, job: Job, verdict: Verdict, released_at: float, at: float) -> None:
        ended = replace(
            job, phase=Phase.ENDED, verdict=verdict, released_at=job.released_at or released_at, ended_at=at
        )
        self._provisioning.pop(job.external_id, None)
        self._keep(self._change(ended, verdict.status, at, verdict.reason))
        if job.started_at is not None:
            self.executor.settle(job.external_id, delivered=job.delivered)

    def _change(self, job: Job, status: Status, at: float, reason: str) -> Job:
        """A new status with its transition; moments never fall within one job."""
        change = Transition(status, max(at, job.transitions[-1].at), reason)
        changed = replace(job, status=status, transitions=(*job.transitions, change))
        logger.info("Run %s (job %s): %s, %s", job.external_id, job.spec.job_id, status, reason)
        self._errands.tell(changed, change, len(changed.transitions))
        return changed

    def _keep(self, job: Job) -> None:
        self._jobs.keep(job)
        if job.ended:
            self.agenda.set(job.external_id, None)

    def _has_something_to_deliver(self, job: Job, verdict: Verdict, now: float) -> bool:
        """Files; or, for a job that can be resumed, a checkpoint that is not in the bucket yet."""
        if not self.has_run(job):
            return False
        if self.executor.files(job.external_id, now):
            return True
        return verdict.status is not Status.COMPLETED and pending(self.executor, job) is not None

    def _send_checkpoints(self, job: Job) -> None:
        if wants_uploads(job) and pending(self.executor, job) is not None:
            self._errands.send_checkpoints(job)

    def _is_in(self, external_id: str, phase: Phase) -> bool:
        job = self._jobs.find_active(external_id)
        return job is not None and job.phase is phase
