"""The seam to what makes a machine ready to train: the trainer's environment and a base model on its disk.

The node provisions a job before the job waits for GPUs. `gpu_node.provision` does it with child processes and
the network; a machine that simulates needs none of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from gpu_node.spec import ModelSource, RemoteFile

ProvisionStage = Literal["initializing", "model_loading"]


@dataclass(frozen=True)
class Progress:
    """What provisioning is busy with: the environment (initializing) or the base model (model_loading)."""

    stage: ProvisionStage
    text: str
    percent: float | None = None


@dataclass(frozen=True)
class Provided:
    """A machine that is ready for one model. `python` is the interpreter of the trainer's environment."""

    python: Path
    model_path: Path
    licence: str | None = None


class ProvisionFailed(Exception):
    """The machine cannot be made ready; code and text, which says what to do, go to the job.

    Codes: base_model_unavailable, environment_failed, disk_full.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Provisioner(Protocol):
    """Makes this machine ready: one work at a time for the environment and per model, cheap when ready."""

    async def provide(
        self,
        source: ModelSource,
        tell: Callable[[Progress], None],
        fresh_files: Callable[[], Awaitable[Sequence[RemoteFile]]] | None,
    ) -> Provided:
        """The environment's interpreter and the model's folder; raises ProvisionFailed.

        `tell` is called whenever there is news. `fresh_files` asks for new URLs of a source of kind files. A
        cancelled call (its job was cancelled) ends work that no other call waits for.
        """

    async def close(self) -> None:
        """Ends what is under way, child processes too; the node is stopping."""
