// Which charts the monitor has, and what stands in them. static/charts/ draws them; table.js has the same values.

import { Group } from "../charts/group.js";
import { count, gibibytes, measure, percent } from "../format.js";
import { marksOf } from "./marks.js";
import * as table from "./table.js";

const tall = (width) => Math.round(Math.min(420, Math.max(240, width * 0.32)));
const rate = (value) => `${count(value)}/s`;

const CHARTS = {
  loss: {
    title: "Loss",
    write: measure,
    height: tall,
    canLog: true,
    lines: [
      { metric: "training_loss", label: "Training", color: "--training", smooth: true },
      { metric: "validation_loss", label: "Validation", color: "--validation", dash: [7, 5], markers: true },
    ],
  },
  throughput: {
    title: "Throughput",
    write: rate,
    lines: [{ metric: "throughput", label: "Tokens", color: "--utilization", smooth: true }],
  },
  rate: {
    title: "Learning rate",
    write: measure,
    lines: [{ metric: "learning_rate", label: "Learning rate", color: "--rate" }],
  },
  gradient: {
    title: "Gradient norm",
    write: measure,
    canLog: true,
    lines: [{ metric: "gradient_norm", label: "Gradient norm", color: "--rate", smooth: true }],
  },
  utilization: {
    title: "GPU utilization",
    write: percent,
    range: [0, 100],
    lines: [{ metric: "gpu_utilization", label: "GPU utilization", color: "--utilization", fill: true, smooth: true }],
  },
  memory: {
    title: "GPU memory",
    write: gibibytes,
    lines: [{ metric: "gpu_memory", label: "GPU memory", color: "--utilization", fill: true }],
  },
};

const group = new Group();
const charts = new Map();
for (const box of document.querySelectorAll("[data-chart]")) {
  const { lines, ...spec } = CHARTS[box.dataset.chart];
  charts.set(box, { chart: group.add(box, spec), lines });
}
group.settings.bind(document.getElementById("chart-tools"));

/**
 * Draws `points`, or says why there is nothing to draw.
 * @param {{ended: boolean, onCpu: boolean, checkpoints: object[], findings: object[]}} about `ended`: no point will come any more
 */
export function draw(points, about) {
  const { points: run, seams } = points.total ? points.history(about.checkpoints) : { points: [], seams: [] };
  document.querySelector('[data-field="points"]').textContent = points.total ? shownOf(run.length, points.total) : "";
  for (const [box, { chart, lines }] of charts) {
    const marks = marksOf({ ...about, seams }, { isLoss: box.dataset.chart === "loss" });
    chart.show(lines.map((line) => ({ ...line, points: run })), { marks, empty: emptyText(chart.spec, run, about) });
    const card = box.closest("[data-when-measured]");
    if (card) card.hidden = !chart.hasValues;
  }
  group.draw();
  document.getElementById("checkpoint-key").hidden = !(run.length && about.checkpoints.length);
  table.show(run);
}

function shownOf(shown, total) {
  return shown === total ? `${count(total)} points` : `${count(shown)} of ${count(total)} points shown`;
}

function emptyText({ title }, run, { ended, onCpu }) {
  if (onCpu && title === CHARTS.utilization.title) return "This job trains on a CPU: there is no GPU to watch.";
  if (run.length) return `The cluster reports no ${title.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())}.`;
  return ended ? "No points: the job ended before its first step." : "No points yet — the first appears when training starts";
}
