"""The survival table of docs/cluster-api.md: each row holds at level 1 and at level 2."""

from collections.abc import Callable

import pytest

from tests.promises.survival import answers, cancels, refusals, reports, submits
from tests.promises.survival.ground import Ground
from tests.promises.survival.table import LEVELS, PROOFS, Proof, rows

PROVED_IN = (answers, cancels, refusals, reports, submits)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("proof", "level"),
    [
        pytest.param(proof, level, id=f"{proof.row} ({proof.way}) - level {level}")
        for row in rows()
        for proof in PROOFS
        if proof.row == row
        for level in proof.levels
    ],
)
def test_it_survives_a_cluster_that(proof: Proof, level: int, ground: Callable[[int], Ground]) -> None:
    proof.prove(ground(level), proof.given)


def test_each_row_is_proved_at_both_levels_and_nothing_else_is() -> None:
    table = rows()
    assert len(table) == len(set(table)) == 14
    assert {(proof.row, level) for proof in PROOFS for level in proof.levels} == {
        (row, level) for row in table for level in LEVELS
    }
