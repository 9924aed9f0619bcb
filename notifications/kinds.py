"""What people can be told about, by which ways, and what is on until somebody says otherwise. Pure."""

from dataclasses import dataclass

IN_APP = "in-app"
EMAIL = "email"
WEBHOOK = "webhook"

# What a user switches per type; a webhook has a list of its own.
PERSONAL_CHANNELS = (IN_APP, EMAIL)

# Where this type is wanted by a way out, ends of jobs are gathered: one message when the last active job has ended.
JOBS_ENDED = "jobs_ended"
ENDS = ("job_completed", "job_failed", "job_cancelled")


@dataclass(frozen=True)
class Kind:
    """A notification's type: `name` is for programs, `label` and `help` are for people."""

    name: str
    label: str
    help: str
    email: bool = False
    staff_only: bool = False
    in_app: bool = True

    def default(self, channel: str) -> bool:
        """Whether a channel is on for somebody who never chose."""
        return self.in_app if channel == IN_APP else channel == EMAIL and self.email

    @property
    def channels(self) -> tuple[str, ...]:
        """Those of PERSONAL_CHANNELS that can be switched."""
        return PERSONAL_CHANNELS if self.in_app else (EMAIL,)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("job_queued", "Job queued", "A training job of yours was created."),
        Kind("job_started", "Job started", "GPUs began to work on it."),
        Kind("job_completed", "Job completed", "It is trained, and its files are in storage.", email=True),
        Kind("job_failed", "Job failed", "It ended with an error; the notice says what to do.", email=True),
        Kind("job_cancelled", "Job cancelled", "It was cancelled, and its GPUs are free."),
        Kind(
            JOBS_ENDED,
            "Only when my last job ends",
            "Replaces the messages for each job that completes, fails or is cancelled, even where those are chosen: "
            "one comes when none of your jobs is active any more.",
            in_app=False,
        ),
        Kind("artifact_ready", "Adapter ready", "An adapter can be downloaded."),
        Kind("budget", "Budget", "A job's cost nears its limit, or reached it.", email=True),
        Kind("stall", "No progress", "A job gives no sign of life, or does not move on.", email=True),
        Kind("nan_loss", "Loss is not a number", "A job's loss is NaN or infinity.", email=True),
        Kind("zero_loss", "Loss is exactly zero", "A job learns nothing any more.", email=True),
        Kind("diverged", "Loss gets worse", "A job's loss is well above its best for long.", email=True),
        Kind("spike", "Loss jumps", "A job's loss is far above the points before it."),
        Kind("dataset_ready", "Dataset ready", "A dataset was checked and can be trained on."),
        Kind("dataset_error", "Dataset has errors", "A dataset cannot be trained on as it is.", email=True),
        Kind("alert", "Operations", "A cluster or the installation needs somebody.", email=True, staff_only=True),
    )
}


def offered(*, is_staff: bool) -> list[Kind]:
    """The types that somebody can choose among."""
    return [kind for kind in KINDS.values() if is_staff or not kind.staff_only]


def inbox_types(*, is_staff: bool = True) -> dict[str, str]:
    """The types that an inbox may hold, with their labels."""
    return {kind.name: kind.label for kind in offered(is_staff=is_staff) if kind.in_app} | {
        "webhook_disabled": "Webhook switched off"
    }
