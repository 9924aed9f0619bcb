"""The seam to the node's own outgoing work. Each call returns at once and reports back to the node later."""

from typing import Protocol

from gpu_node.jobs import Job, Transition


class Errands(Protocol):
    """What the node wants done outside."""

    def provision(self, job: Job) -> None:
        """Make the machine ready for the job; ends in `provisioned` or `provision_failed`."""

    def drop_provision(self, external_id: str) -> None:
        """The job was cancelled: nobody needs to make the machine ready for it any more."""

    def fetch(self, job: Job) -> None:
        """Fetch and check the inputs; ends in `inputs_ready` or `inputs_failed`."""

    def send_checkpoints(self, job: Job) -> None:
        """Bring the newest checkpoint to the bucket while the job runs; `checkpoint_sent` once it is."""

    def deliver(self, job: Job) -> None:
        """Bring the files to the control plane's bucket; ends in `delivered`."""

    def tell(self, job: Job, change: Transition, state_seq: int) -> None:
        """Hint the control plane at a change; may be lost."""
