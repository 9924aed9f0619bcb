"""One run, from job.json to the `end` event. Small steps in the order of the stages; errors become codes here."""

import errno
import json
import logging
import os
from pathlib import Path

from lora_trainer.errors import Stopped, TrainingFailed
from lora_trainer.events import Events, NoEvents
from lora_trainer.heartbeat import beating
from lora_trainer.job import Job, read_job
from lora_trainer.launch import Place, launch, own_place
from lora_trainer.run_folder import RunFolder, checkpoint_step
from lora_trainer.stopping import Stopper

log = logging.getLogger(__name__)

COMPLETED, STOPPED, FAILED = 0, 3, 4
"""Exit codes; any other means a crash."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""safetensors tells them in words alone."""


def train(run_dir: Path, stopper: Stopper) -> int:
    """Trains the run in this folder, going on from its newest checkpoint if there is one; returns the exit code."""
    folder, place = RunFolder(run_dir), own_place()
    events = Events(folder.events) if place is None or place.is_first else NoEvents(place.restart)
    try:
        job = read_job(folder.job)
        if place is None and job.device_count > 1:
            return _train_together(folder, job, events, stopper)
    except TrainingFailed as failure:
        events.start(None)
        return _fail(folder, events, failure)
    place = place or Place(0, 1, events.restart)
    if place.is_first:
        folder.discard_unfinished()
    else:
        logging.getLogger().setLevel(logging.WARNING)  # the first process tells the story
    checkpoint = folder.newest_checkpoint()
    resumed_from = checkpoint_step(checkpoint) if checkpoint else None
    if checkpoint is None and job.resume_from is not None:
        checkpoint, resumed_from = job.resume_from.path, job.resume_from.step
    events.start(resumed_from)
    with beating(folder.heartbeat):
        try:
            # torch takes seconds to import: SIGTERM and the heartbeat work meanwhile.
            from lora_trainer.session import Session, run_session

            run_session(Session(folder, job, events, stopper, place, checkpoint))
        except Stopped:
            events.end("stopped")
            return STOPPED
        except TrainingFailed as failure:
            return _fail(folder, events, failure)
        except Exception as error:
            log.exception("the run failed")
            return _fail(folder, events, _translate(error, job))
    events.end("completed")
    return COMPLETED


def _train_together(folder: RunFolder, job: Job, events: Events, stopper: Stopper) -> int:
    """One process per device; if one of the others failed, its reason becomes the run's."""
    _failure_file(folder).unlink(missing_ok=True)
    code = launch(folder.path, job.device_count, job.device, events.restart, stopper)
    path = _failure_file(folder)
    if code not in (COMPLETED, STOPPED) and path.exists():
        told = b'"event": "end"' in folder.events.read_bytes().rpartition(b'{"event": "start"')[2]
        if not told:
            events.end("failed", *json.loads(path.read_text("utf-8")))
        return FAILED
    return code


def _fail(folder: RunFolder, events: Events, failure: TrainingFailed) -> int:
    if isinstance(events, NoEvents):
        _failure_file(folder).write_text(json.dumps([failure.code, failure.message]), "utf-8")
    else:
        folder.discard_unfinished()  # on a full disk this makes room for the line that says so
    events.end("failed", failure.code, failure.message)
    return FAILED


def _failure_file(folder: RunFolder) -> Path:
    """Where a process that writes no events leaves its reason."""
    return folder.path / "failure.json"


def _translate(error: Exception, job: Job) -> TrainingFailed:
    """What went wrong in words that say what to do."""
    text = str(error)
    number = error.errno if isinstance(error, OSError) else None
    if number in DISK_FULL or any(os.strerror(each) in text for each in DISK_FULL):
        return TrainingFailed(
            "disk_full",
            f"The disk takes no more: {text}. Free space on the node or raise its quota, or save less often "
            "(raise save_steps).",
        )
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "not enough memory" in text
        or "can't allocate memory" in text
    ):
        return TrainingFailed("out_of_memory", out_of_memory_advice(job))
    first_line = text.splitlines()[0] if text else ""
    return TrainingFailed("training_failed", f"{type(error).__name__}: {first_line[:300]} (the log has more)".strip())


def out_of_memory_advice(job: Job) -> str:
    """What to lower, the least harmful first, with the values that keep the result alike."""
    settings = job.hyperparameters
    advice = []
    if settings.batch_size > 1:
        half = settings.batch_size // 2
        accumulated = settings.gradient_accumulation_steps * settings.batch_size // half
        advice.append(
            f"lower batch_size from {settings.batch_size} to {half} and raise gradient_accumulation_steps from "
            f"{settings.gradient_accumulation_steps} to {accumulated} (the same effective batch)"
        )
    advice.append(f"lower max_length from {settings.max_length} (longer examples are cut, and counted)")
    if job.device == "cuda" and settings.quantization == "none":
        advice.append("set quantization to nf4 (a quarter of the base model's memory)")
    if settings.rank > 16:
        advice.append(f"lower rank from {settings.rank}")
    where = "GPU" if job.device == "cuda" else "machine"
    return f"Out of memory: the {where} cannot hold this training. In this order: {'; '.join(advice)}."
