"""The trainer's environment, made by the trainer's own install.py the first time that a job needs it."""

import sys
from pathlib import Path

from gpu_node.provision import children
from gpu_node.provision.sharing import Shared, Tell
from gpu_node.provisioning import Progress


class Environment:
    """The environment at `folder`, for the trainer whose distribution lies at `trainer`."""

    def __init__(self, trainer: Path, folder: Path) -> None:
        self._installer = trainer / "install.py"
        self._folder = folder
        self._python: Path | None = None
        self._works: Shared[Path] = Shared()

    async def ready(self, tell: Tell) -> Path:
        """The interpreter of the complete environment; raises ProvisionFailed."""
        if self._python is None or not self._python.exists():
            self._python = await self._works.join("environment", self._install, tell)
        return self._python

    async def close(self) -> None:
        await self._works.close()

    async def _install(self, tell: Tell) -> Path:
        def follow(percent: float | None, text: str) -> None:
            tell(Progress("initializing", text, percent))

        tell(Progress("initializing", "Looking at the trainer's environment"))
        command = [sys.executable, str(self._installer), "--env", str(self._folder)]
        done = await children.report(command, follow, failure="environment_failed")
        return Path(done["python"])
