"""All jobs: active ones in memory, every one in rows, ended ones remembered for a while."""

from collections import OrderedDict

from gpu_node.jobs import Job
from gpu_node.spec import JobSpec
from gpu_node.store import Store

REMEMBERED = 2048


class UnknownJob(Exception):
    """No job has this external id."""


class JobBook:
    """Reads cost a dictionary look-up for active jobs; each write is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._active: dict[str, Job] = {}
        self._ended: OrderedDict[str, Job] = OrderedDict()

    def load(self) -> list[Job]:
        """The jobs that had not ended when the node last stopped, oldest first."""
        self._active = {job.external_id: job for job in self._store.active()}
        return self.active()

    def active(self) -> list[Job]:
        """All jobs that have not ended, oldest first."""
        return list(self._active.values())

    def find_active(self, external_id: str) -> Job | None:
        """The job, unless it has ended or is unknown."""
        return self._active.get(external_id)

    def get(self, external_id: str) -> Job:
        """The job as it is now; raises UnknownJob."""
        job = self._active.get(external_id) or self._ended.get(external_id)
        if job is None:
            job = self._store.get(external_id)
            if job is None:
                raise UnknownJob(external_id)
            self._remember(job)
        return job

    def by_key(self, key: str) -> Job | None:
        """The job that was submitted with this idempotency key."""
        return self._store.by_key(key)

    def started(self) -> list[Job]:
        """All jobs that ever held GPUs, that is: the ones somebody pays for."""
        return self._store.started()

    def find(
        self, *, job_id: str | None, active: bool, status: str | None, after: int, limit: int
    ) -> tuple[list[Job], bool]:
        """Matching jobs numbered above `after`, and whether there are more."""
        found = self._store.find(job_id=job_id, active=active, status=status, after=after, limit=limit + 1)
        return [self.get(external_id) for external_id in found[:limit]], len(found) > limit

    def add(self, external_id: str, spec: JobSpec, key: str | None, now: float) -> Job:
        """A new job, waiting; raises sqlite3.IntegrityError when the key or id is taken."""
        job = self._store.add(external_id, spec, key, now)
        self._active[external_id] = job
        return job

    def keep(self, job: Job) -> None:
        """The job as it is from now on."""
        self._store.save(job)
        if job.ended:
            self._active.pop(job.external_id, None)
            self._remember(job)
        else:
            self._active[job.external_id] = job

    def _remember(self, job: Job) -> None:
        self._ended[job.external_id] = job
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
