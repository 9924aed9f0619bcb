"""Fetching a dataset: streamed, counted, hashed, compared with what was ordered; never whole in memory."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx

from gpu_node.errands.callbacks import CallbackError, Callbacks
from gpu_node.jobs import Inputs, Job
from gpu_node.spec import Dataset

logger = logging.getLogger("gpu_node")

TRIES = 4
FIRST_PAUSE_S = 0.25
REFUSED = {401, 403, 404, 410}


class InputsFailed(Exception):
    """The dataset cannot be used; `code` and the text go to the job."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Interrupted(Exception):
    """The transfer broke off; another try may do."""


class _Refused(Exception):
    """The URL is not accepted (any more)."""


class Abandoned(Exception):
    """Nobody wants the dataset any more."""


async def fetch_inputs(
    client: httpx.AsyncClient,
    callbacks: Callbacks,
    job: Job,
    wanted: Callable[[], bool],
    keep_at: Path | None = None,
) -> Inputs:
    """Fetches the job's dataset, checks hash and size, writes it to `keep_at` where that is given.

    Breaks in transfer are tried again, a refused URL is replaced once through the control plane. Raises
    InputsFailed, or Abandoned once `wanted()` says no.
    """
    dataset = job.spec.dataset
    url, renewed, trouble = dataset.url, False, ""
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(FIRST_PAUSE_S * 4 ** (attempt - 1))
        try:
            with contextlib.ExitStack() as stack:
                sink = None if keep_at is None else stack.enter_context(keep_at.open("wb"))
                return await _fetch_once(client, url, dataset, wanted, sink)
        except _Interrupted as error:
            trouble = str(error)
        except _Refused as error:
            trouble = str(error)
            if renewed or job.spec.callback_url is None or job.spec.callback_token is None:
                break
            renewed = True
            with contextlib.suppress(CallbackError):
                url = await callbacks.dataset_url(job.spec)
    raise InputsFailed(
        "dataset_unreachable",
        f"The dataset could not be fetched: {trouble}. Check that this machine reaches the storage "
        "address in the signed URL and that the URL had not expired.",
    )


async def _fetch_once(
    client: httpx.AsyncClient,
    url: str,
    dataset: Dataset,
    wanted: Callable[[], bool],
    sink: BinaryIO | None,
) -> Inputs:
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
                if dataset.bytes is not None and size > dataset.bytes:
                    break
                pieces = [bool(piece.strip()) for piece in chunk.split(b"\n")]
                pieces[0] = pieces[0] or open_line
                open_line = pieces.pop()
                lines += sum(pieces)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _Interrupted(f"the connection failed ({type(error).__name__})") from error
    found = digest.hexdigest()
    if dataset.bytes is not None and size != dataset.bytes:
        told = f"{dataset.bytes} bytes were ordered, {'more' if size > dataset.bytes else size} came"
        raise InputsFailed("dataset_hash_mismatch", f"The dataset is not the one ordered: {told}.")
    if dataset.sha256 is not None and found != dataset.sha256.lower():
        told = f"its sha256 is {found}, ordered was {dataset.sha256}"
        raise InputsFailed("dataset_hash_mismatch", f"The dataset is not the one ordered: {told}.")
    lines += open_line
    if lines == 0:
        raise InputsFailed("dataset_empty", "The dataset has no lines to train on.")
    return Inputs(lines, size, found)
