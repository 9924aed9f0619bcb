// From points as the API sends them to the columns of a curve.

import { AXES } from "./axes.js";
import { FEW, smoothed } from "./smoothing.js";

// A point that has none of these was made by an evaluation alone: no gap in the other curves.
const FULL = ["training_loss", "learning_rate", "gradient_norm", "throughput"];
const SPARSE = ["validation_loss"]; // measured every so often: what lies between is no gap

/**
 * One metric as uPlot reads it: null is a gap in the line, undefined is bridged.
 * A training loss is missing for good only in a point that has other values of its step.
 */
export function column(points, metric) {
  const isSparse = SPARSE.includes(metric);
  return points.map((point) => {
    const value = point[metric];
    if (value !== null && value !== undefined) return value;
    return isSparse || FULL.every((name) => (point[name] ?? null) === null) ? undefined : null;
  });
}

/**
 * A line's columns on an axis; those of its points that have no place there are left out.
 * @returns {{places: number[], points: object[], raw: (number|null|undefined)[], leftOut: number}}
 */
export function placedLine({ points, metric }, axis) {
  const all = AXES[axis].of(points);
  const kept = points.flatMap((_, index) => (Number.isFinite(all[index]) ? [index] : []));
  const raw = column(points, metric);
  if (kept.length === points.length) return { places: all, points, raw, leftOut: 0 };
  const pick = (values) => kept.map((index) => values[index]);
  return { places: pick(all), points: pick(points), raw: pick(raw), leftOut: points.length - kept.length };
}

/** How many stored points the shown ones between `min` and `max` stand for. */
export function storedWithin({ places, points }, { min, max }) {
  return points.reduce((sum, point, index) => sum + (places[index] >= min && places[index] <= max ? counted(point) : 0), 0);
}

const counted = (point) => point.stands_for ?? 1;

/** The smoothed column of a placed line; null where smoothing is off or there is too little to smooth. */
export function smoothLine({ points, raw }, metric, weight, inView) {
  if (weight === 0 || raw.filter(Number.isFinite).length < FEW) return null;
  const values = raw.map((value, index) => (Number.isFinite(value) ? (points[index].means?.[metric] ?? value) : value));
  return smoothed(values, points.map(counted), weight, inView);
}
