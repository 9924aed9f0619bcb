"""trl's SFTTrainer, with our own hands on what leaves it: points, evaluations, checkpoints, and the ways to end.

SFTTrainer brings the loop, accelerate (devices, accumulation, mixed precision) and a loss that never holds all
logits at once. The methods overridden here with a leading underscore are the library's seams, in the versions that
requirements.txt pins; tests/test_resuming.py and tests/test_run.py fail when one of them changes.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import SFTTrainer

from lora_trainer.data.collating import Collator
from lora_trainer.data.encoding import IGNORED
from lora_trainer.data.packing import Row
from lora_trainer.errors import TrainingFailed
from lora_trainer.events import Events
from lora_trainer.hyperparameters import Hyperparameters
from lora_trainer.model.devices import GIB, Device
from lora_trainer.stopping import Stopper
from lora_trainer.training import adapter_files, state_files
from lora_trainer.training.checkpoints import Checkpoints, load_best
from lora_trainer.training.progress import Progress
from lora_trainer.training.schedule import Schedule


class LoraTrainer(SFTTrainer):
    """`progress` is the run's own account, kept over restarts; all else is of this process."""

    def __init__(
        self,
        *,
        model: Any,
        tokenizer: Any,
        arguments: Any,
        rows: Sequence[Row],
        validation: Sequence[Row],
        collator: Collator,
        settings: Hyperparameters,
        schedule: Schedule,
        progress: Progress,
        checkpoints: Checkpoints,
        events: Events,
        stopper: Stopper,
        device: Device,
    ) -> None:
        super().__init__(
            model=model,
            args=arguments,
            data_collator=collator,
            train_dataset=_dataset(rows),
            processing_class=tokenizer,
        )
        self.remove_callback(PrinterCallback)
        for parameter in self.model.parameters():
            if parameter.requires_grad:  # trl makes them bfloat16 on quantized models: small steps would be lost
                parameter.data = parameter.data.float()
        # Like lengths together: less padding. The order changes no mean.
        self._validation = sorted(validation, key=lambda row: -len(row.input_ids))
        self._settings, self._schedule, self.progress = settings, schedule, progress
        self._checkpoints, self._events, self._stopper, self._device = checkpoints, events, stopper, device
        self.best_adapter: dict[str, Any] | None = None
        self.stopped_early = False
        self._has_seen_zero = False
        self._before_step: Any = None  # random state at the beginning of the present step
        self._tokens = [0, 0]  # of this step and device: all, with loss
        self._since_point = [0.0, 0]  # seconds and tokens
        self._clock = time.monotonic()
        self._is_under_way = False

    def run(self, checkpoint: Path | None) -> None:
        """Trains to the end, from this checkpoint or the beginning. Raises Stopped or TrainingFailed."""
        if checkpoint is None and self._validation:
            self._evaluate_now()
        if checkpoint is not None:
            self.best_adapter = load_best(checkpoint)
        self.stopped_early = self._patience_is_over()
        if self.progress.step < self._schedule.total and not self.stopped_early:
            self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        else:
            adapter_files.load_adapter(self.accelerator.unwrap_model(self.model), checkpoint or Path())

    def save_checkpoint(self) -> None:
        """Saves the state after the last whole step, also from the middle of the next one; never ruined weights."""
        trained = (each for each in self.model.parameters() if each.requires_grad)
        if not all(bool(torch.isfinite(each).all()) for each in trained):
            raise TrainingFailed("nan_loss", _nan_message(self.progress.step, float("nan"), self._settings))
        randomness = self._before_step or state_files.random_state()
        self._checkpoints.save(self, self.progress, self.best_adapter, randomness)

    # What the library calls while it trains.

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        """One batch of one device; stops between batches, on all devices at once."""
        if self._before_step is None:
            self._before_step = state_files.random_state()
        if not self._is_under_way:
            self._is_under_way = True
            self._lap()  # preparations are not training
        if self._sum(float(self._stopper.wanted)) > 0:
            self._stopper.wanted = True
            self._stopper.check()
        self._tokens[0] += int(inputs.pop("token_count"))
        self._tokens[1] += int((inputs["labels"] != IGNORED).sum())
        return super().training_step(model, inputs, num_items_in_batch)

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """Called before the weights change: the last moment to notice that they would be ruined."""
        norm = super()._get_grad_norm(model, grad_norm)
        loss = self._mean(float(self._tr_loss))
        # With float16 an overflow now and then is normal: the scaler leaves that step out.
        is_scaled = self.accelerator.scaler is not None
        if not _finite(loss) or not (_finite(float(norm)) or is_scaled):
            step = self.state.global_step + 1
            values = {"training_loss": loss, "gradient_norm": float(norm)}
            self._events.point(step, step / self._schedule.per_epoch, values)
            raise TrainingFailed("nan_loss", _nan_message(step, loss, self._settings))
        return norm

    def _maybe_log_save_evaluate(
        self,
        tr_loss: Any,
        grad_norm: Any,
        model: Any,
        trial: Any,
        epoch: Any,
        ignore_keys_for_eval: Any,
        start_time: Any,
        learning_rate: float | None = None,
    ) -> None:
        """After each step; the library also calls it after each epoch, when there is nothing new."""
        step, progress, schedule = self.state.global_step, self.progress, self._schedule
        if step == progress.step:
            return
        loss = self._mean(float(tr_loss))
        tr_loss.zero_()
        self._metrics["train"].clear()
        self._before_step = None
        tokens, learned = int(self._sum(self._tokens[0])), int(self._sum(self._tokens[1]))
        self._tokens = [0, 0]
        seconds = self._lap()
        progress.add_step(step, float(self.state.epoch or 0.0), loss, seconds)
        if loss == 0.0:
            self._warn_of_zero(step)
        progress.processed_tokens += tokens
        progress.trained_tokens += learned
        self._since_point = [self._since_point[0] + seconds, self._since_point[1] + tokens]
        if schedule.logs_at(step):
            self._tell(loss, float(grad_norm), learning_rate)
        if self._validation and schedule.evaluates_at(step):
            self._evaluate_now()
            self.stopped_early = self._patience_is_over()
            self.control.should_training_stop |= self.stopped_early
        if schedule.saves_at(step) or self.control.should_training_stop:
            self.save_checkpoint()
        progress.seconds += self._lap()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Points are ours: the library's history would grow without end and reach every checkpoint."""

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        adapter_files.load_adapter(self.accelerator.unwrap_model(model or self.model), Path(resume_from_checkpoint))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        model = self.accelerator.unwrap_model(self.model)
        state_files.load_optimizer(Path(checkpoint), model, self.optimizer)
        # The learning rate follows from this job's settings and the step, so that a resumed run may change it.
        scheduler: Any = self.lr_scheduler
        scheduler.last_epoch = self.state.global_step
        rates = [
            base * factor(scheduler.last_epoch)
            for base, factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
        ]
        for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        scheduler._last_lr = rates

    def _load_scaler(self, checkpoint: str | None) -> None:
        """A float16 scaler finds its scale again within some steps."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            state_files.load_random_state(Path(checkpoint), self.args.process_index)

    # Our own.

    def _evaluate_now(self) -> None:
        """The mean loss over all tokens with loss of the validation data, each example counted once."""
        self.model.eval()
        total, count = 0.0, 0.0
        size = self.args.per_device_eval_batch_size * self.args.world_size
        for begin in range(0, len(self._validation), size):
            if self.args.world_size == 1:
                self._stopper.check()
            rows = self._validation[begin : begin + size][self.args.process_index :: self.args.world_size]
            if rows:
                inputs = self._prepare_inputs(self.data_collator([vars(row) for row in rows]))
                inputs.pop("token_count")
                learned = int((inputs["labels"][:, 1:] != IGNORED).sum())
                with torch.no_grad(), self.compute_loss_context_manager():
                    total += float(self._loss_of(inputs)) * learned
                count += learned
        self._metrics["eval"].clear()
        loss = self._sum(total) / max(1.0, self._sum(count))
        progress = self.progress
        self._events.point(progress.step, progress.epoch, {"validation_loss": loss})
        if not _finite(loss):
            self._judge_wild_evaluation(loss)
        elif progress.add_evaluation(loss) and self._settings.early_stopping_patience:
            self.best_adapter = adapter_files.adapter_weights(self.accelerator.unwrap_model(self.model))
        self.model.train()

    def _patience_is_over(self) -> bool:
        """Whether early stopping ends the run here, before its last step."""
        patience = self._settings.early_stopping_patience
        is_over = patience > 0 and self.progress.evaluations_without_gain >= patience
        return is_over and self.progress.step < self._schedule.total

    def _warn_of_zero(self, step: int) -> None:
        """Once: weights that learn nothing look like weights that have learnt everything."""
        if not self._has_seen_zero:
            self._has_seen_zero = True
            message = (
                f"The training loss is exactly 0 at step {step}. Either the answers are known by heart (too many "
                "epochs, repeated examples), or nothing is learned from: look at the data and the answers."
            )
            self._events.warning("loss_zero", message)

    def _judge_wild_evaluation(self, loss: float) -> None:
        """Before training it is the base model's doing; later the run has diverged."""
        if self.progress.step:
            raise TrainingFailed("nan_loss", _nan_message(self.progress.step, loss, self._settings))
        message = f"The base model's validation loss is {loss}: check its weights and the data."
        self._events.warning("base_loss_not_finite", message)

    def _loss_of(self, inputs: dict[str, Any]) -> Any:
        """The mean over this batch's tokens with loss, by the same code as in training, without its statistics
        (they would wait for devices that have no batch left)."""
        outputs = self.model(**inputs, use_cache=False, fused_lm_head=True)
        return -outputs.log_probs.sum() / outputs.label_mask.sum().clamp(min=1)

    def _tell(self, loss: float, gradient_norm: float, learning_rate: float | None) -> None:
        progress, (seconds, tokens) = self.progress, self._since_point
        self._since_point = [0.0, 0]
        memory = self._device.peak_memory()
        progress.peak_memory = max(memory, progress.peak_memory or 0) if memory is not None else None
        self._events.point(
            progress.step,
            progress.epoch,
            {
                "training_loss": loss,
                "learning_rate": learning_rate,
                "gradient_norm": gradient_norm,
                "throughput": tokens / seconds if seconds else None,
                "gpu_utilization": self._device.utilization(),
                "gpu_memory": memory / GIB if memory is not None else None,
            },
        )

    def _lap(self) -> float:
        """Seconds since the last call."""
        before, self._clock = self._clock, time.monotonic()
        return self._clock - before

    def _sum(self, value: float) -> float:
        """Over all devices."""
        if self.args.world_size == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=self.args.device)
        return float(self.accelerator.reduce(tensor, reduction="sum"))

    def _mean(self, value: float) -> float:
        return self._sum(value) / int(self.args.world_size)


def _dataset(rows: Sequence[Row]) -> Any:
    names = ("input_ids", "labels", "position_ids")
    return Dataset.from_dict({name: [getattr(row, name) for row in rows] for name in names})


def _finite(value: float) -> bool:
    return abs(value) < float("inf")


def _nan_message(step: int, loss: float, settings: Hyperparameters) -> str:
    what = f"the training loss is {loss}" if not _finite(loss) else "the gradient is not finite"
    return (
        f"Training diverged: at step {step} {what}. Lower learning_rate (now {settings.learning_rate:g}; 2e-4 is "
        f"usual) or raise warmup_ratio (now {settings.warmup_ratio:g}). If it happens in the first steps, check "
        "the base model's weights. Checkpoints saved before are intact: a retry can resume from one."
    )
