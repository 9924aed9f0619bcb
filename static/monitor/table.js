// The curves' values as a table, newest first; written while it is open.

import { ABSENT, count, gibibytes, measure, percent } from "../format.js";

const ROWS = 100;
const COLUMNS = [
  ["step", count],
  ["epoch", (value) => (value === null ? ABSENT : value.toFixed(2))],
  ["training_loss", measure],
  ["validation_loss", measure],
  ["learning_rate", measure],
  ["gpu_utilization", percent],
  ["gpu_memory", gibibytes],
  ["throughput", count],
];

const twin = document.getElementById("twin");
let shown = [];

/** Takes over the points of a run, by rising step. */
export function show(run) {
  shown = run;
  if (twin.open) write();
}

function write() {
  const rows = shown.slice(-ROWS).reverse().map(rowOf);
  twin.querySelector("tbody").replaceChildren(...rows);
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

twin.addEventListener("toggle", () => twin.open && write());
