"""The survival table of docs/cluster-api.md, and the proofs of its rows."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.promises.survival.ground import Ground

DOCUMENT = Path(__file__).parents[3] / "docs" / "cluster-api.md"
HEADING = "## What the control plane survives"
LEVELS = (1, 2)


@dataclass(frozen=True)
class Proof:
    """One way in which a row's trouble comes, and what then has to be so."""

    row: str
    way: str
    levels: tuple[int, ...]
    prove: Callable[[Ground, Any], None]
    given: Any


PROOFS: list[Proof] = []


def rows() -> list[str]:
    """What a cluster may do, as the table says it."""
    section = DOCUMENT.read_text().partition(HEADING)[2].partition("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line)[1].strip() for line in section.splitlines() if line.startswith("|")]
    return cells[2:]  # below the header and its rule


def survives(
    row: str, ways: Mapping[str, Any], *, levels: tuple[int, ...] = LEVELS
) -> Callable[[Callable[[Ground, Any], None]], Callable[[Ground, Any], None]]:
    """Registers a proof of a row, once for each of `ways`: {how the trouble comes: what the proof is given}."""

    def register(prove: Callable[[Ground, Any], None]) -> Callable[[Ground, Any], None]:
        for way, given in ways.items():
            PROOFS.append(Proof(row, way, levels, prove, given))
        return prove

    return register
