// Results and settings side by side: the column that is looked at lights up; rows follow active jobs.

import { keepingFocus } from "../parts.js";

const CARDS = ["results-card", "settings-card"];
const ENDED = ["completed", "failed", "cancelled"];
let lit = null;

/** `onLight(job)` is called when another job's column is looked at; null: none. */
export function enliven({ onLight }) {
  const look = ({ target }) => {
    const job = columnOf(target) ?? columnOf(document.activeElement); // a mouse that lies elsewhere is no look
    if (job === lit) return;
    lit = job;
    for (const cell of document.querySelectorAll("[data-column]")) light(cell);
    onLight(job);
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, look);
}

const columnOf = (element) => element.closest("[data-column]")?.dataset.column ?? null;

/** Whether any of the jobs is active. */
export const isLive = () => document.getElementById("results-card").dataset.live === "true";

/** Ids of the jobs that have ended. */
export function ended() {
  const badges = [...document.querySelectorAll("#results-card [data-status]")];
  const theirs = badges.filter(({ dataset }) => ENDED.includes(dataset.status));
  return new Set(theirs.map((badge) => badge.closest("[data-column]").dataset.column));
}

/** Puts in the rows of a fresh answer that differ, so that nothing moves that is as it was. */
export function renew(content) {
  for (const id of CARDS) {
    const [old, fresh] = [document, content].map((root) => [...root.querySelectorAll(`#${id} tbody tr`)]);
    old.forEach((row, index) => {
      const other = fresh[index];
      if (!other) return;
      for (const cell of other.querySelectorAll("[data-column]")) light(cell);
      if (!row.isEqualNode(other)) keepingFocus(row, () => row.replaceWith(other));
    });
  }
  document.getElementById(CARDS[0]).dataset.live = content.getElementById(CARDS[0]).dataset.live;
}

function light(cell) {
  cell.toggleAttribute("data-lit", cell.dataset.column === lit);
}
