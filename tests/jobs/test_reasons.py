"""The closed list of reasons: complete, and each with who has to act, what to do and whether it is tried again."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.reasons import REASONS, ErrorCode, Retry, Side, error_code

ROOT = Path(__file__).resolve().parents[2]
# The programs on the GPU side, which report codes, and what they report them with.
REPORTING = [
    *(ROOT / "gpu_node" / "src").rglob("*.py"),
    *(ROOT / "trainer" / "src").rglob("*.py"),
    ROOT / "trainer" / "install.py",
]
REPORTERS = re.compile(
    r"\w*(Failed|Damaged|Invalid|_failed)|failed|CannotBegin|Outcome|StopOrder|__init__|report|_say|_print"
)
CODE = re.compile(r"[a-z]+(_[a-z]+)+")
INPUTS = ("dataset", "checkpoint")


def without_calls(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression, but for what is given to calls in it."""
    if not isinstance(node, ast.Call):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from without_calls(child)


def reported(source: str) -> Iterator[str]:
    """The codes in the arguments of calls that end a run; of one that is put together, all that it can be."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not REPORTERS.fullmatch(ast.unparse(call.func).rpartition(".")[2]):
            continue
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            for part in without_calls(argument):
                if isinstance(part, ast.JoinedStr) and isinstance(end := part.values[-1], ast.Constant):
                    ending = str(end.value)
                    if CODE.fullmatch(f"x{ending}"):
                        yield from (name + ending for name in INPUTS)
                elif isinstance(part, ast.Constant) and CODE.fullmatch(str(part.value)):
                    yield str(part.value)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_reason_says_who_has_to_act_what_to_do_and_whether_it_is_tried_again(code: ErrorCode) -> None:
    reason = REASONS[code]
    assert reason.side in Side
    assert reason.advice.endswith(".")
    assert reason.retry in Retry


def test_only_what_the_machine_did_to_a_run_starts_it_again_by_itself() -> None:
    assert {code for code, reason in REASONS.items() if reason.retry is Retry.AUTOMATIC} == {
        ErrorCode.NODE_LOST,
        ErrorCode.PREEMPTED,
    }


@pytest.mark.parametrize("code", [ErrorCode.OUT_OF_MEMORY, ErrorCode.NAN_LOSS])
def test_what_would_happen_again_is_not_tried_again(code: ErrorCode) -> None:
    assert REASONS[code].retry is Retry.NEVER


def test_every_code_that_a_node_or_a_trainer_reports_is_in_the_list() -> None:
    found = {code for path in REPORTING for code in reported(path.read_text("utf-8"))}
    assert {"node_lost", "nan_loss", "disk_full", "environment_failed", "dataset_hash_mismatch"} <= found
    assert found - set(ErrorCode) == set()


def test_the_cluster_contract_names_every_code_that_nodes_and_trainers_report() -> None:
    contract = (ROOT / "docs" / "cluster-api.md").read_text("utf-8")
    found = {code for path in REPORTING for code in reported(path.read_text("utf-8"))}
    assert {code for code in found if f"`{code}`" not in contract} == set()


@pytest.mark.parametrize("told", [None, "", "cosmic_rays", "OUT_OF_MEMORY"])
def test_a_reason_that_we_do_not_know_is_a_failed_training(told: str | None) -> None:
    assert error_code(told) is ErrorCode.TRAINING_FAILED
