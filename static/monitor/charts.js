// The curves (uPlot). One crosshair runs through all charts at the same step. The same values stand in table.js.

import { count, gibibytes, measure, percent } from "../format.js";
import { color } from "./colors.js";
import { drawMarks, seamText } from "./marks.js";
import { column } from "./series.js";
import * as table from "./table.js";

const uPlot = globalThis.uPlot;
const CHARTS = {
  loss: {
    says: "Loss",
    write: measure,
    series: [
      { metric: "training_loss", label: "Training", color: "--training", width: 2 },
      { metric: "validation_loss", label: "Validation", color: "--validation", width: 2, dash: [7, 5], markers: true },
    ],
  },
  utilization: {
    says: "GPU utilization",
    write: percent,
    range: [0, 100],
    series: [{ metric: "gpu_utilization", label: "GPU utilization", color: "--utilization", width: 1.5, fill: true }],
  },
  rate: {
    says: "Learning rate",
    write: measure,
    series: [{ metric: "learning_rate", label: "Learning rate", color: "--rate", width: 2 }],
  },
  memory: {
    says: "GPU memory",
    write: gibibytes,
    series: [{ metric: "gpu_memory", label: "GPU memory", color: "--utilization", width: 1.5, fill: true }],
  },
};

const drawn = new Map();
let latest = null;

/**
 * Draws `points`, or says why there is nothing to draw.
 * @param {{ended: boolean, onCpu: boolean, checkpoints: object[], findings: object[]}} about `ended`: no point will come any more
 */
export function draw(points, about) {
  latest = { points, about };
  const { points: run, seams } = points.total ? points.history(about.checkpoints) : { points: [], seams: [] };
  const shown = document.querySelector('[data-field="points"]');
  shown.textContent = points.total ? shownOf(run.length, points.total) : "";
  for (const box of document.querySelectorAll("[data-chart]")) {
    const isLoss = box.dataset.chart === "loss";
    const marks = { seams, isLabelled: isLoss, checkpoints: isLoss ? about.checkpoints : [], findings: isLoss ? about.findings : [] };
    drawOne(box, CHARTS[box.dataset.chart], run, marks, about);
  }
  document.getElementById("checkpoint-key").hidden = !(run.length && about.checkpoints.length);
  table.show(run);
}

function shownOf(shown, total) {
  return shown === total ? `${count(total)} points` : `${count(shown)} of ${count(total)} points shown`;
}

function drawOne(box, chart, run, marks, about) {
  const columns = chart.series.map((series) => column(run, series.metric));
  const isEmpty = columns.every((values) => values.every((value) => value === null || value === undefined));
  const card = box.closest("[data-when-measured]");
  if (card) card.hidden = isEmpty;
  if (isEmpty) {
    forget(box);
    box.replaceChildren(note(emptyText(chart, run, about)));
    return;
  }
  const data = [run.map((point) => point.step), ...columns];
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", spoken(chart, columns, marks));
  const plot = drawn.get(box);
  if (!plot) {
    box.replaceChildren();
    const fresh = new uPlot(options(box, chart), data, box);
    drawn.set(box, fresh);
    sizes.observe(box);
    fresh.marks = marks;
    return;
  }
  plot.marks = marks;
  const isZoomed = plot.scales.x.min > plot.data[0][0] || plot.scales.x.max < plot.data[0].at(-1);
  plot.setData(data, !isZoomed);
  if (isZoomed) plot.redraw();
}

function emptyText(chart, run, { ended, onCpu }) {
  if (onCpu && chart === CHARTS.utilization) return "This job trains on a CPU: there is no GPU to watch.";
  if (run.length) return `The cluster reports no ${chart.says.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())}.`;
  return ended ? "No points: the job ended before its first step." : "No points yet — the first appears when training starts";
}

function note(text) {
  const paragraph = document.createElement("p");
  paragraph.className = "chart-note muted";
  paragraph.textContent = text;
  return paragraph;
}

function forget(box) {
  drawn.get(box)?.destroy();
  drawn.delete(box);
  sizes.unobserve(box);
  box.removeAttribute("role");
  box.removeAttribute("aria-label");
}

function spoken(chart, columns, { seams, checkpoints, findings }) {
  const parts = chart.series.map((series, index) => {
    const values = columns[index].filter((value) => value !== null && value !== undefined);
    if (!values.length) return `${series.label}: no value`;
    const lowest = values.reduce((one, other) => Math.min(one, other));
    return `${series.label}: last ${chart.write(values.at(-1))}, lowest ${chart.write(lowest)}`;
  });
  const marked = seams.map((step) => ` Training ${seamText(step)}.`).join("");
  const saved = checkpoints.length ? ` Checkpoints: ${checkpoints.length}, listed in their tab.` : "";
  const found = findings.map(({ text, step }) => ` Found: ${text} at step ${count(step)}.`).join("");
  return `${chart.says} over steps. ${parts.join("; ")}.${marked}${saved}${found} The table below has the values.`;
}

// -- uPlot ---------------------------------------------------------------------------------------

function options(box, chart) {
  const ink = color("--muted");
  const axis = {
    stroke: ink,
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: color("--line"), width: 1 },
    ticks: { stroke: color("--line"), width: 1, size: 4 },
  };
  return {
    ...sizeOf(box),
    scales: { x: { time: false }, y: chart.range ? { range: chart.range } : {} },
    axes: [
      { ...axis, size: 36, values: (_, splits) => splits.map((step) => (Number.isInteger(step) ? count(step) : "")) },
      { ...axis, size: 52, values: (_, splits) => splits.map(tick) },
    ],
    series: [
      { label: "Step", value: (_, step) => count(step) },
      ...chart.series.map((series) => line(series, chart)),
    ],
    cursor: { sync: { key: "monitor" }, points: { size: 7 }, drag: { x: true, y: false } },
    legend: { markers: { width: 2, dash: (plot, index) => (plot.series[index].dash ? "dashed" : "solid") } },
    hooks: { draw: [drawMarks] },
  };
}

function line(series, chart) {
  const stroke = color(series.color);
  return {
    label: series.label,
    stroke,
    width: series.width,
    dash: series.dash,
    pxAlign: 0,
    fill: series.fill ? color(series.color, 12) : undefined,
    points: { size: series.markers ? 7 : 5, fill: color("--surface"), stroke, ...(series.markers ? { show: true, width: 2 } : {}) },
    value: (_, value) => chart.write(value),
  };
}

/** A value at an axis: short, without the noise of binary fractions. */
function tick(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 0.001 ? value.toExponential(1).replace(".0e", "e") : String(Number(value.toPrecision(4)));
}

function sizeOf(box) {
  return { width: box.clientWidth, height: box.classList.contains("chart-tall") ? 300 : 190 };
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.clientWidth > 0) drawn.get(target)?.setSize(sizeOf(target));
  }
});

// Colours are in the canvas: another scheme needs another drawing.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const box of [...drawn.keys()]) forget(box);
  if (latest) draw(latest.points, latest.about);
});
