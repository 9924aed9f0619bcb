// The links to files show what the charts show: the same range, axis, scale and smoothing; on dark ground where the
// reader wants that.

import { SUBJECTS } from "./subjects.js";

const grounds = [...document.querySelectorAll("[data-export-dark]")];
let seen = null;

/**
 * @param {{settings: object, range: {from: number, to: number} | null, hidden: Map<string, string[]>}} what the charts
 *   show, and by chart the metrics whose lines are hidden
 */
export function follow(what) {
  seen = what;
  for (const link of document.querySelectorAll("a[data-export]")) {
    const [path] = link.getAttribute("href").split("?");
    const name = link.dataset.export;
    const asked = new URLSearchParams({ ...lookOf(name, path), ...steps() });
    for (const metric of path.endsWith(".csv") ? [] : (seen.hidden.get(name) ?? [])) asked.append("hide", metric);
    const query = asked.toString();
    link.setAttribute("href", query ? `${path}?${query}` : path);
  }
}

const steps = () => (seen.range ? { from_step: seen.range.from, to_step: seen.range.to } : {});

/** What a picture of a chart is told; a table holds values alone. */
function lookOf(name, path) {
  if (path.endsWith(".csv")) return {};
  const { axis, log, clip, smoothing } = seen.settings;
  const { canLog, lines } = SUBJECTS[name];
  return {
    ...(axis === "step" ? {} : { x: axis }),
    ...(log && canLog ? { log } : {}),
    ...(clip ? { clip } : {}),
    ...(smoothing && lines.some(({ smooth }) => smooth) ? { smoothing } : {}),
    ...(grounds[0]?.checked ? { theme: "dark" } : {}),
  };
}

// One choice for all charts, whichever menu it is made in.
for (const box of grounds) {
  box.addEventListener("change", () => {
    for (const other of grounds) other.checked = box.checked;
    if (seen) follow(seen);
  });
}
