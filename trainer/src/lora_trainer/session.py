"""The stages of one run in this process, with torch: data, model, training, output."""

import logging
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers

from lora_trainer.data.collating import Collator
from lora_trainer.data.packing import one_per_row, pack
from lora_trainer.data.preparing import DataSets, data_warnings, prepare_data
from lora_trainer.errors import Stopped
from lora_trainer.events import Events, versions
from lora_trainer.job import Job
from lora_trainer.launch import Place
from lora_trainer.model.devices import choose_device, require_quantization
from lora_trainer.model.loading import add_lora, check_length, load_base, trainable_parameters
from lora_trainer.model.packing_check import check_packing
from lora_trainer.model.tokenizing import load_tokenizer
from lora_trainer.output.exporting import export
from lora_trainer.output.samples import make_samples
from lora_trainer.output.summary import make_summary
from lora_trainer.run_folder import RunFolder
from lora_trainer.stopping import Stopper
from lora_trainer.training import adapter_files
from lora_trainer.training.arguments import make_arguments
from lora_trainer.training.checkpoints import Checkpoints
from lora_trainer.training.progress import Progress, load_progress
from lora_trainer.training.schedule import make_schedule
from lora_trainer.training.trainer import LoraTrainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """What every stage needs. `checkpoint` is where training goes on from, if anywhere."""

    folder: RunFolder
    job: Job
    events: Events
    stopper: Stopper
    place: Place
    checkpoint: Path | None


def run_session(session: Session) -> None:
    """Trains and writes the output. Raises Stopped (all there is to keep is saved) or TrainingFailed."""
    transformers.logging.set_verbosity_error()
    # What libraries are going to rename is of no use to whoever reads a job's log.
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        tokenizer, data = _read_data(session)
        trainer = _make_trainer(session, tokenizer, data)
        session.stopper.defer()
    except Stopped:
        session.stopper.settle()
        _keep_earlier_adapter(session)
        raise
    _train(session, trainer, tokenizer)
    _finish(session, trainer, tokenizer, data)


def _read_data(session: Session) -> tuple[Any, DataSets]:
    job, events = session.job, session.events
    events.stage("preprocessing", "Reading the dataset")
    require_quantization(job.device, job.hyperparameters.quantization)
    check_length(job.base_model, job.hyperparameters.max_length)
    tokenizer, is_plain = load_tokenizer(job.base_model.path)
    if is_plain:
        message = f"{job.base_model.name} has no chat template; a plain one is used and saved with the adapter."
        events.warning("plain_chat_template", message)
    data = prepare_data(job, tokenizer)
    for code, message in data_warnings(data, job.hyperparameters.max_length):
        events.warning(code, message)
    return tokenizer, data


def _make_trainer(session: Session, tokenizer: Any, data: DataSets) -> LoraTrainer:
    job, events, settings = session.job, session.events, session.job.hyperparameters
    device = choose_device(job.device, session.place)
    events.stage("model_loading", f"Loading {job.base_model.name} ({device.dtype_name}) on {device.name}")
    model = add_lora(load_base(job.base_model, device, settings.quantization), settings, job.base_model.name)
    log.info("%d trainable parameters", trainable_parameters(model))
    if settings.packing:
        check_packing(model)
        rows = pack(data.training.sequences, settings.max_length)
    else:
        rows = one_per_row(data.training.sequences)
    schedule = make_schedule(len(rows), settings, device.count)
    progress = load_progress(session.checkpoint) if session.checkpoint else Progress()
    if session.checkpoint and progress.dataset_sha256 != job.dataset.sha256:
        message = "The checkpoint was trained on another dataset: the order of examples begins anew with it."
        events.warning("other_dataset", message)
    if session.checkpoint and session.checkpoint.parent != session.folder.checkpoints:
        progress.evaluations_without_gain = 0  # another run's patience is not this one's
    progress.total_steps, progress.dataset_sha256 = schedule.total, job.dataset.sha256
    progress.device, progress.dtype = device.name, device.dtype_name
    progress.examples, progress.tokens = data.examples, data.tokens
    events.write(
        "plan",
        total_steps=schedule.total,
        total_epochs=math.ceil(schedule.epochs),
        start_step=progress.step,
        examples=progress.examples,
        tokens=progress.tokens,
    )
    return LoraTrainer(
        model=model,
        tokenizer=tokenizer,
        arguments=make_arguments(session.folder.path / "scratch", settings, schedule, device),
        rows=rows,
        validation=one_per_row(data.validation.sequences),
        collator=Collator(tokenizer.pad_token_id, packed=settings.packing),
        settings=settings,
        schedule=schedule,
        progress=progress,
        checkpoints=Checkpoints(session.folder, events, session.place),
        events=events,
        stopper=session.stopper,
        device=device,
    )


def _train(session: Session, trainer: LoraTrainer, tokenizer: Any) -> None:
    """On a stop the adapter, if it is wanted, goes first: the grace may be short."""
    progress, events = trainer.progress, session.events
    begun_at = progress.step
    since = f" from step {begun_at}" if begun_at else ""
    events.stage("training", f"Training on {progress.examples['training']} examples{since}")
    try:
        trainer.run(session.checkpoint)
    except Stopped:
        events.stage("saving", f"Stopped at step {progress.step}")
        if session.place.is_first and progress.step and session.folder.stop_order().keep_adapter:
            weights, config = (
                adapter_files.adapter_weights(trainer.model),
                adapter_files.adapter_config(trainer.model),
            )
            _export(session, progress, tokenizer, weights, config, stopped="cancelled")
        if progress.step > begun_at:
            trainer.save_checkpoint()
        raise


def _finish(session: Session, trainer: LoraTrainer, tokenizer: Any, data: DataSets) -> None:
    """Only the first process answers prompts and writes; the others have ended their work."""
    if not session.place.is_first:
        return
    progress, events, model = trainer.progress, session.events, trainer.model
    stopped = "early_stopping" if trainer.stopped_early else None
    if trainer.best_adapter is not None and progress.best_step != progress.step:
        adapter_files.set_weights(model, trainer.best_adapter)
        log.info("taking the adapter of step %s, the best one", progress.best_step)
    weights, config = adapter_files.adapter_weights(model), adapter_files.adapter_config(model)
    samples: list[dict[str, Any]] = []
    try:
        if data.validation.conversations:
            events.stage("saving", "Answering held-out prompts with and without the adapter")
            model.activation_checkpointing_disable()
            samples = make_samples(model, tokenizer, data.validation.conversations, session.stopper)
    except Stopped:
        if session.folder.stop_order().keep_adapter:
            _export(session, progress, tokenizer, weights, config, stopped="cancelled")
        raise
    events.stage("saving", "Writing the adapter")
    _export(session, progress, tokenizer, weights, config, stopped=stopped, samples=samples)


def _keep_earlier_adapter(session: Session) -> None:
    """A stop before training went on: the adapter that was asked for lies in the checkpoint."""
    if session.checkpoint is None or not session.place.is_first:
        return
    if session.folder.stop_order().keep_adapter:
        tokenizer, _ = load_tokenizer(session.job.base_model.path)
        weights, config = adapter_files.read_adapter(session.checkpoint)
        progress = load_progress(session.checkpoint)
        _export(session, progress, tokenizer, weights, config, stopped="cancelled")


def _export(
    session: Session,
    progress: Progress,
    tokenizer: Any,
    weights: dict[str, Any],
    config: dict[str, Any],
    *,
    stopped: str | None,
    samples: Sequence[dict[str, Any]] = (),
) -> None:
    job, events = session.job, session.events
    summary = make_summary(
        job, progress, versions=versions(), restarts=events.restart, stopped=stopped, samples=list(samples)
    )
    files = export(session.folder, weights, config, tokenizer, summary, job.base_model.licence)
    events.write("output", is_partial=summary["is_partial"], files=files)
