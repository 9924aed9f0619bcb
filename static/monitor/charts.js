// The monitor's charts: what stands in them, and what is said of that. subjects.js says which ones there are,
// static/charts/ draws them; its finer.js fetches what a zoom shows, table.js has the same values in words, exports.js
// links to them as files.

import { stepsBetween } from "../charts/axes.js";
import { Finer } from "../charts/finer.js";
import { Group } from "../charts/group.js";
import { shownText } from "../charts/words.js";
import { measure } from "../format.js";
import * as exports from "./exports.js";
import { marksOf } from "./marks.js";
import { nounOf, SUBJECTS } from "./subjects.js";
import * as table from "./table.js";

const group = new Group({ redraw });
const charts = new Map();
for (const box of document.querySelectorAll("[data-chart]")) {
  const { lines, ...spec } = SUBJECTS[box.dataset.chart];
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
    const card = box.closest(".chart-card");
    if ("whenMeasured" in card.dataset) card.hidden = !chart.hasValues;
    card.querySelector(".chart-files").hidden = !chart.hasValues;
  }
  group.draw();
  const { zoom, axis } = group.settings.now;
  const range = zoom && stepsBetween(run, axis, zoom);
  finer.want(range);
  const seen = range ? run.filter(({ step }) => step >= range.from && step <= range.to) : run;
  say(range ? { shown: seen.length, ...points.countingWithin(range), isRange: true } : whole(run, points));
  exports.follow({ settings: group.settings.now, range, hidden: hiddenLines() });
  showKeys(marksOf({ ...about, seams }, { isLoss: true }), seen);
}

/** The metrics that are hidden, by chart; of one that hides all of its lines none: there would be nothing to save. */
function hiddenLines() {
  return new Map([...charts].map(([box, { chart, lines }]) => {
    const hidden = lines.filter((line) => chart.visibility.isHidden(line)).map(({ metric }) => metric);
    return [box.dataset.chart, hidden.length < lines.length ? hidden : []];
  }));
}

/** Where no point came and none will come there is nothing to set, to compare or to download. */
function showControls(areOfUse) {
  for (const part of document.querySelectorAll("[data-when-points]")) part.hidden = !areOfUse;
  document.querySelector('[data-chart="loss"]').classList.toggle("chart-tall", Boolean(areOfUse));
}

const whole = (run, { total, replaced }) => ({ shown: run.length, counting: total - replaced, replaced });

function say(amounts) {
  document.querySelector('[data-field="points"]').textContent = [shownText(amounts), finer.state].filter(Boolean).join(" · ");
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

function emptyText(spec, run, { ended, onCpu }) {
  if (onCpu && spec.title === SUBJECTS["gpu-utilization"].title) return "This job trains on a CPU: there is no GPU to watch.";
  if (run.length) return `The cluster reports no ${nounOf(spec)}.`;
  return ended ? "No points: the job ended before its first step." : "No points yet — the first appears when training starts";
}
