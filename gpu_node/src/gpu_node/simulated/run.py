"""The facts of one simulated run, and how they are written down. Pure."""

from dataclasses import asdict, dataclass
from typing import Any

from gpu_node.executor import RunOrder
from gpu_node.jobs import Inputs
from gpu_node.simulated.mishaps import Mishap, MishapKind
from gpu_node.simulated.plan import Plan


@dataclass(frozen=True)
class Ending:
    """The order to stop: given at `at`, obeyed after `lasts_s` wall seconds."""

    at: float
    lasts_s: float
    keep_adapter: bool


@dataclass(frozen=True)
class Run:
    """Everything a look at the run is computed from. `begun_at` in epoch seconds, `speed` frozen at the start
    so that a node restarted with another one does not make a run jump."""

    order: RunOrder
    plan: Plan
    begun_at: float
    speed: float
    resumed_step: int = 0
    mishaps: tuple[Mishap, ...] = ()
    ending: Ending | None = None


def to_facts(run: Run) -> dict[str, Any]:
    """The run as JSON-ready values."""
    return asdict(run)


def from_facts(facts: dict[str, Any]) -> Run:
    """The run that `to_facts` wrote down."""
    order = facts["order"]
    validation = order.get("validation")
    known = {
        "inputs": Inputs(**order["inputs"]),
        "validation": Inputs(**validation) if validation else None,
    }
    return Run(
        order=RunOrder(**(order | known)),
        plan=_plan(facts["plan"]),
        begun_at=facts["begun_at"],
        speed=facts["speed"],
        resumed_step=facts["resumed_step"],
        mishaps=tuple(
            Mishap(**(mishap | {"kind": MishapKind(mishap["kind"])})) for mishap in facts["mishaps"]
        ),
        ending=Ending(**facts["ending"]) if facts["ending"] else None,
    )


def _plan(facts: dict[str, Any]) -> Plan:
    """Plans of earlier versions saved with each evaluation, and always evaluated."""
    return Plan(**({"save_every": facts["eval_every"], "validation_examples": 1} | facts))
