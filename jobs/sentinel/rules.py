"""What can be found, and what is done then: for each finding of a job off, notify or stop_and_keep. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobs.exceptions import InvalidJob


class Kind(StrEnum):
    NAN = "nan"
    ZERO = "zero"
    SPIKE = "spike"
    DIVERGENCE = "divergence"
    NO_PROGRESS = "no_progress"
    NO_HEARTBEAT = "no_heartbeat"


class Action(StrEnum):
    OFF = "off"
    NOTIFY = "notify"
    STOP_AND_KEEP = "stop_and_keep"


@dataclass(frozen=True)
class Finding:
    """`message` says in a sentence what was seen. `step` is where it began, None where that is no matter of steps."""

    kind: Kind
    message: str
    step: int | None = None


# A loss that is no number does not come back; everything else may be meant, or mend itself.
DEFAULTS: dict[Kind, Action] = dict.fromkeys(Kind, Action.NOTIFY) | {Kind.NAN: Action.STOP_AND_KEEP}

LABELS: dict[Kind, tuple[str, str]] = {
    Kind.NAN: ("Loss is not a number", "NaN or infinity, twice in a row."),
    Kind.ZERO: ("Loss is exactly zero", "Five times in a row: nothing is learned any more."),
    Kind.SPIKE: ("Loss jumps", "Far above the points before it."),
    Kind.DIVERGENCE: ("Loss gets worse", "Well above its best for long."),
    Kind.NO_PROGRESS: ("No new step", "For half an hour or longer, as slow as its steps are."),
    Kind.NO_HEARTBEAT: ("No heartbeat", "No sign of life from the run for ten minutes."),
}

ACTIONS: dict[Action, str] = {
    Action.OFF: "Do nothing",
    Action.NOTIFY: "Notify me",
    Action.STOP_AND_KEEP: "Stop, keep the adapter",
}


def checked(given: Any) -> dict[str, str]:
    """A job's rules, complete: what was not given is as it is by default. Raises InvalidJob under "sentinel.<kind>"."""
    if given is not None and not isinstance(given, Mapping):
        raise InvalidJob.of_fields({"sentinel": ['Must be an object such as {"nan": "notify"}.']})
    problems: dict[str, list[str]] = {}
    rules = {kind.value: action.value for kind, action in DEFAULTS.items()}
    for name, action in (given or {}).items():
        if name not in rules:
            problems[f"sentinel.{str(name)[:40]}"] = [f"Unknown: must be one of {', '.join(Kind)}."]
        elif not isinstance(action, str) or action not in set(Action):
            shown = json.dumps(action, default=str, ensure_ascii=False)[:40]
            problems[f"sentinel.{name}"] = [f"Must be one of {', '.join(Action)}, not {shown}."]
        else:
            rules[name] = action
    if problems:
        raise InvalidJob.of_fields(problems)
    return rules


def in_force(stored: Mapping[str, str]) -> dict[Kind, Action]:
    """The rules of a job as its row has them; one of before there were rules has the default ones."""
    return {kind: Action(stored.get(kind.value, action)) for kind, action in DEFAULTS.items()}
