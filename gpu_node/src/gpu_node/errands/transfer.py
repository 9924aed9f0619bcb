"""Fetching one file: streamed, counted, hashed, compared with what was ordered; never whole in memory."""

import asyncio
import contextlib
import errno
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from gpu_node.errands.callbacks import CallbackError
from gpu_node.jobs import Inputs
from gpu_node.spec import Dataset

TRIES = 4
FIRST_PAUSE_S = 0.25
REFUSED = {401, 403, 404, 410}


class InputsFailed(Exception):
    """A file cannot be used; `code` and the text go to the job."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Abandoned(Exception):
    """Nobody wants the file any more."""


class _Interrupted(Exception):
    """The transfer broke off; another try may do."""


class _Refused(Exception):
    """The URL is not accepted (any more)."""


@dataclass(frozen=True)
class Errand:
    """One file to fetch. `noun` names it in messages, `code` begins its error codes.

    `renew` asks for a new URL in place of one that is refused; None where nobody can be asked.
    """

    file: Dataset
    noun: str
    code: str
    renew: Callable[[], Awaitable[str]] | None = None


async def fetch(
    client: httpx.AsyncClient, errand: Errand, wanted: Callable[[], bool], keep_at: Path | None
) -> Inputs:
    """Fetches the file, checks hash and size, puts it at `keep_at` (whole or not at all) where that is given.

    Breaks in transfer are tried again, a refused URL is replaced once. Raises InputsFailed, or Abandoned
    once `wanted()` says no.
    """
    url, renewed, trouble = errand.file.url, False, ""
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(FIRST_PAUSE_S * 4 ** (attempt - 1))
        try:
            return await _fetch_to(client, url, errand, wanted, keep_at)
        except _Interrupted as error:
            trouble = str(error)
        except _Refused as error:
            trouble = str(error)
            if renewed or errand.renew is None:
                break
            renewed = True
            with contextlib.suppress(CallbackError):
                url = await errand.renew()
        except OSError as error:
            raise InputsFailed(*_disk_trouble(errand, error)) from error
    raise InputsFailed(
        f"{errand.code}_unreachable",
        f"The {errand.noun} could not be fetched: {trouble}. Check that this machine reaches the storage "
        "address in the signed URL and that the URL had not expired.",
    )


async def _fetch_to(
    client: httpx.AsyncClient, url: str, errand: Errand, wanted: Callable[[], bool], keep_at: Path | None
) -> Inputs:
    if keep_at is None:
        return await _fetch_once(client, url, errand, wanted, None)
    part = keep_at.with_name(keep_at.name + ".part")
    with part.open("wb") as sink:
        found = await _fetch_once(client, url, errand, wanted, sink)
    part.replace(keep_at)
    return found


def _disk_trouble(errand: Errand, error: OSError) -> tuple[str, str]:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            "disk_full",
            f"The GPU machine's disk is full: the {errand.noun} does not fit. Free some space there.",
        )
    return "node_lost", f"The GPU machine cannot write the {errand.noun}: {error.strerror}."


async def _fetch_once(
    client: httpx.AsyncClient,
    url: str,
    errand: Errand,
    wanted: Callable[[], bool],
    sink: BinaryIO | None,
) -> Inputs:
    ordered = errand.file
    digest, size, lines, open_line = hashlib.sha256(), 0, 0, False
    try:
        async with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer:
            if answer.status_code in REFUSED or answer.is_redirect:
                raise _Refused(f"the storage answered {answer.status_code}")
            if not answer.is_success:
                raise _Interrupted(f"the storage answered {answer.status_code}")
            async for chunk in answer.aiter_raw():
                if not wanted():
                    raise Abandoned
                digest.update(chunk)
                if sink is not None:
                    sink.write(chunk)
                size += len(chunk)
                if ordered.bytes is not None and size > ordered.bytes:
                    break
                pieces = [bool(piece.strip()) for piece in chunk.split(b"\n")]
                pieces[0] = pieces[0] or open_line
                open_line = pieces.pop()
                lines += sum(pieces)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _Interrupted(f"the connection failed ({type(error).__name__})") from error
    found = digest.hexdigest()
    if ordered.bytes is not None and size != ordered.bytes:
        told = f"{ordered.bytes} bytes were ordered, {'more' if size > ordered.bytes else size} came"
        raise InputsFailed(
            f"{errand.code}_hash_mismatch", f"The {errand.noun} is not the one ordered: {told}."
        )
    if ordered.sha256 is not None and found != ordered.sha256.lower():
        told = f"its sha256 is {found}, ordered was {ordered.sha256}"
        raise InputsFailed(
            f"{errand.code}_hash_mismatch", f"The {errand.noun} is not the one ordered: {told}."
        )
    return Inputs(lines + open_line, size, found)
