"""The Provisioner of a machine that trains: the trainer's environment first, then the base model."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx

from gpu_node.provision.environment import Environment
from gpu_node.provision.models import Models
from gpu_node.provisioning import Progress, Provided
from gpu_node.spec import ModelSource, RemoteFile


class MachineProvisioner:
    """Implements Provisioner with child processes and the network.

    `trainer` is the trainer's distribution (the folder with install.py), `environment` the folder of its
    environment, `models` that of prepared base models; `client` speaks to storage and stays the caller's.
    """

    def __init__(self, *, trainer: Path, environment: Path, models: Path, client: httpx.AsyncClient) -> None:
        self._environment = Environment(trainer, environment)
        self._models = Models(trainer, models, client)

    async def provide(
        self,
        source: ModelSource,
        tell: Callable[[Progress], None],
        fresh_files: Callable[[], Awaitable[Sequence[RemoteFile]]] | None,
    ) -> Provided:
        python = await self._environment.ready(tell)
        return Provided(python, await self._models.ready(python, source, tell, fresh_files), source.licence)

    async def close(self) -> None:
        await self._environment.close()
        await self._models.close()
