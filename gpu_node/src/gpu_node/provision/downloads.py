"""Files behind signed URLs, put into a folder. What broke off goes on where it was; what is there stays."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx

from gpu_node.provisioning import ProvisionFailed
from gpu_node.spec import RemoteFile

TRIES = 5
FIRST_PAUSE_S = 0.5
REFUSED = {401, 403, 404, 410}

Fresh = Callable[[], Awaitable[Sequence[RemoteFile]]]


class _Interrupted(Exception):
    """The transfer broke off; another try may do."""


class _Refused(Exception):
    """The URL is not accepted (any more)."""


async def fetch(
    client: httpx.AsyncClient,
    files: Sequence[RemoteFile],
    into: Path,
    *,
    fresh: Fresh | None,
    follow: Callable[[float, str], None],
) -> None:
    """Fetches all of `files` below `into`; `follow` hears progress (0-100) and the file's path.

    A URL that is refused is replaced through `fresh`, where given. Raises ProvisionFailed and OSError.
    """
    total = sum(file.size for file in files) or 1
    before = 0
    for number, file in enumerate(files):
        target = into / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.exists() and target.stat().st_size == file.size):

            def count(there: int, before: int = before, path: str = file.path) -> None:
                follow(min(100.0, 100 * (before + there) / total), path)

            files = await _fetch(client, files, number, target, fresh, count)
        before += file.size


async def _fetch(
    client: httpx.AsyncClient,
    files: Sequence[RemoteFile],
    number: int,
    target: Path,
    fresh: Fresh | None,
    count: Callable[[int], None],
) -> Sequence[RemoteFile]:
    """One file, with patience; returns the files with the URLs that are good now."""
    wanted, trouble, renewed = files[number], "", False
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(FIRST_PAUSE_S * 3 ** (attempt - 1))
        try:
            await _fetch_once(client, files[number], target, count)
        except _Interrupted as error:
            trouble = str(error)
        except _Refused as error:
            trouble = str(error)
            if renewed or fresh is None:
                break
            renewed = True
            by_path = {file.path: file for file in await fresh()}
            files = [by_path.get(file.path, file) for file in files]
        else:
            return files
    raise ProvisionFailed(
        "base_model_unavailable",
        f"{wanted.path} of the base model could not be fetched: {trouble}. Check that this machine "
        "reaches the storage address in the signed URLs and that the file is still there.",
    )


async def _fetch_once(
    client: httpx.AsyncClient, file: RemoteFile, target: Path, count: Callable[[int], None]
) -> None:
    part = target.with_name(f"{target.name}.part")
    there = part.stat().st_size if part.exists() else 0
    if there > file.size:
        part.unlink()
        there = 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={there}-"} if there else {})}
    try:
        async with client.stream("GET", file.url, headers=headers) as answer:
            if answer.status_code in REFUSED or answer.is_redirect:
                raise _Refused(f"the storage answered {answer.status_code}")
            if not answer.is_success and answer.status_code != 416:
                raise _Interrupted(f"the storage answered {answer.status_code}")
            if answer.status_code == 206:
                await _append(answer, part, there, count)
            elif there < file.size or file.size == 0:
                await _append(answer, part, 0, count)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _Interrupted(f"the connection failed ({type(error).__name__})") from error
    found = await asyncio.to_thread(_problem, part, file)
    if found:
        part.unlink()
        raise _Interrupted(found)
    part.replace(target)


async def _append(answer: httpx.Response, part: Path, there: int, count: Callable[[int], None]) -> None:
    with part.open("r+b" if there else "wb") as sink:
        sink.seek(there)
        sink.truncate()
        async for chunk in answer.aiter_raw():
            sink.write(chunk)
            there += len(chunk)
            count(there)


def _problem(part: Path, file: RemoteFile) -> str:
    """What is wrong with a file that has arrived, or nothing."""
    size = part.stat().st_size
    if size != file.size:
        return f"{size} of {file.size} bytes came"
    if file.sha256 is None:
        return ""
    with part.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return "" if digest == file.sha256.lower() else f"its sha256 is {digest}, announced was {file.sha256}"
