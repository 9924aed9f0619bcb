"""Fault rules: what to do to which call, how often. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from gpu_node.simulated.mishaps import Mishap, MishapKind
from gpu_node.spec import FieldProblem, InvalidOrder

ROUTES = (
    "submit",
    "status",
    "batch",
    "metrics",
    "logs",
    "cancel",
    "lookup",
    "capabilities",
    "artifacts",
    "checkpoints",
    "download",
)
EVERY_ROUTE = "any"
JOB = "job"
ADMISSION = "admission"


@dataclass(frozen=True)
class Effect:
    """What happens. Whatever is not given stays as it is; the README explains each."""

    answer: dict[str, Any] | None = None
    redirect: str | None = None
    accept: bool = False
    hang_s: float | None = None
    reset: bool = False
    admit_after_s: float | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    patch: dict[str, Any] | None = None
    envelope: dict[str, Any] | None = None
    points: dict[str, Any] | None = None
    clock_offset_s: float | None = None
    forget: bool = False
    body: str | None = None
    truncate: int | None = None
    pad_bytes: int | None = None
    drip: dict[str, float] | None = None
    outcome: dict[str, Any] | None = None

    @property
    def answers_alone(self) -> bool:
        """The request is not processed at all."""
        ends_it = self.reset or self.hang_s is not None
        return self.answer is not None or self.redirect is not None or (ends_it and not self.accept)

    def mishap(self) -> Mishap:
        """What goes wrong with the run; raises InvalidOrder when `outcome` cannot be read."""
        try:
            given = dict(self.outcome or {})
            return Mishap(**(given | {"kind": MishapKind(given.get("kind", "fail"))}))
        except (TypeError, ValueError) as error:
            raise InvalidOrder([FieldProblem("effect.outcome", str(error))]) from error


@dataclass
class Rule:
    """One fault. Skips the first `after` matching calls, then hits `times` calls (None: all)."""

    number: int
    route: str
    job_id: str | None
    after: int
    times: int | None
    effect: Effect
    seen: int = 0
    hits: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.hits >= self.times

    def acts_on(self, route: str) -> bool:
        """Whether calls of this route can be hit; an admission is the waiting inside a submit."""
        if self.effect.admit_after_s is not None:
            return route == ADMISSION
        return self.route == route or (self.route == EVERY_ROUTE and route in ROUTES)

    def concerns(self, ids: Iterable[str]) -> bool:
        """Whether it is about one of these jobs (job id or external id), or about every job."""
        return self.job_id is None or self.job_id in ids

    def strike(self) -> bool:
        """Counts a matching call and says whether it is hit."""
        self.seen += 1
        if self.seen <= self.after or self.spent:
            return False
        self.hits += 1
        return True


class RuleBook:
    """The rules in force, in the order they were made."""

    def __init__(self) -> None:
        self.rules: dict[int, Rule] = {}
        self._made = 0

    def add(self, body: object) -> Rule:
        """Reads and adds a rule; raises InvalidOrder."""
        self._made += 1
        rule = read_rule(body, self._made)
        self.rules[rule.number] = rule
        return rule

    def struck(self, route: str, ids: Iterable[str]) -> list[Rule]:
        """The rules that hit this call; counts it for every rule that matches."""
        known = set(ids)
        matching = [rule for rule in self.rules.values() if rule.acts_on(route) and rule.concerns(known)]
        return [rule for rule in matching if rule.strike()]


KINDS: dict[str, tuple[type, ...]] = {
    "answer": (dict,),
    "redirect": (str,),
    "accept": (bool,),
    "hang_s": (int, float),
    "reset": (bool,),
    "admit_after_s": (int, float),
    "status": (int,),
    "headers": (dict,),
    "patch": (dict,),
    "envelope": (dict,),
    "points": (dict,),
    "clock_offset_s": (int, float),
    "forget": (bool,),
    "body": (str,),
    "truncate": (int,),
    "pad_bytes": (int,),
    "drip": (dict,),
    "outcome": (dict,),
}


def read_rule(body: object, number: int) -> Rule:
    """A rule out of {route, job_id?, after?, times?, effect}; raises InvalidOrder naming the field."""
    if not isinstance(body, dict) or not isinstance(body.get("effect"), dict):
        raise InvalidOrder([FieldProblem("effect", "must be an object")])
    problems: list[FieldProblem] = []
    route, effect = body.get("route"), body["effect"]
    if route not in (*ROUTES, EVERY_ROUTE, JOB):
        problems.append(FieldProblem("route", f"must be one of {', '.join((*ROUTES, EVERY_ROUTE, JOB))}"))
    for name in ("after", "times"):
        if body.get(name) is not None and (not isinstance(body[name], int) or body[name] < 0):
            problems.append(FieldProblem(name, "must be a whole number of at least 0"))
    known = {each.name for each in fields(Effect)}
    for name, value in effect.items():
        if name not in known:
            problems.append(
                FieldProblem(f"effect.{name}", f"is unknown; known are {', '.join(sorted(known))}")
            )
        elif not isinstance(value, KINDS[name]):
            problems.append(FieldProblem(f"effect.{name}", f"must be {KINDS[name][-1].__name__}"))
    if (route == JOB) != ("outcome" in effect):
        problems.append(FieldProblem("effect.outcome", "belongs to the route job, and to no other"))
    if problems:
        raise InvalidOrder(problems)
    rule = Rule(
        number=number,
        route=str(route),
        job_id=body.get("job_id"),
        after=body.get("after") or 0,
        times=body.get("times"),
        effect=Effect(**effect),
    )
    if route == JOB:
        rule.effect.mishap()
    return rule
