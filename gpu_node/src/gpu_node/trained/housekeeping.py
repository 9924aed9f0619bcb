"""What is deleted when: a run keeps its story (events, log, record) for ever, its bulk for some days."""

import asyncio
import logging
import shutil
from pathlib import Path

from gpu_node.clock import Clock
from gpu_node.executor import CannotBegin
from gpu_node.trained import record
from gpu_node.trained.folder import RunFolder

logger = logging.getLogger("gpu_node")

DAY_S = 86_400.0
SWEEP_S = 3600.0
GB = 1_000_000_000


class Housekeeping:
    """Looks after the folder that holds all runs."""

    def __init__(self, runs: Path, clock: Clock, *, keep_days: float, min_free_gb: float) -> None:
        self._runs = runs
        self._clock = clock
        self._keep_days = keep_days
        self._min_free_gb = min_free_gb
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweeps now and every hour from now on."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_for_ever(), name="housekeeping")

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)

    def check_room(self) -> None:
        """Raises CannotBegin where a run would fill the disk."""
        free = shutil.disk_usage(self._runs).free / GB
        if free < self._min_free_gb:
            message = (
                f"The GPU machine has {free:.1f} GB of disk left, and a run starts with "
                f"{self._min_free_gb:g} GB or more: free some there (or lower --min-free-gb), then try again."
            )
            raise CannotBegin("disk_full", message)

    def after(self, folder: RunFolder, *, began: bool, done_with: bool) -> None:
        """A job has ended. What a later run could go on from stays, unless all of it is `done_with`."""
        if not began:
            gone = [folder.path]
        elif done_with:
            gone = [folder.checkpoints, folder.resume, folder.dataset, folder.validation, folder.scratch]
        else:
            gone = [folder.scratch]
        self.delete(gone)

    def delete(self, paths: list[Path]) -> None:
        """Deletes files and folders without holding the event loop up."""
        asyncio.get_running_loop().run_in_executor(None, _delete, paths)

    def sweep(self) -> None:
        """Deletes the bulk of runs that ended too long ago."""
        oldest = self._clock.now() - self._keep_days * DAY_S
        for path in self._runs.iterdir():
            folder = RunFolder(path)
            kept = record.load(folder.record)
            if kept is None and path.stat().st_mtime < oldest:
                _delete([path])
            elif kept is not None and kept.settled_at is not None and kept.settled_at < oldest:
                story = {folder.events, folder.log, folder.record}
                _delete([each for each in path.iterdir() if each not in story])

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.sweep)
            except (OSError, ValueError):
                logger.exception("The folder of all runs could not be swept; trying again in an hour")
            await asyncio.sleep(SWEEP_S)


def _delete(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
