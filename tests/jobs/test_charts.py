"""Charts as files."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs.charts import inks, picture
from jobs.charts.happenings import NO_MARKS, Alert, Checkpoint, Marks
from jobs.charts.runs import as_it_counts
from jobs.charts.subjects import SUBJECTS
from jobs.curves import Look
from lora_pipeline.devstack.places import ROOT

TRAINING, VALIDATION = (inks.INKS["light"][name] for name in ("training", "validation"))


def point(
    step: int,
    training: float | None,
    validation: float | None = None,
    restart: int = 0,
    superseded: bool = False,
) -> dict[str, Any]:
    return {
        "attempt": 1,
        "restart": restart,
        "step": step,
        "training_loss": training,
        "validation_loss": validation,
        "learning_rate": 2e-4,
        "gradient_norm": 1.5,
        "throughput": 5200.0,
        "gpu_utilization": 93.0,
        "gpu_memory": 41.2,
        "superseded": superseded,
        "epoch": step / 10,
        "timestamp": f"2026-11-23T12:{step // 60:02}:{step % 60:02}Z",
        "stands_for": 1,
        "means": None,
    }


CURVE = [point(step, 3 / step, 2.9 / step if step % 5 == 0 else None) for step in range(1, 51)]
RESUMED = [
    *(point(step, 2.0, superseded=step >= 40) for step in range(1, 60)),
    *(point(step, 1.0, restart=1) for step in range(40, 99)),
]
BEGINNINGS: dict[picture.Format, bytes] = {"png": b"\x89PNG\r\n", "svg": b"<?xml", "pdf": b"%PDF-"}


@pytest.mark.parametrize("file_format", BEGINNINGS)
def test_each_format_is_what_it_says_and_the_same_every_time(file_format: picture.Format) -> None:
    picture = loss(CURVE, title="Support chats", file_format=file_format)
    assert picture.startswith(BEGINNINGS[file_format])
    assert loss(CURVE, title="Support chats", file_format=file_format) == picture


def test_it_shows_both_losses_with_their_colours_and_a_legend() -> None:
    drawing = svg(CURVE)
    for shown in ("Training", "Validation", "Step", "Loss", TRAINING, VALIDATION):
        assert shown in drawing
    assert "stroke-dasharray" in drawing


@pytest.mark.parametrize(
    "title", [r"$\alpha$ costs_50% $", r"\frac{", "<script>alert(1)</script> & more", "日本語", "\x00\n"]
)
def test_a_title_is_text_whatever_it_holds(title: str) -> None:
    drawing = loss(CURVE, title=title, file_format="svg").decode()
    assert "<script>" not in drawing
    if "alpha" in title:
        assert title in drawing


def test_a_long_title_is_cut() -> None:
    assert "x" * 59 + "…" in loss(CURVE, title="x" * 500, file_format="svg").decode()


def test_without_points_it_says_so() -> None:
    assert "No points yet" in svg([])
    assert "The cluster reports no loss" in svg([point(1, None)])
    assert "The cluster reports" not in svg([point(1, 0.0)])


def test_a_resumption_interrupts_the_curve_and_names_its_step() -> None:
    drawing = svg(RESUMED)
    assert "resumed at step 39" in drawing
    assert "resumed" not in svg(CURVE)
    curve = next(path for path in re.findall(r'<path d="([^"]+)"[^>]*' + TRAINING, drawing) if len(path) > 500)
    assert curve.count("M") == 2


def test_steps_that_were_trained_again_replace_the_former_ones() -> None:
    counted, seams = as_it_counts(RESUMED)
    assert [each["step"] for each in counted] == list(range(1, 99))
    assert {each["training_loss"] for each in counted if each["step"] >= 40} == {1.0}
    assert seams == [39]


def test_a_later_attempt_goes_on_where_it_was_resumed() -> None:
    earlier = [point(step, 2.0, superseded=step > 40) for step in range(1, 60)]
    later = [{**point(step, 1.0), "attempt": 2} for step in range(41, 81)]
    counted, seams = as_it_counts([*earlier, *later])
    assert [each["step"] for each in counted] == list(range(1, 81))
    assert seams == [40]


def test_validation_measured_now_and_then_is_one_line() -> None:
    drawing = svg(CURVE)
    curve = next(path for path in re.findall(r'<path d="([^"]+)"[^>]*' + VALIDATION, drawing))
    assert (curve.count("M"), curve.count("L")) == (1, 9)


def test_threads_may_draw_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda _: loss(CURVE, title="x"), range(8)))
    assert len(set(pictures)) == 1


def test_smoothing_draws_a_bold_course_over_the_faint_values() -> None:
    assert "smoothed" not in svg(CURVE)
    drawing = svg(CURVE, smoothing=0.6)
    assert "Training, smoothed 0.6" in drawing
    assert f"stroke-opacity: {picture.FAINT}" in drawing
    assert "smoothed" not in svg(CURVE[:20], smoothing=0.6)  # too few to smooth


def test_the_x_axis_may_be_epochs_or_time() -> None:
    assert ">Epoch<" in svg(CURVE, axis="epoch")
    assert ">Time since the first step (seconds)<" in svg(CURVE, axis="time")
    long = [point(step, 1.0) | {"timestamp": f"2026-11-23T{step:02}:00:00Z"} for step in range(1, 20)]
    drawing = svg(long, axis="time")
    assert "(hours)" in drawing
    assert ">10<" in drawing
    without_times = [each | {"timestamp": None} for each in CURVE]
    assert "The points have no times" in svg(without_times, axis="time")


def test_a_log_scale_says_what_it_cannot_show() -> None:
    assert "1 value at or below zero: a log scale cannot show it" in svg([*CURVE, point(51, 0.0)], log=True)
    assert "below zero" not in svg(CURVE, log=True)
    assert "Loss" in svg([point(1, 0.0), point(2, -1.0)], log=True)


def test_clipping_says_what_lies_outside() -> None:
    spiky = [point(step, 500.0 if step == 77 else 1 + step % 5 / 10) for step in range(1, 201)]
    assert ">1 value outside (up to 500)<" in svg(spiky, clip=True)
    assert "outside" not in svg(spiky)


def test_a_view_ends_where_it_was_asked_to_and_names_the_seams_in_it() -> None:
    assert "resumed at step 39" in svg(RESUMED, view=(30, 50))
    assert "resumed" not in svg(RESUMED, view=(50, 70))
    for axis in ("step", "epoch", "time"):
        assert "Loss" in svg(RESUMED, view=(50, 10**18), axis=axis)
        assert "Loss" in svg(RESUMED, view=(10**6, 10**18), axis=axis)


def test_every_chart_there_is_has_a_picture_of_its_own_metrics() -> None:
    drawings = {name: svg(CURVE, name) for name in SUBJECTS}
    assert len(set(drawings.values())) == len(drawings)
    for name, subject in SUBJECTS.items():
        assert subject.y_label in drawings[name]
    assert "GPU memory (GiB, peak so far)" in drawings["gpu-memory"]
    without = [each | {"gpu_memory": None} for each in CURVE]
    assert "The cluster reports no GPU memory" in svg(without, "gpu-memory")


def test_its_colours_are_those_of_the_page_in_both_looks() -> None:
    tokens = dict(re.findall(r"--([\w-]+): light-dark\((#\w+, #\w+)\);", (ROOT / "static/tokens.css").read_text()))
    for name in inks.INKS["light"]:
        assert ", ".join(inks.INKS[theme][name] for theme in inks.THEMES) == tokens[name]
    dark = loss(CURVE, title="x", file_format="svg", theme="dark").decode()
    assert inks.INKS["dark"]["surface"] in dark
    assert inks.INKS["light"]["surface"] not in dark


def test_what_happened_is_marked_where_it_happened() -> None:
    marks = Marks((Checkpoint(1, 0, 20), Checkpoint(1, 0, 38, is_best=True)), (Alert(30, "spike"),))
    drawing = svg(RESUMED, marks=marks)
    for shown in ("Checkpoint", "Best checkpoint", "Alert", "spike", "resumed at step 39"):
        assert f">{shown}<" in drawing
    for axis in ("epoch", "time"):
        assert ">Best checkpoint<" in svg(RESUMED, marks=marks, axis=axis)
    assert "Checkpoint" not in svg(RESUMED, marks=marks, view=(50, 70))
    assert "resumed" not in svg(RESUMED, marks=None)
    rate = svg(RESUMED, "learning-rate", marks=marks)
    assert ("resumed at step 39" in rate, "Alert" in rate) == (True, False)


def test_a_resumption_is_named_by_the_checkpoint_that_training_went_on_from() -> None:
    few = [point(step, 1.0, restart=step // 40) for step in range(10, 80, 10)]  # thinned out: 39 is not among them
    assert as_it_counts(few)[1] == [30]
    assert as_it_counts(few, [Checkpoint(1, 0, 39), Checkpoint(1, 1, 35), Checkpoint(1, 0, 45)])[1] == [39]


def test_a_loss_that_is_no_number_interrupts_its_line_and_a_missing_evaluation_does_not() -> None:
    gone = [point(step, None if step == 25 else 2.0, 1.0 if step % 5 == 0 else None) for step in range(1, 51)]
    training, validation = (lines_of(svg(gone), ink) for ink in (TRAINING, VALIDATION))
    assert (training, validation) == (2, 1)
    assert lines_of(svg([point(step, 0.0 if step == 25 else 2.0) for step in range(1, 51)], log=True), TRAINING) == 2
    assert lines_of(svg([*CURVE, point(51, None) | {"learning_rate": None, "validation_loss": 2.0}]), TRAINING) == 1


def test_it_counts_honestly_where_it_shows_some_of_the_points_alone() -> None:
    usual = [point(step, 1 + step % 5 / 10) | {"stands_for": 3} for step in range(1, 201)]
    assert "at least 1 value outside (up to 500)" in svg([*usual, point(201, 500.0)], clip=True)
    assert "at least 2 values at or below zero" in svg([*usual, point(201, 0.0), point(202, -1.0)], log=True)


def lines_of(drawing: str, ink: str) -> int:
    """Unbroken lines of that colour."""
    paths: list[str] = re.findall(r'<path d="([^"]+)"[^>]*fill: none[^>]*' + ink, drawing)
    return max(paths, key=len).count("M")


def loss(points: list[dict[str, Any]], **how: Any) -> bytes:
    return picture.picture(SUBJECTS["loss"], points, **how)


def svg(points: list[dict[str, Any]], subject: str = "loss", marks: Marks | None = NO_MARKS, **look: Any) -> str:
    how: dict[str, Any] = {"title": "Support chats", "file_format": "svg", "marks": marks, "look": Look(**look)}
    return picture.picture(SUBJECTS[subject], points, **how).decode()
