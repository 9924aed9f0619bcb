"""Whether this machine can run an order at all."""

from collections.abc import Mapping

from gpu_node.book import JobBook, UnknownJob
from gpu_node.executor import Executor
from gpu_node.spec import FieldProblem, InvalidOrder, JobSpec, ResumeFrom


class CheckpointGone(Exception):
    """There is nothing to resume from."""


class Admission:
    """Looks at orders before they become jobs. `gpus`: type -> how many this machine has."""

    def __init__(self, executor: Executor, jobs: JobBook, gpus: Mapping[str, int]) -> None:
        self._executor = executor
        self._jobs = jobs
        self._gpus = gpus

    def check(self, spec: JobSpec, now: float) -> None:
        """Raises InvalidOrder with all that cannot be run, CheckpointGone for a lost resume_from."""
        problems = self._executor.refusals(spec)
        total = self._gpus.get(spec.gpu_type)
        if total is None:
            known = ", ".join(sorted(self._gpus)) or "none"
            message = f"{spec.gpu_type!r} is not here; this node has {known}"
            problems.append(FieldProblem("gpu_config.type", message))
        elif spec.gpu_count > total:
            message = f"{spec.gpu_count} is more than the {total} of type {spec.gpu_type} here"
            problems.append(FieldProblem("gpu_config.count", message))
        if problems:
            raise InvalidOrder(problems)
        if spec.resume_from is not None and not self._can_resume(spec.resume_from, now):
            raise CheckpointGone(spec.resume_from.external_job_id)

    def has_gpus(self, spec: JobSpec) -> bool:
        """Whether the machine still has the GPUs of an order it once took."""
        return spec.gpu_count <= self._gpus.get(spec.gpu_type, 0)

    def _can_resume(self, source: ResumeFrom, now: float) -> bool:
        """Whether the checkpoint comes with the order or lies here."""
        if source.files:
            return True
        try:
            run_id = self._jobs.get(source.external_job_id).external_id
        except UnknownJob:
            return False
        return self._executor.knows(run_id) and self._executor.has_checkpoint(run_id, now, step=source.step)
