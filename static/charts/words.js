// Charts in words.

import { count } from "../format.js";

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

/** What a drawing leaves out, each in words. @param {{values: number[], placed: object[]}} what `values` in view */
export function notesOf({ outside, values, placed, isLog, axis }) {
  const below = isLog ? values.filter((value) => value !== null && value <= 0).length : 0;
  const leftOut = Math.max(...placed.map((each) => each.leftOut));
  return [
    outside ? `${plural(outside, "point")} outside` : "",
    below ? `${plural(below, "value")} at or below zero: a log scale cannot show ${below === 1 ? "it" : "them"}` : "",
    leftOut ? `${plural(leftOut, "point")} without ${axis === "time" ? "a time" : "an epoch"} left out` : "",
  ].filter(Boolean);
}
