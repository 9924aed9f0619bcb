"""Stand-ins at the seams to time and network; everything else in the tests is the real thing."""

from gpu_node.jobs import Inputs, Job, Transition
from gpu_node.node import Node


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.moment = now

    def now(self) -> float:
        return self.moment


class PretendNetwork:
    """Errands without a network: every dataset arrives at once, deliveries wait to be settled by hand."""

    def __init__(self, lines: int = 300, *, arrives: bool = True) -> None:
        self.inputs = Inputs(lines, lines * 400, "ab" * 32)
        self.arrives = arrives
        self.node: Node | None = None
        self.provisioning: list[str] = []
        self.sending: list[str] = []
        self.fetching: list[str] = []
        self.delivering: list[str] = []
        self.told: list[tuple[str, str, int]] = []

    def provision(self, job: Job) -> None:
        self.provisioning.append(job.external_id)

    def drop_provision(self, external_id: str) -> None:
        self.provisioning.remove(external_id)

    def send_checkpoints(self, job: Job) -> None:
        self.sending.append(job.external_id)

    def fetch(self, job: Job) -> None:
        assert self.node is not None
        self.fetching.append(job.external_id)
        if self.arrives:
            self.node.inputs_ready(job.external_id, self.inputs)

    def deliver(self, job: Job) -> None:
        self.delivering.append(job.external_id)

    def tell(self, job: Job, change: Transition, state_seq: int) -> None:
        self.told.append((job.external_id, change.state, state_seq))
