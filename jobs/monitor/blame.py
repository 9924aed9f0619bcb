"""Where a job failed and whose side it is on. Pure but for the row it is asked of."""

from jobs.models import TrainingJob
from jobs.monitor import phases
from jobs.reasons import Side
from jobs.states import Status

SIDES = {
    Side.DATA: "the data",
    Side.SETTINGS: "the settings",
    Side.CLUSTER: "the cluster",
    Side.US: "this installation",
}
WHO_ACTS = {
    Side.DATA: "You: it is the data",
    Side.SETTINGS: "You: it is the settings",
    Side.CLUSTER: "The cluster's operator",
    Side.US: "This installation's operator",
}


def phase(job: TrainingJob) -> str:
    """The phase in which the job failed, "" unless it did."""
    if job.status != Status.FAILED:
        return ""
    return phases.PHASES[phases.phase_of(job.status, job.current_stage)][0]
