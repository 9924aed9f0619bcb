"""What a job needs before it begins: its dataset, its validation file, the checkpoint it goes on from."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import httpx

from gpu_node.checkpoints import wants_uploads
from gpu_node.errands.callbacks import CallbackError, Callbacks
from gpu_node.errands.transfer import Errand, InputsFailed, fetch
from gpu_node.executor import InputPlaces
from gpu_node.jobs import Inputs, Job
from gpu_node.spec import Dataset, JobSpec, RemoteFile


@dataclass(frozen=True)
class Fetched:
    """The inputs of one job, checked."""

    dataset: Inputs
    validation: Inputs | None


async def fetch_inputs(
    client: httpx.AsyncClient,
    callbacks: Callbacks,
    job: Job,
    wanted: Callable[[], bool],
    places: InputPlaces | None = None,
) -> Fetched:
    """Fetches and checks all inputs of the job; writes them to `places` where those are given.

    Raises InputsFailed, or Abandoned once `wanted()` says no.
    """
    spec, askable = job.spec, wants_uploads(job)
    errand = Errand(
        spec.dataset, "dataset", "dataset", partial(callbacks.dataset_url, spec) if askable else None
    )
    dataset = await fetch(client, errand, wanted, places.dataset if places else None)
    if dataset.lines == 0:
        raise InputsFailed("dataset_empty", "The dataset has no lines to train on.")
    validation = None
    if spec.validation is not None:
        renew = partial(callbacks.validation_url, spec) if askable else None
        errand = Errand(spec.validation, "validation file", "dataset", renew)
        validation = await fetch(client, errand, wanted, places.validation if places else None)
        if validation.lines == 0:
            raise InputsFailed("dataset_empty", "The validation file has no lines.")
    if spec.resume_from is not None and spec.resume_from.files and places is not None:
        await _fetch_checkpoint(client, callbacks, spec, wanted, places, askable=askable)
    return Fetched(dataset, validation)


async def _fetch_checkpoint(
    client: httpx.AsyncClient,
    callbacks: Callbacks,
    spec: JobSpec,
    wanted: Callable[[], bool],
    places: InputPlaces,
    *,
    askable: bool,
) -> None:
    """All files of the checkpoint, in its folder only once they are complete."""
    if places.checkpoint.is_dir() or spec.resume_from is None:
        return
    part = places.checkpoint.with_name(places.checkpoint.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    for file in spec.resume_from.files:
        place = part / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        ordered = Dataset(file.url, file.sha256, file.size)
        renew = partial(_fresh_url, callbacks, spec, file) if askable else None
        await fetch(client, Errand(ordered, "checkpoint", "checkpoint", renew), wanted, place)
    part.replace(places.checkpoint)


async def _fresh_url(callbacks: Callbacks, spec: JobSpec, file: RemoteFile) -> str:
    for fresh in await callbacks.checkpoint_files(spec):
        if fresh.path == file.path:
            return fresh.url
    raise CallbackError(f"The answer of /checkpoint has no {file.path}.", definite=True)
