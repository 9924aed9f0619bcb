"""Estimate, trainer and simulated cluster count the same steps, evaluations and checkpoints; they share no code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs import presets, schedule

REPO = Path(__file__).parents[2]

# Runs without Django and torch: both modules are pure. Held-out examples are the control plane's count, since the
# trainer splits what it has read.
COUNTED_BY_THE_OTHERS = """
import json, sys
from lora_trainer.hyperparameters import Hyperparameters
from lora_trainer.training.schedule import make_schedule as make_trainers
from gpu_node.executor import RunOrder
from gpu_node.jobs import Inputs
from gpu_node.simulated.schedule import make_schedule as make_simulated

def counted(examples, gpus, settings, own_validation, training):
    inputs = Inputs(examples, examples * 400, "")
    validation = None if own_validation is None else Inputs(own_validation, 1, "")
    order = RunOrder("", "", "", settings, "CPU", gpus, inputs, validation=validation)
    simulated, trained = make_simulated(order), make_trainers(training, Hyperparameters(**settings), gpus)
    return [
        [simulated.rows, simulated.validation_examples],
        [simulated.total_steps, simulated.steps_per_epoch, simulated.eval_every, simulated.save_every],
        [trained.total, trained.per_epoch, trained.evaluate_every, trained.save_every],
    ]

print(json.dumps([counted(*case) for case in json.load(sys.stdin)]))
"""

CASES: list[tuple[int, int, int | None, dict[str, Any]]] = [
    (examples, gpus, own_validation, settings)
    for examples in (1, 2, 3, 180, 12_345)
    for gpus, own_validation in ((1, None), (4, None), (2, 25))
    for settings in (
        {},
        {"validation_split": 0.0},
        {"validation_split": 0.5, "epochs": 1.5},
        {"batch_size": 16, "gradient_accumulation_steps": 3},
        {"max_steps": 7},
        {"max_steps": 3000, "eval_steps": 400},
        {"eval_steps": 9, "save_steps": 11},
    )
]


@pytest.fixture(scope="module")
def others() -> list[list[list[int]]]:
    """What the simulated cluster and the trainer count, case by case."""
    given = [
        (examples, gpus, _whole(settings), own_validation, _ours(examples, gpus, own_validation, settings).rows)
        for examples, gpus, own_validation, settings in CASES
    ]
    folders = [str(REPO / part / "src") for part in ("trainer", "gpu_node")]
    answer = subprocess.run(
        [sys.executable, "-c", COUNTED_BY_THE_OTHERS],
        env={"PYTHONPATH": ":".join(folders), "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    counted: list[list[list[int]]] = json.loads(answer.stdout)
    return counted


def test_the_simulated_cluster_counts_like_the_trainer(others: list[list[list[int]]]) -> None:
    for case, (_, simulated, trained) in zip(CASES, others, strict=True):
        assert simulated == trained, case


def test_the_estimate_counts_like_both(others: list[list[list[int]]]) -> None:
    for case, (data, (total, per_epoch, eval_every, _), _) in zip(CASES, others, strict=True):
        ours = _ours(*case)
        assert [ours.rows, ours.validation_examples] == data, case
        assert (ours.steps, ours.steps_per_epoch) == (total, per_epoch), case
        evaluations = 1 + -(-total // eval_every) if ours.validation_examples else 0
        assert ours.evaluations == evaluations, case


def _ours(examples: int, gpus: int, own_validation: int | None, settings: dict[str, Any]) -> schedule.Schedule:
    return schedule.planned(
        examples=examples, gpu_count=gpus, hyperparameters=_whole(settings), own_validation=own_validation
    )


def _whole(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: field.default for name, field in presets.FIELDS.items()} | settings
