"""Each planted fault still fits into the tree, and each promise has some."""

import ast
from pathlib import Path

import pytest

from lora_pipeline.devstack.places import ROOT
from tests.planted.fault import Fault, Moved
from tests.planted.faults import FAULTS

PROMISES = {f"I{number}" for number in range(1, 11)}


def names_in(path: Path) -> set[str]:
    """The names of a file's functions."""
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_it_fits_in_exactly_once_and_its_proofs_are_there(fault: Fault) -> None:
    assert fault.planted((ROOT / fault.file).read_text())
    for proof in fault.proofs:
        path, _, name = proof.partition("::")
        assert name.partition("[")[0] in names_in(ROOT / path), f"{proof} has gone: name the test that proves it now"


def test_each_promise_has_its_faults_and_each_fault_its_name() -> None:
    assert {fault.promise for fault in FAULTS} == PROMISES
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("text", ["", "twice twice"])
def test_a_fault_whose_mechanism_moved_says_what_to_do(text: str) -> None:
    fault = Fault("it is gone", "I1", "twice", "a.py", old="twice", new="never", proofs=())
    with pytest.raises(Moved, match="plant the fault where its mechanism is now"):
        fault.planted(text)
