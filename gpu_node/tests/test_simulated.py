"""The simulated run: steps, curves, points and lines as pure functions of facts and time."""

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from gpu_node.executor import Point, RunOrder
from gpu_node.jobs import Inputs
from gpu_node.simulated import adapter, narrative
from gpu_node.simulated.curves import evaluation_values, learning_rate, noise, training_values
from gpu_node.simulated.mishaps import Mishap, MishapKind
from gpu_node.simulated.plan import Plan, make_plan, parameter_count
from gpu_node.simulated.run import Ending, Run, from_facts, to_facts
from gpu_node.simulated.series import page_of_points
from gpu_node.simulated.timeline import lay_out

BEGAN = 1_800_000_000.0
LATER = BEGAN + 10**7


def an_order(lines: int = 300, gpus: int = 1, model: str = "Llama-3.1-8B", **chosen: Any) -> RunOrder:
    balanced = {"learning_rate": 2e-4, "batch_size": 4, "epochs": 3, "rank": 16}
    inputs = Inputs(lines, lines * 500, "ab" * 32)
    return RunOrder("run-1", "job-1", model, balanced | chosen, "H100-80GB", gpus, inputs)


def a_plan(**changes: Any) -> Plan:
    return make_plan(an_order(**changes), seed=42)


def a_run(*mishaps: Mishap, speed: float = 1.0, **changes: Any) -> Run:
    order = an_order(**changes)
    return Run(order, make_plan(order, seed=42), BEGAN, speed, mishaps=mishaps)


def all_points(run: Run, now: float = LATER) -> list[Point]:
    return page_of_points(run.plan, lay_out(run), now, after=0, limit=10**6).items


def final_loss(**changes: Any) -> float:
    plan = a_plan(**changes)
    return evaluation_values(plan, plan.total_steps)["validation_loss"] or 0.0


@pytest.mark.parametrize(
    ("lines", "gpus", "chosen", "total"),
    [
        (300, 1, {}, 204),  # 270 are trained on
        (304, 1, {}, 207),
        (300, 1, {"validation_split": 0}, 225),
        (300, 1, {"validation_split": 0.5}, 114),
        (300, 8, {}, 27),
        (300, 1, {"gradient_accumulation_steps": 4}, 51),
        (1, 8, {"batch_size": 64}, 3),
        (300, 1, {"epochs": 0.5}, 34),
        (300, 1, {"epochs": 1.5}, 102),
        (300, 1, {"max_steps": 40}, 40),
        (300, 1, {"max_steps": 400}, 400),
        (300, 1, {"packing": True, "max_length": 500}, 51),  # 125 tokens a line
    ],
)
def test_steps_follow_the_formula(lines: int, gpus: int, chosen: dict[str, Any], total: int) -> None:
    assert a_plan(lines=lines, gpus=gpus, **chosen).total_steps == total


def test_a_validation_file_holds_out_nothing_of_the_dataset() -> None:
    order = replace(an_order(validation_split=0.5), validation=Inputs(20, 10_000, "cd" * 32))
    plan = make_plan(order, seed=42)
    assert (plan.total_steps, plan.validation_examples) == (225, 20)


@pytest.mark.parametrize(
    ("chosen", "steps"),
    [
        ({}, [0, *range(21, 204, 21), 204]),
        ({"eval_steps": 100}, [0, 100, 200, 204]),
        ({"eval_steps": 50, "logging_steps": 60, "max_steps": 120}, [0, 50, 100, 120]),
        ({"max_steps": 12}, [0, 5, 10, 12]),
        ({"validation_split": 0}, []),
        ({"lines": 1}, []),
    ],
)
def test_it_evaluates_when_the_trainer_does(chosen: dict[str, Any], steps: list[int]) -> None:
    points = all_points(a_run(**chosen))
    assert [point.step for point in points if "validation_loss" in point.values] == steps


def test_without_anything_held_out_the_log_tells_no_validation_loss() -> None:
    run = a_run(validation_split=0)
    told = [line.text for line in narrative.tell(run, lay_out(run), LATER)]
    assert any("loss" in text for text in told)
    assert not any("validation" in text for text in told)


@pytest.mark.parametrize(
    ("chosen", "saved"),
    [({}, 84), ({"save_steps": 30}, 90), ({"eval_steps": 70}, 70), ({"lines": 10**5}, 0)],
)
def test_it_saves_when_the_trainer_does(chosen: dict[str, Any], saved: int) -> None:
    assert a_plan(**chosen).checkpoint(100) == saved


def test_a_demo_job_takes_about_half_a_minute_at_double_speed() -> None:
    outcome = lay_out(a_run(speed=2.0)).outcome
    assert outcome is not None
    assert 20 <= outcome.at - BEGAN <= 40


def test_more_gpus_and_smaller_models_are_faster() -> None:
    def seconds(**changes: Any) -> float:
        plan = a_plan(**changes)
        return plan.total_steps * plan.step_s

    assert seconds(gpus=8) < seconds() < seconds(model="Llama-70B")


def test_the_name_of_a_model_tells_its_size() -> None:
    assert parameter_count("meta-llama/Llama-3.1-8B-Instruct") == 8e9
    assert parameter_count("SmolLM2-135M") == 135e6
    assert parameter_count("qwen2.5-0.5b") == 0.5e9
    assert parameter_count("something") == 7e9


def test_the_loss_falls_and_a_tiny_learning_rate_barely_learns() -> None:
    start = a_plan().start_loss
    assert final_loss() < 0.3 * start
    assert final_loss(learning_rate=1e-6) > 0.9 * start
    assert final_loss(learning_rate=1e-4, batch_size=8, epochs=1, rank=8) > 0.5 * start
    assert final_loss(learning_rate=1e-2) > start
    assert final_loss(rank=64) < final_loss(rank=1)


def test_the_learning_rate_warms_up_and_follows_a_cosine_to_zero() -> None:
    plan = a_plan()
    rates = [learning_rate(plan, step) for step in range(plan.total_steps + 1)]
    assert rates[0] == 0
    assert max(rates) == rates[plan.warmup_steps] == 2e-4
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert all(a >= b for a, b in itertools.pairwise(rates[plan.warmup_steps :]))


def test_values_stay_within_what_is_possible() -> None:
    for plan in (a_plan(), a_plan(learning_rate=1e-2), a_plan(lines=1), a_plan(lines=10**6)):
        for step in {1, 2, plan.total_steps // 2, plan.total_steps}:
            values = training_values(plan, step) | evaluation_values(plan, step)
            assert all(value is not None and math.isfinite(value) for value in values.values())
            assert 0 < (values["training_loss"] or 0) < 10
            assert 0 <= (values["gpu_utilization"] or 0) <= 100


def test_noise_is_centred_bounded_and_repeatable() -> None:
    drawn = [noise(7, step, 1) for step in range(10_000)]
    assert drawn == [noise(7, step, 1) for step in range(10_000)]
    assert all(-1 <= value <= 1 for value in drawn)
    assert abs(sum(drawn) / len(drawn)) < 0.02


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"logging_steps": 7},
        {"logging_steps": 10, "eval_steps": 25},
        {"eval_steps": 1},
        {"logging_steps": 1000},
        {"validation_split": 0},
        {"logging_steps": 60, "eval_steps": 7},
        {"lines": 1, "epochs": 1},
    ],
)
def test_any_page_is_a_window_of_the_same_numbered_points(chosen: dict[str, Any]) -> None:
    preempted = Mishap(MishapKind.PREEMPTED, at_step=100)
    hanging = Mishap(MishapKind.HANG, at_step=130, for_s=5.0)
    run = a_run(preempted, hanging, **chosen)
    whole = all_points(run)
    assert [point.seq for point in whole] == list(range(1, len(whole) + 1))
    timeline = lay_out(run)
    for after in range(0, len(whole) + 2, 3):
        for limit in (1, 2, 50):
            page = page_of_points(run.plan, timeline, LATER, after=after, limit=limit)
            assert page.items == whole[after : after + limit]
            assert page.has_more == (after + limit < len(whole))
    steps = {(point.restart, point.step) for point in whole}
    assert max(step for _, step in steps) == run.plan.total_steps


def test_points_only_ever_get_added_as_time_goes_on() -> None:
    run = a_run(
        Mishap(MishapKind.PREEMPTED, at_step=60), Mishap(MishapKind.NAN_LOSS, at_step=55, survives=True)
    )
    outcome = lay_out(run).outcome
    assert outcome is not None
    whole = all_points(run)
    for share in range(21):
        now = BEGAN + (outcome.at - BEGAN) * share / 20
        seen = all_points(run, now)
        assert repr(seen) == repr(whole[: len(seen)])
        assert all(point.at <= now for point in seen)


def test_a_very_long_run_has_a_bounded_number_of_points() -> None:
    run = a_run(lines=1_000_000, epochs=50)
    page = page_of_points(run.plan, lay_out(run), LATER * 10, after=1900, limit=10**6)
    assert run.plan.total_steps == 11_250_000
    assert len(page.items) < 200
    assert page.items[-1].step == run.plan.total_steps


def test_a_stop_changes_the_future_only() -> None:
    run = a_run()
    middle = BEGAN + 40
    before = all_points(run, middle)
    lines = narrative.tell(run, lay_out(run), middle)
    stopped = replace(run, ending=Ending(middle, 1.0, keep_adapter=False))
    assert all_points(stopped) == before
    assert narrative.tell(stopped, lay_out(stopped), LATER)[: len(lines)] == lines
    outcome = lay_out(stopped).outcome
    assert outcome is not None
    assert (outcome.kind, outcome.at) == ("stopped", middle + 1.0)


def test_a_stop_after_the_end_changes_nothing() -> None:
    run = a_run()
    stopped = replace(run, ending=Ending(LATER, 1.0, keep_adapter=False))
    assert lay_out(stopped) == lay_out(run)


def test_a_run_is_the_same_after_it_was_written_down() -> None:
    run = replace(
        a_run(Mishap(MishapKind.HANG, at_step=3, for_s=1.5)), ending=Ending(BEGAN + 9, 2.0, keep_adapter=True)
    )
    assert from_facts(to_facts(run)) == run


def test_a_run_that_an_earlier_version_began_is_still_read() -> None:
    facts = to_facts(a_run())
    plan = {
        name: value
        for name, value in facts["plan"].items()
        if name not in ("save_every", "validation_examples")
    }
    read = from_facts(facts | {"plan": plan})
    assert (read.plan.save_every, read.plan.validation_examples) == (read.plan.eval_every, 1)


def test_the_adapter_is_well_formed_and_says_what_it_is() -> None:
    files = adapter.build_files(a_run(), 225)
    weights = files["adapter_model.safetensors"]
    length = int.from_bytes(weights[:8], "little")
    header = json.loads(weights[8 : 8 + length])
    assert header.pop("__metadata__")["simulated"] == "true"
    ends = sorted(tensor["data_offsets"] for tensor in header.values())
    assert ends[0][0] == 0
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ends))
    assert ends[-1][1] == len(weights) - 8 - length
    assert {tuple(tensor["shape"]) for tensor in header.values()} == {(16, 64), (64, 16)}
    assert b"No training took place" in files["README.md"]
