"""Our settings in trl's words. Every default of the libraries that changes a result is set here, on purpose."""

from pathlib import Path

from trl import SFTConfig

from lora_trainer.hyperparameters import Hyperparameters
from lora_trainer.model.devices import Device
from lora_trainer.training.schedule import Schedule

SCHEDULERS = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
MAX_GRADIENT_NORM = 1.0


def make_arguments(scratch: Path, settings: Hyperparameters, schedule: Schedule, device: Device) -> SFTConfig:
    """`scratch` is only named: nothing is written there, since saving, logging and evaluating are ours."""
    on_gpu = device.kind == "cuda"
    return SFTConfig(
        output_dir=str(scratch),
        use_cpu=not on_gpu,
        max_steps=schedule.total,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=SCHEDULERS[settings.lr_scheduler],
        warmup_steps=schedule.warmup,
        weight_decay=settings.weight_decay,
        max_grad_norm=MAX_GRADIENT_NORM,
        optim="adamw_torch",
        seed=settings.seed,
        data_seed=settings.seed,
        # Autocast only where the GPU gains by it; on the CPU the weights' own bfloat16 is faster.
        bf16=on_gpu and device.dtype_name == "bfloat16",
        fp16=on_gpu and device.dtype_name == "float16",
        # Costs a third more time and saves most of the activations' memory: worth it only on GPUs.
        activation_checkpointing=on_gpu,
        activation_checkpointing_kwargs={"use_reentrant": False} if on_gpu else None,
        ddp_find_unused_parameters=False,
        max_length=None,  # cut already, and counted
        packing=False,  # packed already
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=on_gpu,
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
    )
