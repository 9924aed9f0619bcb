"""What becomes of a job, and why. Pure."""

from gpu_node.executor import Outcome
from gpu_node.jobs import Job, Status, Stop, Verdict


def failed(code: str, message: str) -> Verdict:
    """The job failed; `message` tells its owner what to do."""
    return Verdict(Status.FAILED, code, code, message)


def max_runtime(job: Job) -> Verdict:
    """The dead man's switch ended it."""
    return failed(
        "max_runtime", f"Stopped after its limit of {job.spec.max_runtime_s:g} s (limits.max_runtime_s)."
    )


def gpu_unavailable(job: Job) -> Verdict:
    """The node was restarted with fewer GPUs than the job waits for."""
    gpus = f"{job.spec.gpu_count} GPUs of type {job.spec.gpu_type}"
    return failed("gpu_unavailable", f"This node no longer has {gpus}; submit with what it offers now.")


def run_lost() -> Verdict:
    """The run's traces are gone from this machine."""
    return failed("node_lost", "The node lost the run's files, or runs in another way than before; retry it.")


def of_outcome(outcome: Outcome, stop: Stop | None) -> Verdict:
    """What an outcome makes of the job: a run that finished while being stopped has finished."""
    if outcome.kind == "completed":
        return Verdict(Status.COMPLETED, "training finished")
    if outcome.kind == "stopped" and stop is not None:
        return stop.verdict
    message = outcome.error_message or "The run ended without being asked to; its log may say why."
    return failed(outcome.error_code or "training_failed", message)
