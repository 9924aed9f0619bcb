// Views of an axis: what a zoom may show, and the same view on another axis.

import { carried, placed } from "./axes.js";

const MOST_ZOOM = 1e6;

/** A view inside of what there is, and not narrower than can be read; null where that is everything. */
export function within({ min, max }, domain, axis) {
  const least = axis === "step" ? 1 : (domain.max - domain.min) / MOST_ZOOM;
  const wider = Math.max(0, (least - (max - min)) / 2);
  const low = Math.max(min - wider, domain.min);
  const high = Math.min(max + wider, domain.max);
  return (low <= domain.min && high >= domain.max) || high <= low ? null : { min: low, max: high };
}

/** A view of one axis on another one, as the longest line has it; null where no line is on both. */
export function translated({ min, max }, lines, from, to) {
  const [longest] = lines.toSorted((one, other) => other.points.length - one.points.length);
  const points = (longest?.points ?? []).filter((point) => point.epoch !== null && point.timestamp !== null);
  if (points.length < 2) return null;
  const [here, there] = [placed(points, from).places, placed(points, to).places];
  const view = { min: carried(min, here, there), max: carried(max, here, there) };
  return view.max > view.min ? view : null;
}
