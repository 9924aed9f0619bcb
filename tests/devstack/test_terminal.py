"""A terminal shows one table; elsewhere a line tells each change, once."""

import io
from typing import Any

from rich.console import Console

from lora_pipeline.devstack.terminal import Terminal


def job(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": "1",
        "name": "Shell desk adapter",
        "status": "running",
        "current_stage": "training",
        "progress": 5.2,
        "current_metrics": {"training_loss": 1.2345},
        "current_cost": 0.1,
        "estimated_total_cost": 0.4,
        "final_cost": None,
    }
    return {**values, **changes}


def plain() -> tuple[Terminal, io.StringIO]:
    written = io.StringIO()
    return Terminal(Console(file=written, force_terminal=False, width=200)), written


def test_a_line_has_status_stage_progress_loss_and_cost() -> None:
    terminal, written = plain()
    terminal.show([job()])
    line = "Shell desk adapter: running, training, 5%, loss 1.234, cost $0.10 (about $0.40 expected)\n"
    assert written.getvalue() == line


def test_a_loss_of_zero_is_a_loss_and_a_cost_of_zero_a_cost() -> None:
    terminal, written = plain()
    terminal.show([job(current_metrics={"training_loss": 0.0}, final_cost=0.0)])
    assert "loss 0.000, cost $0.00\n" in written.getvalue()


def test_nothing_new_prints_nothing() -> None:
    terminal, written = plain()
    for progress in (5.2, 6.0, 9.9):
        terminal.show([job(progress=progress)])
    assert written.getvalue().count("\n") == 1
    terminal.show([job(progress=10.0)])
    assert written.getvalue().count("\n") == 2


def test_a_job_that_has_not_started_has_no_loss() -> None:
    terminal, written = plain()
    terminal.show([job(status="queued", current_stage="queued", progress=0, current_metrics={}, current_cost=None)])
    assert "queued, queued, 0%, loss -, cost $0.00 (about $0.40 expected)" in written.getvalue()


def test_a_terminal_gets_a_table_with_a_bar() -> None:
    written = io.StringIO()
    with Terminal(Console(file=written, force_terminal=True, width=120, legacy_windows=False)) as terminal:
        terminal.show([job()])
        terminal.show([job(status="completed", progress=100)])
        terminal.say("Done.")
    for text in ("Shell desk adapter", "running", "completed", "100%", "1.234", "━", "Done."):
        assert text in written.getvalue()


def test_a_stage_with_a_progress_of_its_own_shows_it() -> None:
    terminal, written = plain()
    loading = job(status="initializing", current_stage="model_loading", stage_detail="Unpacking", progress=0)
    for progress in (0, 14, 17, 23.0):
        terminal.show([{**loading, "stage_progress": progress}])
    assert [line.split(", ")[1] for line in written.getvalue().splitlines()] == [
        "model_loading 0% (Unpacking)",
        "model_loading 14% (Unpacking)",
        "model_loading 23% (Unpacking)",
    ]


def test_what_a_training_job_is_busy_with_is_left_to_its_page() -> None:
    terminal, written = plain()
    terminal.show([job(stage_detail="Training on 97 examples", stage_progress=None)])
    assert "running, training, 5%" in written.getvalue()
