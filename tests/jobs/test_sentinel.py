"""The loss sentinel: silent on healthy runs of every kind, and exact about each fault."""

import json
import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs import sentinel
from jobs.exceptions import InvalidJob
from jobs.sentinel import Action, Kind, Loss, Memory
from tests.jobs.series_of_losses import NOISES, SHAPES, Losses, falling, noisy

STEADY = noisy([1.0] * 100)


def found(losses: Losses, *, every: int = 1, first: int = 1, restart: int = 0) -> list[tuple[str, int | None]]:
    """What is found in the losses of a run, by kind and step, as points come one by one and rows forget the rest."""
    findings: list[sentinel.Finding] = []
    stored: dict[str, Any] = {}
    for index, value in enumerate(losses):
        memory = Memory.read(json.loads(json.dumps(stored, allow_nan=False)))
        findings += sentinel.losses(memory, [Loss(restart, first + index * every, value)])
        stored = memory.as_json()
    return [(finding.kind.value, finding.step) for finding in findings]


def in_one_go(losses: Losses) -> list[tuple[str, int | None]]:
    points = [Loss(0, 1 + index, value) for index, value in enumerate(losses)]
    return [(finding.kind.value, finding.step) for finding in sentinel.losses(Memory(), points)]


# -- No false alarm -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("points", [10, 69, 700])
def test_nothing_is_found_in_a_healthy_run(points: int, shape: str, noise: str) -> None:
    assert in_one_go(noisy(SHAPES[shape](points), noise)) == []


# The same runs each time: among millions of points of noise one may look like a fault.
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    points=st.sampled_from([10, 40, 200, 1500]),
    noise=st.sampled_from(sorted(NOISES)),
    start=st.floats(1, 12),
    end=st.floats(0.01, 1.5),
    pace=st.floats(0.02, 0.6),
)
def test_nothing_is_found_in_any_run_that_learns(
    seed: int, points: int, noise: str, start: float, end: float, pace: float
) -> None:
    assert in_one_go(noisy(falling(points, start=start, end=end, pace=pace), noise, seed)) == []


def test_a_run_that_comes_back_from_a_hump_is_healthy() -> None:
    hump = [1 + 2 * math.sin(math.pi * step / 30) for step in range(30)]
    assert in_one_go([*STEADY, *STEADY, *noisy(hump), *STEADY]) == []


def test_a_resumed_run_begins_anew_and_is_not_worse_than_its_best() -> None:
    memory = Memory()
    assert sentinel.losses(memory, [Loss(0, step, loss) for step, loss in enumerate(falling(200, end=0.2))]) == []
    # The cluster resumed at step 20, where the loss was five times its best of later.
    again = [Loss(1, step, loss) for step, loss in enumerate(falling(200, end=0.2)) if step >= 20]
    assert sentinel.losses(memory, again) == []
    assert memory.restart == 1


def test_points_of_a_superseded_restart_that_arrive_late_are_passed_over() -> None:
    memory = Memory()
    sentinel.losses(memory, [Loss(1, step, loss) for step, loss in enumerate(STEADY, start=40)])
    assert sentinel.losses(memory, [Loss(0, step, math.nan) for step in range(41, 60)]) == []


def test_a_point_that_is_reported_again_counts_once() -> None:
    memory = Memory()
    for _ in range(10):
        assert sentinel.losses(memory, [Loss(0, 5, math.nan)]) == []


def test_a_single_overflow_of_a_mixed_precision_run_is_none() -> None:
    assert in_one_go([*STEADY, math.nan, *STEADY, math.inf, *STEADY]) == []


def test_an_answer_that_is_known_by_heart_now_and_then_is_no_zero_loss() -> None:
    assert in_one_go([0.0 if step % 5 else 0.4 for step in range(100)]) == []


# -- Each fault, and nothing else ---------------------------------------------------------------------------


@pytest.mark.parametrize("what", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_any_more(what: float) -> None:
    assert found([*STEADY, what, what, what, *STEADY]) == [("nan", 101)]


def test_a_loss_that_never_was_a_number() -> None:
    assert found([math.nan] * 10) == [("nan", 1)]


def test_a_loss_of_exactly_zero() -> None:
    assert found([*STEADY, *[0.0] * 20]) == [("zero", 101)]
    assert found([0.0] * 10, every=10, first=10) == [("zero", 10)]


def test_an_extreme_spike_is_found_by_its_first_point() -> None:
    assert found([*STEADY, 12.0, *STEADY]) == [("spike", 101)]


def test_a_spike_is_found_by_its_second_point() -> None:
    assert found([*STEADY, 6.0, 7.0, 3.0, 2.0, *STEADY]) == [("spike", 101)]


def test_a_run_that_diverges_slowly() -> None:
    rising = noisy([1 + 0.03 * step for step in range(200)])
    [(kind, step)] = found([*STEADY, *rising])
    assert kind == "divergence"
    assert step is not None
    assert 120 <= step <= 160


def test_a_run_that_ends_on_a_high_plateau_jumps_first_and_then_has_diverged() -> None:
    assert [kind for kind, _ in found([*STEADY, *noisy([6.0] * 100)])] == ["spike", "divergence"]


def test_each_kind_is_found_once_for_a_restart() -> None:
    memory = Memory()
    kinds = [
        finding.kind
        for restart in (0, 1)
        for finding in sentinel.losses(memory, [Loss(restart, step, math.nan) for step in range(1, 60)])
    ]
    assert kinds == [Kind.NAN, Kind.NAN]


@given(st.lists(st.one_of(st.floats(), st.sampled_from([0.0, 1e308, -1e308, 5e-324])), max_size=120))
def test_whatever_is_reported_the_memory_is_small_and_valid_json(losses: Losses) -> None:
    memory = Memory()
    sentinel.losses(memory, [Loss(0, step, loss) for step, loss in enumerate(losses)])
    kept = json.dumps(memory.as_json(), allow_nan=False)
    assert len(kept) < 1500
    assert Memory.read(json.loads(kept)) == memory


@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 150), max_size=5))
def test_it_makes_no_difference_in_which_pages_points_arrive(seed: int, cuts: list[int]) -> None:
    dice = random.Random(seed)  # noqa: S311 - not a secret
    losses = [dice.choice([1.0, 1.1, 0.9, 0.0, math.nan, 9.0]) for _ in range(150)]
    points = [Loss(0, step, loss) for step, loss in enumerate(losses)]
    edges = [0, *sorted(cuts), len(points)]
    memory, found = Memory(), []
    for start, end in pairwise(edges):
        found += sentinel.losses(memory, points[start:end])
    assert found == sentinel.losses(Memory(), points)


def test_a_finding_is_told_in_a_sentence_with_its_figures() -> None:
    memory = Memory()
    [told] = sentinel.losses(memory, [Loss(0, step, loss) for step, loss in enumerate([*[1.0] * 40, 12.0])])
    assert told.message == "The training loss jumped at step 40: 12, after about 1 before."


# -- The rules ----------------------------------------------------------------------------------------------


def test_rules_are_complete_and_sane_by_default() -> None:
    rules = sentinel.checked({})
    assert set(rules) == set(Kind)
    assert {kind for kind, action in rules.items() if action == "stop_and_keep"} == {"nan"}
    assert set(rules.values()) == {"notify", "stop_and_keep"}


def test_what_is_given_is_kept_beside_the_defaults() -> None:
    rules = sentinel.checked({"nan": "notify", "spike": "off"})
    assert (rules["nan"], rules["spike"], rules["zero"]) == ("notify", "off", "notify")


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"nan": "explode"}, "sentinel.nan", 'Must be one of off, notify, stop_and_keep, not "explode".'),
        ({"nan": None}, "sentinel.nan", "not null"),
        ({"nan": ["off"]}, "sentinel.nan", "Must be one of"),
        ({"boredom": "off"}, "sentinel.boredom", "Unknown: must be one of nan, zero, spike"),
        ("notify", "sentinel", "Must be an object"),
        ([], "sentinel", "Must be an object"),
    ],
)
def test_a_rule_that_does_not_exist_is_refused_by_name(given: Any, field: str, says: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        sentinel.checked(given)
    assert says in caught.value.details[field][0]


def test_a_job_of_before_there_were_rules_has_the_default_ones() -> None:
    assert sentinel.in_force({}) == sentinel.DEFAULTS
    assert sentinel.in_force({"zero": "off"})[Kind.ZERO] is Action.OFF
