// Which charts the monitor has, and what stands in them. static/charts/ draws them; its finer.js fetches
// what a zoom shows, table.js has the same values in words, exports.js links to them as files.

import { stepsBetween } from "../charts/axes.js";
import { Finer } from "../charts/finer.js";
import { Group } from "../charts/group.js";
import { count, gibibytes, measure, percent } from "../format.js";
import * as exports from "./exports.js";
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

const group = new Group({ redraw });
const charts = new Map();
for (const box of document.querySelectorAll("[data-chart]")) {
  const { lines, ...spec } = CHARTS[box.dataset.chart];
  charts.set(box, { chart: group.add(box, spec), lines });
}
group.settings.bind(document.getElementById("chart-tools"));

let latest = null;
let finer = null;

/**
 * Draws `points`, or says why there is nothing to draw.
 * @param {{ended: boolean, onCpu: boolean, checkpoints: object[], findings: object[]}} about `ended`: no point will come any more
 */
export function draw(points, about) {
  latest = { points, about };
  finer ??= new Finer({ url: `/api/jobs/${document.getElementById("monitor").dataset.job}`, points, onChange: redraw });
  redraw();
}

/** Shows the latest points as the reader wants to see them now. */
function redraw() {
  if (!latest) return;
  const { points, about } = latest;
  showControls(points.total || !about.ended);
  const { points: run, seams } = points.total ? points.history(about.checkpoints) : { points: [], seams: [] };
  for (const [box, { chart, lines }] of charts) {
    const marks = marksOf({ ...about, seams }, { isLoss: box.dataset.chart === "loss" });
    chart.show(lines.map((line) => ({ ...line, points: run })), { marks, empty: emptyText(chart.spec, run, about) });
    const card = box.closest("[data-when-measured]");
    if (card) card.hidden = !chart.hasValues;
  }
  group.draw();
  const { zoom, axis } = group.settings.now;
  const range = zoom && stepsBetween(run, axis, zoom);
  finer.want(range);
  const seen = range ? run.filter(({ step }) => step >= range.from && step <= range.to) : run;
  say(range ? shownOf(seen.length, points.storedWithin(range), " of this range") : shownOf(run.length, points.total));
  exports.follow({ settings: group.settings.now, range });
  showKeys(marksOf({ ...about, seams }, { isLoss: true }), seen);
}

/** Where no point came and none will come there is nothing to set, to compare or to download. */
function showControls(areOfUse) {
  for (const part of document.querySelectorAll("[data-when-points]")) part.hidden = !areOfUse;
  document.querySelector('[data-chart="loss"]').classList.toggle("chart-tall", Boolean(areOfUse));
}

function say(text) {
  document.querySelector('[data-field="points"]').textContent = [text, finer.state].filter(Boolean).join(" · ");
}

function shownOf(shown, stored, where = "") {
  if (!stored) return where ? `No points${where}` : "";
  return shown === stored ? `${count(stored)} points${where}` : `${count(shown)} of ${count(stored)} points${where} shown`;
}

/** The key of the marks' shapes, of those that there are, and the table with all of them in words. */
function showKeys(marks, seen) {
  const kinds = new Set(marks.map(({ kind }) => kind));
  const evaluated = seen.filter(({ validation_loss: value }) => Number.isFinite(value));
  if (evaluated.length) kinds.add("evaluation");
  for (const key of document.querySelectorAll("[data-mark]")) key.hidden = !kinds.has(key.dataset.mark);
  document.getElementById("mark-keys").hidden = !kinds.size;
  const isZoomed = group.settings.now.zoom !== null;
  const evaluations = evaluated.map(({ step, validation_loss: value }) => ({ step, text: `evaluation, validation loss ${measure(value)}` }));
  const ends = seen.length && isZoomed ? [seen[0].step, seen.at(-1).step] : [-Infinity, Infinity];
  const inView = marks.filter(({ step }) => step >= ends[0] && step <= ends[1]);
  table.show({ run: seen, isZoomed, marks: [...inView, ...evaluations].sort((one, other) => one.step - other.step) });
}

function emptyText({ title }, run, { ended, onCpu }) {
  if (onCpu && title === CHARTS.utilization.title) return "This job trains on a CPU: there is no GPU to watch.";
  if (run.length) return `The cluster reports no ${title.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())}.`;
  return ended ? "No points: the job ended before its first step." : "No points yet — the first appears when training starts";
}
