// The curves (uPlot) and the same as a table. One crosshair runs through all charts at the same step.

import { ABSENT, count, measure, percent } from "../format.js";
import { column } from "./series.js";

const uPlot = globalThis.uPlot;
const TABLE_ROWS = 100;
const COLUMNS = [
  ["step", count],
  ["epoch", (value) => (value === null ? ABSENT : value.toFixed(2))],
  ["training_loss", measure],
  ["validation_loss", measure],
  ["learning_rate", measure],
  ["gpu_utilization", percent],
  ["throughput", count],
];

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
};

const drawn = new Map();
let latest = null;

/** Draws `points`, or says why there is nothing to draw. `ended`: none will come any more. */
export function draw(points, { ended }) {
  latest = { points, ended };
  const shown = document.querySelector('[data-field="points"]');
  const { points: run, seams } = points.total ? points.history() : { points: [], seams: [] };
  shown.textContent = points.total ? shownOf(run.length, points.total) : "";
  for (const box of document.querySelectorAll("[data-chart]")) {
    drawOne(box, CHARTS[box.dataset.chart], run, { seams, ended });
  }
  fillTable(run);
}

function shownOf(shown, total) {
  return shown === total ? `${count(total)} points` : `${count(shown)} of ${count(total)} points shown`;
}

function drawOne(box, chart, run, { seams, ended }) {
  const columns = chart.series.map((series) => column(run, series.metric));
  const isEmpty = columns.every((values) => values.every((value) => value === null || value === undefined));
  if (isEmpty) {
    forget(box);
    box.replaceChildren(note(run.length ? `The cluster reports no ${chart.says.toLowerCase()}.` : emptyText(ended)));
    return;
  }
  const data = [run.map((point) => point.step), ...columns];
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", spoken(chart, columns));
  const plot = drawn.get(box);
  if (!plot) {
    box.replaceChildren();
    drawn.set(box, new uPlot(options(box, chart), data, box));
    sizes.observe(box);
    drawn.get(box).seams = seams;
    return;
  }
  plot.seams = seams;
  const isZoomed = plot.scales.x.min > plot.data[0][0] || plot.scales.x.max < plot.data[0].at(-1);
  plot.setData(data, !isZoomed);
  if (isZoomed) plot.redraw();
}

function emptyText(ended) {
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

function spoken(chart, columns) {
  const parts = chart.series.map((series, index) => {
    const values = columns[index].filter((value) => value !== null && value !== undefined);
    if (!values.length) return `${series.label}: no value`;
    const lowest = values.reduce((one, other) => Math.min(one, other));
    return `${series.label}: last ${chart.write(values.at(-1))}, lowest ${chart.write(lowest)}`;
  });
  return `${chart.says} over steps. ${parts.join("; ")}. The table below has the values.`;
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
    hooks: { draw: [drawSeams] },
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

/** A dotted line where a restart took over. */
function drawSeams(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color("--line-strong");
  ctx.setLineDash([2, 4]);
  for (const step of plot.seams ?? []) {
    const x = Math.round(plot.valToPos(step, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** A token of tokens.css as a colour that a canvas understands, at `share` percent of its strength. */
function color(token, share = 100) {
  const probe = document.createElement("span");
  probe.style.color = `color-mix(in srgb, var(${token}) ${share}%, transparent)`;
  document.body.append(probe);
  const { color: resolved } = getComputedStyle(probe);
  probe.remove();
  return resolved;
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
  if (latest) draw(latest.points, latest);
});

// -- The table -----------------------------------------------------------------------------------

const twin = document.getElementById("twin");
let tableRun = [];

function fillTable(run) {
  tableRun = run;
  if (twin.open) writeTable();
}

function writeTable() {
  twin.querySelector("tbody").replaceChildren(
    ...tableRun
      .slice(-TABLE_ROWS)
      .reverse()
      .map((point) => {
        const row = document.createElement("tr");
        for (const [metric, write] of COLUMNS) {
          const cell = row.insertCell();
          cell.className = "number";
          cell.textContent = write(point[metric]);
        }
        return row;
      }),
  );
}

twin.addEventListener("toggle", () => twin.open && writeTable());
