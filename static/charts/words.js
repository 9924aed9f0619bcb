// Charts in words.

import { count } from "../format.js";
import { tick } from "./scale.js";

const FEW = 3;

/** "1 point", "2,100 points" */
export const plural = (amount, noun) => `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;

/** What a chart shows, for those who do not see it. @param {{title: string, write: Function, axis: string}} how */
export function summary(lines, marks, { title, write, axis }) {
  const parts = lines.map(({ metric, label, points }) => {
    const values = points.map((point) => point[metric]).filter(Number.isFinite);
    if (!values.length) return `${label}: no value`;
    const lowest = values.reduce((one, other) => Math.min(one, other));
    return `${label}: last ${write(values.at(-1))}, lowest ${write(lowest)}`;
  });
  return `${title} over ${axis === "time" ? "time" : `${axis}s`}. ${parts.join("; ")}.${marked(marks)}`;
}

/** " Marked: resumed at step 40; checkpoint at 12 steps." */
function marked(marks) {
  const steps = new Map();
  for (const { step, text } of marks) steps.set(text, [...(steps.get(text) ?? []), step]);
  const parts = [...steps].map(([text, some]) => `${text} at ${some.length > FEW ? plural(some.length, "step") : stepsOf(some)}`);
  return parts.length ? ` Marked: ${parts.join("; ")}.` : "";
}

const stepsOf = (steps) => `step ${steps.map(count).join(", ")}`;

/**
 * What a drawing of these values does not show, each in words.
 * @param {{values: number[], isThin: boolean}} what `values` in view; thin: some of those that are stored. Their
 *   extremes are among them, but how many more lie outside is not known then.
 */
export function notesOf({ values, range, outside, isLog, isThin, axis, leftOut }) {
  const below = isLog ? values.filter((value) => value <= 0).length : 0;
  return [
    outside ? `${plural(outside, "value")} outside${reach(values, range, isLog)}` : "",
    below ? `${plural(below, "value")} at or below zero: a log scale cannot show ${below === 1 ? "it" : "them"}` : "",
    leftOut ? `${plural(leftOut, "point")} without ${axis === "time" ? "a time" : "an epoch"} left out` : "",
  ].filter(Boolean).map((text) => (isThin ? `at least ${text}` : text));
}

/** How far beyond the axis they go. */
function reach(values, [low, high], isLog) {
  const usable = isLog ? values.filter((value) => value > 0) : values;
  const lowest = usable.reduce((one, other) => Math.min(one, other), Infinity);
  const highest = usable.reduce((one, other) => Math.max(one, other), -Infinity);
  const ends = [lowest < low ? `down to ${tick(lowest)}` : "", highest > high ? `up to ${tick(highest)}` : ""];
  return ` (${ends.filter(Boolean).join(" and ")})`;
}

/**
 * "985 of 100,000 points shown", of those that count.
 * @param {{shown: number, counting: number, replaced?: number, isRange?: boolean, isExact?: boolean}} amounts
 *   `replaced`: points more that a later restart or attempt trained again
 */
export function shownText({ shown, counting, replaced = 0, isRange = false, isExact = true }) {
  const where = isRange ? " of this range" : "";
  if (!counting) return isRange ? "No points of this range" : "";
  const text = shown >= counting && isExact
    ? `${plural(shown, "point")}${where}`
    : `${count(shown)} of ${isExact ? "" : "about "}${plural(counting, "point")}${where} shown`;
  return replaced ? `${text} · ${count(replaced)} more ${replaced === 1 ? "was" : "were"} trained again` : text;
}
