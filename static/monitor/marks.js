// What happened at which step: resumptions, checkpoints, what the sentinel found. static/charts/marks.js draws them.

import { count } from "../format.js";

/** The rows of the table of checkpoints, as {attempt, restart, step, isBest}; none without a table. */
export function checkpointsOf(table) {
  return [...(table?.querySelectorAll("tbody tr") ?? [])].map(({ dataset }) => ({
    attempt: Number(dataset.attempt),
    restart: Number(dataset.restart),
    step: Number(dataset.step),
    isBest: "best" in dataset,
  }));
}

/** The warnings that belong to a step, as {step, text}: "sentinel_spike" is "spike". */
export function findingsOf(warnings) {
  return warnings
    .filter(({ step }) => step !== undefined)
    .map(({ step, code }) => ({ step, text: code.replace("sentinel_", "").replaceAll("_", " ") }))
    .sort((one, other) => one.step - other.step);
}

/** "resumed at step 40" */
const seamText = (step) => `resumed at step ${count(step)}`;

/** A chart's marks; all but the loss show just where training resumed, without a word. */
export function marksOf({ seams, checkpoints, findings }, { isLoss }) {
  const resumes = seams.map((step) => ({ step, kind: "resume", text: "resumed", label: isLoss ? seamText(step) : "" }));
  if (!isLoss) return resumes;
  return [
    ...resumes,
    ...checkpoints.map(({ step, isBest }) => ({ step, kind: isBest ? "best" : "checkpoint", text: isBest ? "best checkpoint" : "checkpoint" })),
    ...findings.map(({ step, text }) => ({ step, kind: "finding", text: `alert: ${text}`, label: text })),
  ];
}
