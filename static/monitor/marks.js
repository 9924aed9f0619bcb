// What is drawn over the curves: a dashed line where training resumed, a diamond where a checkpoint was saved.

import { count } from "../format.js";
import { color } from "./colors.js";

const FONT_PX = 11;
const DIAMOND_PX = 5;

/** The rows of the table of checkpoints, as {attempt, restart, step, isBest}; none without a table. */
export function checkpointsOf(table) {
  return [...(table?.querySelectorAll("tbody tr") ?? [])].map(({ dataset }) => ({
    attempt: Number(dataset.attempt),
    restart: Number(dataset.restart),
    step: Number(dataset.step),
    isBest: "best" in dataset,
  }));
}

/** "resumed at step 40" */
export const seamText = (step) => `resumed at step ${count(step)}`;

/** A hook for uPlot: draws what `plot.marks` holds, {seams, isLabelled, checkpoints}. */
export function drawMarks(plot) {
  const { seams, isLabelled, checkpoints } = plot.marks ?? { seams: [], checkpoints: [] };
  plot.ctx.save();
  let free = -Infinity; // texts of near seams would lie over each other
  for (const step of seams) {
    const x = visibleX(plot, step);
    if (x === null) continue;
    drawSeam(plot, x);
    if (isLabelled) free = drawLabel(plot, x, seamText(step), free);
  }
  for (const checkpoint of checkpoints) drawCheckpoint(plot, checkpoint);
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
function drawLabel({ ctx, bbox }, x, text, free) {
  const ratio = devicePixelRatio;
  ctx.font = `${FONT_PX * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  const width = ctx.measureText(text).width + 12 * ratio;
  const isAtRight = x + width <= bbox.left + bbox.width;
  const from = isAtRight ? x : x - width;
  if (from < free) return free;
  ctx.fillStyle = color("--muted");
  ctx.textAlign = isAtRight ? "left" : "right";
  ctx.textBaseline = "top";
  ctx.fillText(text, x + (isAtRight ? 6 : -6) * ratio, bbox.top + 3 * ratio);
  return from + width;
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
