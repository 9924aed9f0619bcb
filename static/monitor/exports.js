// The links to files show what the charts show: the same range, axis, scale and smoothing.

/** @param {{settings: object, range: {from: number, to: number} | null}} seen */
export function follow({ settings: { axis, log, clip, smoothing }, range }) {
  const steps = range ? { from_step: range.from, to_step: range.to } : {};
  const look = { ...(axis === "step" ? {} : { x: axis }), ...(log ? { log } : {}), ...(clip ? { clip } : {}), ...(smoothing ? { smoothing } : {}) };
  for (const link of document.querySelectorAll("a[data-export]")) {
    const [path] = link.getAttribute("href").split("?");
    const query = new URLSearchParams(link.dataset.export === "points" ? steps : { ...look, ...steps }).toString();
    link.setAttribute("href", query ? `${path}?${query}` : path);
  }
}
