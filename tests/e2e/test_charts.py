"""The monitor's charts: zoom, keys, what is chosen and kept, and the arithmetic behind them."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from jobs import curves
from jobs.charts.subjects import SUBJECTS
from tests.e2e import points
from tests.e2e.conftest import Complaints, Open, stand_still
from tests.e2e.installation import Installation

STORED_BEFORE = 114  # by the run itself


@pytest.fixture(scope="module")
def measured(installation: Installation, dataset: dict[str, Any]) -> dict[str, Any]:
    """A completed job of alice's with 6,000 points more than its run made."""
    job = installation.await_end("alice", installation.job("alice", dataset))
    points.put(installation, job)
    return job


def shown(tab: Page) -> Locator:
    return tab.locator('[data-field="points"]')


def loss(tab: Page) -> Locator:
    return tab.get_by_role("application", name="Loss chart")


def readout(tab: Page) -> Locator:
    return tab.locator('[data-chart="loss"] .chart-legend')


def drag(tab: Page, chart: str, start: float, end: float) -> None:
    """With the mouse, over these shares of a chart's width."""
    over = tab.locator(f'[data-chart="{chart}"] .u-over')
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    at = box["y"] + box["height"] / 2
    tab.mouse.move(box["x"] + start * box["width"], at)
    tab.mouse.down()
    tab.mouse.move(box["x"] + end * box["width"], at, steps=3)
    tab.mouse.up()


def test_a_zoom_fetches_what_was_left_out_and_lasts_over_a_reload(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}")
    everything = re.compile(r"^[\d,]+ of 6,1\d\d points shown$")
    expect(shown(tab)).to_have_text(everything)
    with tab.expect_response(re.compile(r"/metrics\?from_step=\d+&to_step=\d+")) as answer:
        drag(tab, "learning-rate", 0.5, 0.7)
    seen = answer.value.json()["data"]
    assert 1000 < seen["matching"] < 1500
    assert len(seen["metrics"]) == seen["matching"]
    expect(shown(tab)).to_have_text(re.compile(r"^1,\d\d\d points of this range$"))
    assert re.search(r"/learning-rate\.csv\?from_step=\d+&to_step=\d+", saved(tab, "Learning rate", "CSV table"))
    tab.get_by_text("The same as a table").click()
    everything_as_csv = tab.get_by_role("link", name="Every stored value as CSV").get_attribute("href")
    assert re.search(r"/metrics\.csv\?from_step=\d+&to_step=\d+", str(everything_as_csv))
    expect(tab.locator("#twin caption")).to_contain_text("as zoomed: the last 100 of 1,")
    expect(tab.locator("#twin-marks li").first).to_contain_text("evaluation, validation loss")
    tab.reload()
    expect(shown(tab)).to_have_text(re.compile(r"^1,\d\d\d points of this range$"))
    tab.get_by_role("button", name="Reset zoom").click()
    expect(shown(tab)).to_have_text(everything)
    assert "zoom" not in tab.url
    drag(tab, "loss", 0.2, 0.4)
    expect(tab.get_by_role("button", name="Reset zoom")).to_be_visible()
    tab.locator('[data-chart="loss"] .u-over').dblclick()
    expect(tab.get_by_role("button", name="Reset zoom")).to_be_hidden()


def saved(tab: Page, chart: str, kind: str) -> str:
    """The address of a chart's file, as its menu has it."""
    tab.get_by_label(f"Save the chart: {chart}").click()
    menu = tab.locator(".chart-files[open]")
    href = menu.get_by_role("link", name=kind).get_attribute("href")
    tab.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    assert href is not None
    return href


def test_the_keyboard_reaches_every_value(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}")
    expect(readout(tab)).to_contain_text("Step 6,999 (last)")
    loss(tab).focus()
    tab.keyboard.press("Home")
    expect(readout(tab)).to_contain_text("Step 0Training—Validation")
    for _ in range(2):
        tab.keyboard.press("ArrowRight")
    expect(readout(tab)).to_contain_text(re.compile(r"Training\d\.\d+ · smoothed \d\.\d+Validation\d\.\d+"))
    expect(tab.locator('[data-chart="throughput"] .chart-at')).to_have_text(re.compile(r"^Step \d+$"))
    tab.keyboard.press("End")
    tab.keyboard.press("Shift+ArrowLeft")
    expect(tab.locator("[aria-live=polite]", has_text="Training")).to_have_text(
        re.compile(r"^Step 6,\d{3}: Training 0\.\d+ · smoothed 0\.\d+, Validation 0\.\d+$")
    )
    tab.keyboard.press("+")
    expect(tab.get_by_role("button", name="Reset zoom")).to_be_visible()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("application", name="Learning rate chart")).to_be_focused()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("button", name="Reset zoom")).to_be_hidden()


def test_page_keys_go_from_mark_to_mark_and_take_the_zoom_along(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}")
    spoken = tab.locator("[aria-live=polite]", has_text="Training")
    loss(tab).focus()
    tab.keyboard.press("PageUp")
    expect(readout(tab)).to_contain_text(f"Step {points.ZEROS[0]:,} · alert: zero loss")
    tab.keyboard.press("PageUp")
    expect(spoken).to_have_text(re.compile(rf"^Step {points.SPIKE:,} · alert: spike: Training 40"))
    for _ in range(6):
        tab.keyboard.press("+")  # around the spike, until the other mark is far out of sight
    expect(shown(tab)).to_have_text(re.compile(r"^1\d\d points of this range$"))
    tab.keyboard.press("PageDown")
    expect(readout(tab)).to_contain_text(f"Step {points.ZEROS[0]:,} · alert: zero loss")
    low, high = zoom_of(tab)
    assert low < points.ZEROS[0] <= high
    assert high - low < 200
    tab.keyboard.press("PageDown")
    expect(tab.locator("[aria-live=polite]", has_text="No later mark")).to_have_count(1)
    expect(readout(tab)).to_contain_text(f"Step {points.ZEROS[0]:,}")


def test_a_zoom_between_two_shown_points_fetches_those_that_lie_there(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}?zoom=2001.2_2002.8")
    expect(shown(tab)).to_have_text("3 points of this range")
    tab.get_by_label("Epoch").check()
    expect(shown(tab)).to_have_text(re.compile(r"^[345] points of this range$"))


def test_without_a_network_finer_points_are_asked_for_again_in_peace(
    open_tab: Open, measured: dict[str, Any], complaints: Complaints
) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}", has_clock=True)
    expect(loss(tab)).to_be_visible()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    tab.route("**/metrics?from_step=*", refuse)
    stand_still(tab)
    drag(tab, "loss", 0.4, 0.6)
    tab.clock.run_for(1000)
    expect(shown(tab)).to_contain_text("finer points did not come")
    tab.clock.run_for(1000)
    assert len(asked) == 1
    tab.unroute("**/metrics?from_step=*")
    tab.clock.run_for(6000)
    expect(shown(tab)).to_have_text(re.compile(r"^1,\d\d\d points of this range$"))
    complaints.forgive()  # the browser notes the lost request


def zoom_of(tab: Page) -> tuple[float, float]:
    """What the address says is shown."""
    found = re.search(r"zoom=([\d.]+)_([\d.]+)", tab.url)
    assert found is not None
    return float(found[1]), float(found[2])


def test_what_was_chosen_is_kept_and_goes_into_the_files(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}#metrics")
    expect(readout(tab)).to_contain_text("smoothed")
    tab.get_by_label("Smoothing").fill("0.9")
    tab.get_by_label("Log scale").check()
    expect(readout(tab)).to_contain_text("2 values at or below zero: a log scale cannot show them")
    tab.get_by_label("Clip outliers").check()
    expect(readout(tab)).to_contain_text(re.compile(r"at least \d+ values? outside \(up to 40\)"))
    tab.get_by_role("radio", name="Epoch").check()
    expect(readout(tab)).to_contain_text("Epoch 7.00 (last)")
    expect(tab.get_by_role("img", name="Loss over epochs")).to_be_visible()
    tab.reload()
    expect(readout(tab)).to_contain_text("Epoch 7.00 (last)")
    expect(readout(tab)).to_contain_text("a log scale cannot show them")
    expect(tab.get_by_label("Smoothing")).to_have_value("0.9")
    expect(tab.get_by_label("Clip outliers")).to_be_checked()
    tab.get_by_label("Save the chart: Learning rate").click()
    tab.get_by_label("On dark ground").locator("visible=true").check()
    looks = {
        "Loss": "/loss.png?x=epoch&log=true&clip=true&smoothing=0.9&theme=dark",
        "Learning rate": "/learning-rate.png?x=epoch&clip=true&theme=dark",
        "Gradient norm": "/gradient-norm.png?x=epoch&log=true&clip=true&smoothing=0.9&theme=dark",
        "Throughput": "/throughput.png?x=epoch&clip=true&smoothing=0.9&theme=dark",
        "GPU utilization": "/gpu-utilization.png?x=epoch&clip=true&smoothing=0.9&theme=dark",
    }
    for chart, ending in looks.items():
        href = saved(tab, chart, "PNG picture")
        assert href.endswith(ending)
        assert tab.request.get(href).headers["content-type"] == "image/png"
    tab.get_by_label("Smoothing").fill("0")
    expect(readout(tab)).not_to_contain_text("smoothed")


def test_a_click_pins_the_crosshair_and_a_key_of_the_legend_hides_a_line(
    open_tab: Open, measured: dict[str, Any]
) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}")
    over = tab.locator('[data-chart="loss"] .u-over')
    expect(over).to_be_visible()
    over.click(position={"x": 200, "y": 50})
    tab.mouse.move(0, 0)
    expect(tab.locator('[data-chart="gradient-norm"] .chart-at')).not_to_contain_text("last")
    tab.keyboard.press("Escape")
    over.click(position={"x": 200, "y": 50})
    tab.mouse.move(0, 0)
    training = tab.get_by_role("button", name=re.compile("^Training"))
    training.click()
    expect(training).to_have_attribute("aria-pressed", "false")
    href = saved(tab, "Loss", "PNG picture")
    assert href.endswith("&hide=training_loss")
    assert tab.request.get(href).headers["content-type"] == "image/png"


def test_a_curve_is_drawn_anew_in_another_theme(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}", color_scheme="light")
    expect(loss(tab)).to_be_visible()
    ground = """() => {
        const { data } = document.querySelector("canvas").getContext("2d").getImageData(0, 0, 400, 200);
        return data.reduce((sum, value) => sum + value, 0);
    }"""
    light = tab.evaluate(ground)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function(f"light => ({ground})() !== light", arg=light)


LOAD = """async (name) => {
    const loaded = performance.getEntriesByType("resource");
    return import(loaded.find((each) => each.name.includes(`/${name}.`)).name);
}"""


def test_pages_and_pictures_have_the_same_charts(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}")
    expect(loss(tab)).to_be_visible()
    on_the_page = tab.evaluate(f"async () => (await ({LOAD})('subjects')).SUBJECTS")
    assert on_the_page.keys() == SUBJECTS.keys()
    for name, there in on_the_page.items():
        subject = SUBJECTS[name]
        assert (there["title"], there.get("canLog", False)) == (subject.title, subject.can_log)
        assert there.get("range") == (list(subject.span) if subject.span else None)
        asked = ("metric", "label", "color", "smooth", "markers", "fill")
        lines = [tuple(line.get(each, False) for each in asked) for line in there["lines"]]
        assert lines == [
            (line.metric, line.label, f"--{line.ink}", line.is_smoothed, line.now_and_then, line.is_filled)
            for line in subject.lines
        ]


def test_pages_and_pictures_smooth_and_span_alike(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}")
    expect(loss(tab)).to_be_visible()
    values = [None if step % 17 == 3 else step * 7919 % 1000 / 100 - 1 for step in range(400)]
    counts = [1 + step % 5 for step in range(400)]
    for weight, in_view in ((0.0, 0), (0.6, 400), (0.99, 50_000)):
        course = tab.evaluate(
            f"async (given) => (await ({LOAD})('smoothing')).smoothed(...given)", [values, counts, weight, in_view]
        )
        assert course == pytest.approx(curves.smoothed(values, counts, weight, in_view))
    run = [
        {"step": step, "epoch": (step * 3 % 40) / 10, "timestamp": f"2026-11-23T12:{step * 7 % 60:02}:00Z"}
        for step in range(60)
    ]
    for axis in curves.AXES:
        there = tab.evaluate(f"async ([axis, run]) => (await ({LOAD})('axes')).AXES[axis].of(run)", [axis, run])
        assert there == curves.places(run, axis)
    known = [value for value in values if value is not None]
    for log in (False, True):
        for clip in (False, True):
            spanned = tab.evaluate(
                f"async ([values, how]) => (await ({LOAD})('scale')).spanOf(values, how)",
                [[*known, 900.0], {"log": log, "clip": clip}],
            )
            span, outside = curves.span([*known, 900.0], log=log, clip=clip)
            assert (spanned["range"], spanned["outside"]) == (pytest.approx(span), outside)
            said = tab.evaluate(
                f"async (given) => (await ({LOAD})('words')).notesOf(given)",
                {"values": [*known, 900.0], **spanned, "isLog": log, "isThin": clip, "axis": "time", "leftOut": 2},
            )
            assert said == curves.notes([*known, 900.0], span, outside, log=log, is_thin=clip, axis="time", left_out=2)
    numbers = [0, 0.25, 1 / 3, 2.05e-6, -4e-4, 9999, 12_500, 999_999, 2e6, 31.5e6, 2.5e9]
    ticks = tab.evaluate(
        f"async (given) => {{ const {{ tick }} = await ({LOAD})('scale'); return given.map(tick) }}", numbers
    )
    assert ticks == [curves.tick(number) for number in numbers]


def test_a_gap_stays_one_and_100_000_points_are_drawn(open_tab: Open, measured: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/training/jobs/{measured['id']}")
    expect(loss(tab)).to_be_visible()
    drawn = tab.evaluate(
        f"""async () => {{
            const {{ Group }} = await ({LOAD})("group");
            const box = document.createElement("div");
            document.querySelector("main").append(box);
            const points = Array.from({{ length: 100_000 }}, (_, step) => ({{
                step, epoch: step / 1000, timestamp: null, learning_rate: 1,
                training_loss: step > 40_000 && step < 60_000 ? null : 2 + Math.sin(step), validation_loss: null,
            }}));
            const group = new Group();
            const chart = group.add(box, {{ title: "Many", write: String }});
            chart.show([{{ label: "Loss", color: "--training", points, metric: "training_loss", smooth: true }}]);
            group.draw();
            const [, raw, smooth] = chart.plot.data;
            const {{ ctx, bbox }} = chart.plot;
            await new Promise(requestAnimationFrame); // uPlot draws in a microtask
            const {{ data }} = ctx.getImageData(bbox.left, bbox.top, bbox.width, bbox.height);
            const isPainted = (x) => Array.from({{ length: bbox.height }}, (_, y) => 4 * (y * bbox.width + x))
                .some((at) => data[at] > data[at + 2] + 60 && data[at + 3] > 60);
            return {{ middle: [raw[50_000], smooth[50_000]], after: Math.round(smooth[60_100]),
                      painted: [0.2, 0.5, 0.8].map((share) => isPainted(Math.round(share * bbox.width))) }};
        }}"""
    )
    assert drawn == {"middle": [None, None], "after": 2, "painted": [True, False, True]}
