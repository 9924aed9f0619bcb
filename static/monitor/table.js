// The curves' values as a table, newest first, and their marks as a list; written while it is open.

import { ABSENT, count, gibibytes, measure, percent } from "../format.js";

const ROWS = 100;
const COLUMNS = [
  ["step", count],
  ["epoch", (value) => (value === null ? ABSENT : value.toFixed(2))],
  ["training_loss", measure],
  ["validation_loss", measure],
  ["learning_rate", measure],
  ["gradient_norm", measure],
  ["throughput", count],
  ["gpu_utilization", percent],
  ["gpu_memory", gibibytes],
];

const twin = document.getElementById("twin");
const more = document.getElementById("twin-more");
const marked = document.getElementById("twin-marks");
let shown = { run: [], marks: [], isZoomed: false };
let rows = ROWS;

/**
 * Takes over what is in view.
 * @param {{run: object[], marks: {step: number, text: string}[], isZoomed: boolean}} seen `run` by rising step
 */
export function show(seen) {
  if (seen.isZoomed !== shown.isZoomed) rows = ROWS;
  shown = seen;
  if (twin.open) write();
}

function write() {
  const { run, marks, isZoomed } = shown;
  twin.querySelector("caption").textContent = caption(run, isZoomed);
  twin.querySelector("tbody").replaceChildren(...run.slice(-rows).reverse().map(rowOf));
  more.hidden = run.length <= rows;
  more.textContent = `Show ${count(Math.min(ROWS, run.length - rows))} more`;
  marked.hidden = !marks.length;
  marked.querySelector("ul").replaceChildren(...marks.map(itemOf));
}

function caption(run, isZoomed) {
  if (!run.length) return "No points.";
  const where = isZoomed ? `Steps ${count(run[0].step)} to ${count(run.at(-1).step)}, as zoomed` : "All steps";
  const part = run.length > rows ? `the last ${count(rows)} of ${count(run.length)} points shown` : `${count(run.length)} points shown`;
  return `${where}: ${part}, newest first. The CSV file has every stored one.`;
}

function rowOf(point) {
  const row = document.createElement("tr");
  for (const [metric, text] of COLUMNS) {
    const cell = row.insertCell();
    cell.className = "number";
    cell.textContent = text(point[metric]);
  }
  return row;
}

function itemOf({ step, text }) {
  const item = document.createElement("li");
  item.textContent = `Step ${count(step)}: ${text}`;
  return item;
}

twin.addEventListener("toggle", () => twin.open && write());
more.addEventListener("click", () => {
  rows += ROWS;
  write();
});
