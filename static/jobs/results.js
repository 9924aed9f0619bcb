// The rows: shown anew on demand, and renewed one by one without moving what one is about to click.

import { keepingFocus } from "../parts.js";

const box = document.getElementById("results");
const rowsIn = (root) => [...root.querySelectorAll("tr[data-job]")];

/** `onLink(address)` for links that stay in the list; `onNews()` when the reader wants to see what is new. */
export function enliven({ onLink, onNews }) {
  box.addEventListener("click", (event) => {
    if (event.target.closest("#list-news")) onNews();
    const link = event.target.closest("a[data-stay], .pagination a");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    onLink(link.href);
  });
}

/** Shows all of a fresh answer. */
export function show(content) {
  keepingFocus(box, () => box.replaceChildren(content), box);
}

/** What a screen reader is told after the list was shown. */
export const summary = () => document.getElementById("jobs").dataset.said;

/**
 * Puts in the rows and counts that differ; rows stay where they are, and a note says what a fresh list would bring.
 * @returns {{id: string, name: string, status: string}[]} the jobs of the fresh answer
 */
export function renew(content) {
  const fresh = new Map(rowsIn(content).map((row) => [row.dataset.job, row]));
  const jobs = [...fresh.values()].map(({ dataset }) => ({ id: dataset.job, name: dataset.name, status: dataset.status }));
  const shown = rowsIn(box).map((row) => row.dataset.job);
  if (!shown.length) {
    if (fresh.size) show(content);
    return jobs;
  }
  note(shown, [...fresh.keys()]);
  swap(document.getElementById("status-tabs"), content.getElementById("status-tabs"));
  for (const row of rowsIn(box)) {
    const other = fresh.get(row.dataset.job);
    if (other) swap(row, other);
    else markLeft(row);
  }
  return jobs;
}

function swap(old, fresh) {
  if (!old || !fresh || old.isEqualNode(fresh)) return;
  keepingFocus(old, () => old.replaceWith(fresh));
}

/** A row that the list no longer shows stays until the reader asks for the fresh list, and says so. */
function markLeft(row) {
  const cell = row.querySelector(".status-cell");
  if (cell.querySelector(".tag-left")) return;
  const tag = document.createElement("span");
  tag.className = "tag tag-left";
  tag.textContent = "No longer in this list";
  cell.append(" ", tag);
}

function note(shown, fresh) {
  const news = document.getElementById("list-news");
  const added = fresh.filter((id) => !shown.includes(id)).length;
  const common = (one, other) => one.filter((id) => other.includes(id)).join();
  const moved = common(shown, fresh) !== common(fresh, shown);
  const left = shown.some((id) => !fresh.includes(id));
  news.hidden = !(added || moved || left);
  const text = added ? `${added} more ${added === 1 ? "job" : "jobs"}: show` : "The list has changed: show";
  if (news.textContent !== text) news.textContent = text;
}
