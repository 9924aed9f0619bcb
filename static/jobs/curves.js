// The losses of compared jobs over each other: one chart for training, one for validation, on a common axis.

import { call } from "../api.js";
import { stepsBetween } from "../charts/axes.js";
import { Group } from "../charts/group.js";
import { lookOf } from "../charts/palette.js";
import { measure } from "../format.js";
import { Finer } from "../charts/finer.js";
import { Points } from "../charts/points.js";
import { shownText } from "../charts/words.js";

const LABEL_LENGTH = 32;
// Of all jobs together, so that eight long runs are hardly slower than two; extremes survive however few there are.
const MOST_POINTS = 4000;
const MOST_OF_ONE = 1000;
const CHARTS = {
  training: { title: "Training loss", metric: "training_loss", line: { smooth: true } },
  validation: { title: "Validation loss", metric: "validation_loss", line: { markers: true } },
};

const tall = (width) => Math.round(Math.min(420, Math.max(240, width * 0.42)));
const group = new Group({ redraw: draw });
const charts = [...document.querySelectorAll("[data-chart]")].map((box) => {
  const { title, ...rest } = CHARTS[box.dataset.chart];
  return { ...rest, title, chart: group.add(box, { title, write: measure, height: tall, canLog: true }) };
});
group.settings.bind(document.getElementById("chart-tools"));

const jobs = [...document.querySelectorAll(".compared-job")].map(({ dataset }) => ({
  id: dataset.column,
  name: dataset.name,
  look: lookOf(dataset.look - 1),
  points: new Points(),
  isComplete: false,
}));
const most = Math.min(MOST_OF_ONE, Math.floor(MOST_POINTS / jobs.length));
for (const job of jobs) {
  job.label = labelOf(job);
  job.finer = new Finer({ url: `/api/jobs/${job.id}`, points: job.points, onChange: draw, most });
}

/** Fetches what is new and draws it as it comes; a job that is in `ended` is asked a last time. */
export async function refresh(ended) {
  const follow = async (job) => {
    await fetchPoints(job, ended.has(job.id));
    if (job.points.total) draw(); // a long run that is still being read holds up no other one
  };
  await Promise.all(jobs.filter((job) => !job.isComplete).map(follow));
  draw();
}

/** Dims the curves of all jobs but one; of none for null. */
export function emphasize(id) {
  for (const { chart } of charts) chart.visibility.emphasize(chart.lines.find((line) => line.job === id) ?? null);
}

async function fetchPoints(job, isEnded) {
  const query = `since=${job.points.cursor}&max_points=${most}`;
  const { metrics, total, superseded, next } = await call(`/api/jobs/${job.id}/metrics?${query}`);
  job.points.take({ metrics, metrics_total: total, metrics_superseded: superseded, metrics_next: next });
  job.isComplete = isEnded && job.points.cursor === next;
}

/** Shows the latest points as the reader wants to see them now; a zoom brings finer ones of each job. */
function draw() {
  const { zoom, axis } = group.settings.now;
  for (const job of jobs) {
    job.run = job.points.total ? job.points.history([]).points : [];
    job.finer.want(zoom && stepsBetween(job.run, axis, zoom));
  }
  for (const { chart, title, metric, line } of charts) {
    const lines = jobs.map(({ id, label, look, run }) => ({ job: id, label, ...look, ...line, points: run, metric }));
    chart.show(lines, { empty: `None of these jobs has a ${title.toLowerCase()} yet` });
  }
  group.draw();
  sayHowMany();
}

function sayHowMany() {
  const { zoom, axis } = group.settings.now;
  const all = jobs.filter(({ points }) => points.total).map((job) => amountsOf(job, zoom && stepsBetween(job.run, axis, zoom)));
  const [shown, counting, replaced] = ["shown", "counting", "replaced"].map((name) => all.reduce((sum, each) => sum + (each[name] ?? 0), 0));
  const text = shownText({ shown, counting, replaced, isRange: zoom !== null, isExact: all.every(({ isExact }) => isExact !== false) });
  const states = new Set(jobs.map(({ finer }) => finer.state).filter(Boolean));
  document.getElementById("compare-points").textContent = [text, ...states].filter(Boolean).join(" · ");
}

/** How many of a job's points are shown, of how many; `range` is null where it has none in view, or all are. */
function amountsOf({ run, points }, range) {
  if (group.settings.now.zoom === null) return { shown: run.length, counting: points.total - points.replaced, replaced: points.replaced };
  if (!range) return { shown: 0, counting: 0 };
  return { shown: run.filter(({ step }) => step >= range.from && step <= range.to).length, ...points.countingWithin(range) };
}

/** A job's name in a legend: short, and unlike the others'. */
function labelOf({ id, name }) {
  const short = name.length > LABEL_LENGTH ? `${name.slice(0, LABEL_LENGTH - 1)}…` : name;
  return jobs.some((other) => other.id !== id && other.name.slice(0, LABEL_LENGTH - 1) === name.slice(0, LABEL_LENGTH - 1))
    ? `${short} (${id.slice(0, 8)})`
    : short;
}
