"""What users do and what goes wrong, when: the same seed gives the same plan. Pure.

The long form first hurts one thing after the other, with time to recover in between (that is measured), then several
at once. The short form has one trouble of each kind.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Fate = Literal["runs", "cancelled", "kept", "fails", "retried"]

# What a story comes to, unless trouble has it otherwise: of a hundred jobs.
_FATES: tuple[tuple[Fate, int], ...] = (("runs", 60), ("cancelled", 12), ("kept", 10), ("fails", 8), ("retried", 10))
# Minutes: a cancel that is held up by trouble still comes before its end.
_ENDLESS = 50_000
OWNERS = ("alice", "bob", "operator")
MISHAPS: tuple[Mapping[str, Any], ...] = (
    {"kind": "fail", "at_step": 20},
    {"kind": "out_of_memory", "at_step": 10},
    {"kind": "nan_loss", "at_step": 30},
    {"kind": "node_lost", "at_step": 25},
    {"kind": "preempted", "at_step": 40, "for_s": 2},
)


@dataclass(frozen=True)
class Story:
    """One job, from the POST that asks for it on. Moments are seconds after the start."""

    number: int
    owner: str
    at: float
    steps: int
    fate: Fate
    then_after: float
    """How long after the job was created its user cancels it."""
    posts_twice: bool
    mishap: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Trouble:
    """`kind` is a name in tests.chaos.troubles; `of` what it hits."""

    at: float
    lasts: float
    kind: str
    of: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind} {self.of}".strip()

    @property
    def until(self) -> float:
        return self.at + self.lasts


@dataclass(frozen=True)
class Plan:
    stories: tuple[Story, ...]
    troubles: tuple[Trouble, ...]
    calm_after: float
    """From here on nothing goes wrong any more."""


def stories(rng: random.Random, *, jobs: int, seconds: float, steps: tuple[int, int]) -> tuple[Story, ...]:
    """So many stories spread over the time. The first ones have one fate each, so that none is left out."""
    names = [fate for fate, _ in _FATES]
    weights = [weight for _, weight in _FATES]
    fates = [*names, *rng.choices(names, weights, k=max(jobs - len(names), 0))][:jobs]
    return tuple(
        Story(
            number=number,
            owner=OWNERS[number % len(OWNERS)],
            at=round(seconds * number / jobs, 1),
            steps=_ENDLESS if fate in ("cancelled", "kept") else rng.randint(*steps),
            fate=fate,
            then_after=round(rng.uniform(0, 15), 1),
            posts_twice=rng.random() < 0.3,
            mishap=rng.choice(MISHAPS) if fate in ("fails", "retried") else None,
        )
        for number, fate in enumerate(fates)
    )


def short(*, seed: int, jobs: int, database: str) -> Plan:
    """One trouble of each kind within a minute.

    Few jobs exist while the cluster is stopped for longer than the deadline of a call (20 s): with more of them its
    breaker would open, for another minute.
    """
    troubles: tuple[Trouble, ...] = (
        Trouble(0, 25, "door", "accepts and resets"),  # the first two submissions, whenever they come
        Trouble(2, 22, "pause", "gpu-node"),
        Trouble(4, 1, "kill", "worker"),
        Trouble(7, 1, "kill", "beat"),
        Trouble(9, 2, "kill", "web"),
        Trouble(12, 10, "pause", "database"),
        Trouble(23, 0, "flush", "broker"),
        Trouble(25, 8, "repeat", "every message"),
        Trouble(28, 2, "kill", "worker-data"),
        Trouble(31, 1, "kill", "gpu-node"),
        Trouble(34, 2, "kill", "broker"),
        Trouble(37, 2, "kill", "storage"),
        Trouble(38, 2, "kill", "beat-2"),
        Trouble(40, 0.3, "reset", "cluster"),
        Trouble(41, 4, "hole", "broker"),
        Trouble(46, 4, "drip", "cluster"),
        Trouble(47, 4, "delay", "storage"),
        Trouble(48, 2, "drop", "broker"),
    )
    if database != "sqlite":
        troubles = (*troubles, Trouble(49, 2, "reset", "database"))
    few = min(3, jobs)
    chosen = stories(random.Random(seed), jobs=jobs, seconds=jobs, steps=(100, 500))
    later = (replace(story, at=25 + 18 * (story.number - few) / jobs) for story in chosen[few:])
    return Plan((*chosen[:few], *later), troubles, calm_after=max(trouble.until for trouble in troubles) + 1)


def long(*, seed: int, jobs: int, seconds: float, database: str) -> Plan:
    """Everything in turn in the first half, and at random and overlapping in the second."""
    rng = random.Random(seed)
    kinds = list(_kinds(database))
    pause = seconds / 2 / len(kinds)
    troubles, at = [], 5.0
    for kind, of, lasts in kinds:
        troubles.append(Trouble(round(at, 1), lasts, kind, of))
        at += max(pause, lasts + 4)
    end = max(seconds, at + 60)
    while at < end:
        kind, of, lasts = rng.choice(kinds)
        troubles.append(Trouble(round(at, 1), min(lasts, round(rng.uniform(0, 1.5 * lasts), 1)), kind, of))
        at += rng.expovariate(1 / 5)
    troubles.append(Trouble(round(end / 2, 1), round(end / 4, 1), "repeat", "every message"))
    return Plan(
        stories(rng, jobs=jobs, seconds=end * 0.9, steps=(200, 2000)),
        tuple(sorted(troubles, key=lambda trouble: trouble.at)),
        calm_after=max(trouble.until for trouble in troubles) + 1,
    )


def _kinds(database: str) -> Iterator[tuple[str, str, float]]:
    """(kind, what it hits, seconds)."""
    for name in ("worker", "worker-data", "beat", "beat-2", "web", "gpu-node"):
        yield "kill", name, 3
    yield "kill", "broker", 4
    yield "kill", "storage", 4
    yield "flush", "broker", 0
    yield "pause", "database", 12
    yield "door", "accepts and resets", 8
    yield "door", "busy", 8
    yield "door", "refuses cancels", 8
    wires = ["cluster", "broker", "storage", *(["database"] if database != "sqlite" else [])]
    if database != "sqlite":
        yield "kill", "database", 4
    for wire in wires:
        yield "reset", wire, 3
        yield "drop", wire, 3
        yield "delay", wire, 6
        yield "drip", wire, 6
        yield "hole", wire, 12
        yield "deaf", wire, 12
    yield "pause", "gpu-node", 25
