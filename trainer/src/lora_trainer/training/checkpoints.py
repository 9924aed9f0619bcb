"""Checkpoints: a folder is complete or absent, whatever happens while it is written."""

import logging
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from lora_trainer.events import Events
from lora_trainer.launch import Place
from lora_trainer.run_folder import RunFolder, checkpoint_name, describe_files
from lora_trainer.training import adapter_files, state_files
from lora_trainer.training.progress import Progress

log = logging.getLogger(__name__)

BEST = "best_adapter.safetensors"


class Checkpoints:
    """Saves checkpoints of one run. With several devices every process calls `save`; the first one writes all
    but the others' random states."""

    def __init__(self, folder: RunFolder, events: Events, place: Place) -> None:
        self._folder = folder
        self._events = events
        self._place = place

    def save(self, trainer: Any, progress: Progress, best: dict[str, Any] | None, randomness: Any) -> None:
        """Writes `.partial-step-…`, renames it and tells the node. `best` is the best adapter so far where it is
        kept (early stopping)."""
        name = checkpoint_name(progress.step, self._events.restart)
        target = self._folder.checkpoints / name
        if target.exists():
            return
        partial = self._folder.checkpoints / f".partial-{name}"
        if self._place.is_first:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        trainer.accelerator.wait_for_everyone()
        state_files.save_random_state(partial, self._place.rank, randomness)
        if self._place.is_first:
            model = trainer.accelerator.unwrap_model(trainer.model)
            weights, config = adapter_files.adapter_weights(model), adapter_files.adapter_config(model)
            adapter_files.write_adapter(partial, weights, config)
            state_files.save_optimizer(partial, model, trainer.optimizer)
            trainer.state.save_to_json(str(partial / "trainer_state.json"))
            progress.save(partial)
            if best is not None:
                save_file(best, str(partial / BEST), metadata={"format": "pt"})
        trainer.accelerator.wait_for_everyone()
        if self._place.is_first:
            files = describe_files(partial)
            partial.rename(target)
            self._events.write(
                "checkpoint",
                restart=self._events.restart,
                step=progress.step,
                epoch=round(progress.epoch, 6),
                validation_loss=progress.validation_loss if progress.evaluated_step == progress.step else None,
                path=f"checkpoints/{name}",
                files=files,
            )
            log.info("checkpoint at step %d", progress.step)


def load_best(checkpoint: Path) -> dict[str, Any] | None:
    path = checkpoint / BEST
    return dict(load_file(str(path))) if path.exists() else None
