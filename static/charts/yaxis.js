// What the y axis of a chart shows of the values in view, and in words what it therefore does not.

import { spanOf } from "./scale.js";
import { notesOf } from "./words.js";

/**
 * @param {object} chart with its lines drawn for the view
 * @param {object[]} placed all of its lines, also hidden ones, on the axis
 * @returns {{yRange: [number, number], notes: string[]}}
 */
export function yAxisOf({ drawn, view, axis, isLog, spec, visibility }, placed, clip) {
  const shown = drawn.filter(({ line }) => !visibility.isHidden(line)).map((each) => inView(each, view));
  const values = shown.flatMap((each) => each.values);
  const { range, outside } = spanOf(values, { log: isLog, clip, fixed: spec.range });
  const leftOut = Math.max(...placed.map((each) => each.leftOut));
  const isThin = shown.some((each) => each.isThin);
  return { yRange: range, notes: notesOf({ values, range, outside, isLog, isThin, axis, leftOut }) };
}

/** A line's values in view, and whether they are some of those that are stored. */
function inView({ placed: { places, raw }, stored }, { min, max }) {
  const seen = raw.filter((_, index) => places[index] >= min && places[index] <= max);
  return { values: seen.filter(Number.isFinite), isThin: stored > seen.length };
}
