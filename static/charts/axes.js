// Where points stand on the x axis: at their step, at their epoch, or at the time since the first of them.

import { count, duration } from "../format.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const AMOUNTS = [1, 2, 5, 10, 15, 30];

export const AXES = {
  step: {
    label: "Step",
    of: (points) => points.map(({ step }) => step),
    write: (value) => `Step ${count(value)}`,
    ticks: (values) => values.map(count),
    incrs: Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat(),
  },
  epoch: {
    label: "Epoch",
    of: (points) => rising(points.map(({ epoch }) => epoch ?? NaN)),
    write: (value) => `Epoch ${value.toFixed(2)}`,
    ticks: (values) => values.map((value) => String(Number(value.toFixed(3)))),
  },
  time: {
    label: "Time",
    space: 80,
    of: sinceFirst,
    write: (value) => `At ${duration(value)}`,
    ticks: (values) => values.map((value) => (value > 0 ? duration(value) : value === 0 ? "0" : "")),
    incrs: [
      ...AMOUNTS,
      ...AMOUNTS.map((each) => each * MINUTE),
      ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
      ...[1, 2, 5, 10, 20, 50].map((each) => each * DAY),
    ],
  },
};

/** The seconds since the first point. While a clock is set back no time passes, and from there on it does again. */
function sinceFirst(points) {
  let before = NaN;
  let elapsed = 0;
  return points.map(({ timestamp }) => {
    if (!timestamp) return NaN;
    const now = Date.parse(timestamp) / 1000;
    if (now > before) elapsed += now - before;
    before = now;
    return elapsed;
  });
}

/** A curve never runs backwards. */
function rising(values) {
  let highest = -Infinity;
  return values.map((value) => (Number.isFinite(value) ? (highest = Math.max(highest, value)) : NaN));
}

/** The index of the last of rising `values` that is at most `value`; -1 where all are above. */
export function lastAtMost(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What `to` has where `from` has `value`: a line through rising `from` and `to`, straight between its points. */
export function carried(value, from, to) {
  const at = lastAtMost(from, value);
  if (at < 0) return to[0];
  if (at >= from.length - 1) return to.at(-1);
  const share = (value - from[at]) / (from[at + 1] - from[at]);
  return to[at] + share * (to[at + 1] - to[at]);
}

/**
 * The steps that the view `min`…`max` of an axis shows of a run, for `from_step` and `to_step` of the API.
 * @param {object[]} points of the run, by rising step
 * @returns {{from: number, to: number} | null} null where the run has nothing there
 */
export function stepsBetween(points, axis, { min, max }) {
  if (axis === "step") return { from: Math.max(0, Math.floor(min)), to: Math.max(0, Math.ceil(max)) };
  const { steps, places } = placed(points, axis);
  if (!steps.length || max < places[0] || min > places.at(-1)) return null;
  return { from: Math.floor(carried(min, places, steps)), to: Math.ceil(carried(max, places, steps)) };
}

/** The steps of those points that have a place on the axis, and these places. */
export function placed(points, axis) {
  const all = AXES[axis].of(points);
  const kept = points.flatMap((_, index) => (Number.isFinite(all[index]) ? [index] : []));
  return { steps: kept.map((index) => points[index].step), places: kept.map((index) => all[index]) };
}
