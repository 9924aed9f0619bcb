// What is drawn over the curves: a dashed line where training resumed, a diamond where a checkpoint was saved, a
// triangle where the sentinel found something.

import { count } from "../format.js";
import { color } from "./colors.js";

const FONT_PX = 11;
const DIAMOND_PX = 5;
const TRIANGLE_PX = 6;

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
export const seamText = (step) => `resumed at step ${count(step)}`;

/** A hook for uPlot: draws what `plot.marks` holds, {seams, isLabelled, checkpoints, findings}. */
export function drawMarks(plot) {
  const { seams, isLabelled, checkpoints, findings } = plot.marks ?? { seams: [], checkpoints: [], findings: [] };
  plot.ctx.save();
  let free = -Infinity; // texts of near seams would lie over each other
  for (const step of seams) {
    const x = visibleX(plot, step);
    if (x === null) continue;
    drawSeam(plot, x);
    if (isLabelled) free = drawLabel(plot, x, seamText(step), free);
  }
  for (const checkpoint of checkpoints) drawCheckpoint(plot, checkpoint);
  drawFindings(plot, findings);
  plot.ctx.restore();
}

function drawSeam({ ctx, bbox }, x) {
  const ratio = devicePixelRatio;
  ctx.strokeStyle = color("--line-strong");
  ctx.lineWidth = ratio;
  ctx.setLineDash([5 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Writes beside a seam, at its left where there is no room at its right; gives back where the next may begin. */
function drawLabel({ ctx, bbox }, x, text, free, { ink = "--muted", line = 0 } = {}) {
  const ratio = devicePixelRatio;
  ctx.font = `${FONT_PX * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  const width = ctx.measureText(text).width + 12 * ratio;
  const isAtRight = x + width <= bbox.left + bbox.width;
  const from = isAtRight ? x : x - width;
  if (from < free) return free;
  ctx.fillStyle = color(ink);
  ctx.textAlign = isAtRight ? "left" : "right";
  ctx.textBaseline = "top";
  ctx.fillText(text, x + (isAtRight ? 6 : -6) * ratio, bbox.top + (3 + line * (FONT_PX + 5)) * ratio);
  return from + width;
}

/** Their names stand a line below those of the seams. */
function drawFindings(plot, findings) {
  const size = TRIANGLE_PX * devicePixelRatio;
  let free = -Infinity;
  for (const { step, text } of findings) {
    const x = visibleX(plot, step);
    if (x === null) continue;
    const { ctx, bbox } = plot;
    ctx.fillStyle = color("--warn");
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top);
    ctx.lineTo(x + size, bbox.top);
    ctx.lineTo(x, bbox.top + 1.5 * size);
    ctx.closePath();
    ctx.fill();
    free = drawLabel(plot, x, text, free, { ink: "--warn", line: 1 });
  }
}

function drawCheckpoint(plot, { step, isBest }) {
  const { ctx, bbox } = plot;
  const size = DIAMOND_PX * devicePixelRatio;
  const x = visibleX(plot, step);
  if (x === null) return;
  const y = bbox.top + bbox.height;
  ctx.beginPath();
  ctx.moveTo(x, y - size);
  ctx.lineTo(x + size, y);
  ctx.lineTo(x, y + size);
  ctx.lineTo(x - size, y);
  ctx.closePath();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.strokeStyle = color(isBest ? "--good" : "--muted");
  ctx.fillStyle = color(isBest ? "--good" : "--surface");
  ctx.fill();
  ctx.stroke();
}

/** Where a step lies on the canvas; null outside of what is zoomed to. */
function visibleX(plot, step) {
  const { left, width } = plot.bbox;
  const x = Math.round(plot.valToPos(step, "x", true));
  return x < left || x > left + width ? null : x;
}
