"""The loss curve as a file."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jobs import charts
from jobs.curves import Look


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
BEGINNINGS: dict[charts.Format, bytes] = {"png": b"\x89PNG\r\n", "svg": b"<?xml", "pdf": b"%PDF-"}


@pytest.mark.parametrize("file_format", BEGINNINGS)
def test_each_format_is_what_it_says_and_the_same_every_time(file_format: charts.Format) -> None:
    picture = charts.loss_curve(CURVE, title="Support chats", file_format=file_format)
    assert picture.startswith(BEGINNINGS[file_format])
    assert charts.loss_curve(CURVE, title="Support chats", file_format=file_format) == picture


def test_it_shows_both_losses_with_their_colours_and_a_legend() -> None:
    drawing = svg(CURVE)
    for shown in ("Training loss", "Validation loss", "Step", "Loss", charts.TRAINING, charts.VALIDATION):
        assert shown in drawing
    assert "stroke-dasharray" in drawing


@pytest.mark.parametrize(
    "title", [r"$\alpha$ costs_50% $", r"\frac{", "<script>alert(1)</script> & more", "日本語", "\x00\n"]
)
def test_a_title_is_text_whatever_it_holds(title: str) -> None:
    drawing = charts.loss_curve(CURVE, title=title, file_format="svg").decode()
    assert "<script>" not in drawing
    if "alpha" in title:
        assert title in drawing


def test_a_long_title_is_cut() -> None:
    assert "x" * 59 + "…" in charts.loss_curve(CURVE, title="x" * 500, file_format="svg").decode()


def test_without_points_it_says_so() -> None:
    for points in ([], [point(1, None)]):
        assert "No points yet" in svg(points)
    assert "No points yet" not in svg([point(1, 0.0)])


def test_a_resumption_interrupts_the_curve_and_names_its_step() -> None:
    drawing = svg(RESUMED)
    assert "resumed at step 39" in drawing
    assert "resumed" not in svg(CURVE)
    curve = next(path for path in re.findall(r'<path d="([^"]+)"[^>]*' + charts.TRAINING, drawing) if len(path) > 500)
    assert curve.count("M") == 2


def test_steps_that_were_trained_again_replace_the_former_ones() -> None:
    counted, seams = charts.as_it_counts(RESUMED)
    assert [each["step"] for each in counted] == list(range(1, 99))
    assert {each["training_loss"] for each in counted if each["step"] >= 40} == {1.0}
    assert seams == [39]


def test_a_later_attempt_goes_on_where_it_was_resumed() -> None:
    earlier = [point(step, 2.0, superseded=step > 40) for step in range(1, 60)]
    later = [{**point(step, 1.0), "attempt": 2} for step in range(41, 81)]
    counted, seams = charts.as_it_counts([*earlier, *later])
    assert [each["step"] for each in counted] == list(range(1, 81))
    assert seams == [40]


def test_validation_measured_now_and_then_is_one_line() -> None:
    drawing = svg(CURVE)
    curve = next(path for path in re.findall(r'<path d="([^"]+)"[^>]*' + charts.VALIDATION, drawing))
    assert (curve.count("M"), curve.count("L")) == (1, 9)


def test_threads_may_draw_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda _: charts.loss_curve(CURVE, title="x"), range(8)))
    assert len(set(pictures)) == 1


def test_smoothing_draws_a_bold_course_over_the_faint_values() -> None:
    assert "smoothed" not in svg(CURVE)
    drawing = svg(CURVE, smoothing=0.6)
    assert "Training loss, smoothed 0.6" in drawing
    assert f"stroke-opacity: {charts.FAINT}" in drawing
    assert "smoothed" not in svg(CURVE[:20], smoothing=0.6)  # too few to smooth


def test_the_x_axis_may_be_epochs_or_time() -> None:
    assert ">Epoch<" in svg(CURVE, axis="epoch")
    assert ">Time since the first step (seconds)<" in svg(CURVE, axis="time")
    long = [point(step, 1.0) | {"timestamp": f"2026-11-23T{step:02}:00:00Z"} for step in range(1, 20)]
    drawing = svg(long, axis="time")
    assert "(hours)" in drawing
    assert ">10<" in drawing
    without_times = [each | {"timestamp": None} for each in CURVE]
    assert "No points yet" in svg(without_times, axis="time")


def test_a_log_scale_says_what_it_cannot_show() -> None:
    assert "1 at or below zero" in svg([*CURVE, point(51, 0.0)], log=True)
    assert "below zero" not in svg(CURVE, log=True)
    assert "Loss" in svg([point(1, 0.0), point(2, -1.0)], log=True)


def test_clipping_says_what_lies_outside() -> None:
    spiky = [point(step, 500.0 if step == 77 else 1 + step % 5 / 10) for step in range(1, 201)]
    assert "1 point outside" in svg(spiky, clip=True)
    assert "outside" not in svg(spiky)


def test_a_view_ends_where_it_was_asked_to_and_names_the_seams_in_it() -> None:
    assert "resumed at step 39" in svg(RESUMED, view=(30, 50))
    assert "resumed" not in svg(RESUMED, view=(50, 70))
    for axis in ("step", "epoch", "time"):
        assert "Loss" in svg(RESUMED, view=(50, 10**18), axis=axis)
        assert "Loss" in svg(RESUMED, view=(10**6, 10**18), axis=axis)


def svg(points: list[dict[str, Any]], **look: Any) -> str:
    return charts.loss_curve(points, title="Support chats", file_format="svg", look=Look(**look)).decode()
