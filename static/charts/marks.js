// What is drawn over the curves, each kind with a shape of its own: a dashed line where training resumed, a diamond
// where a checkpoint was saved (filled for the best one), a triangle where something was found to be wrong.

import { carried, placed } from "./axes.js";
import { color } from "./colors.js";

const FONT_PX = 11;
const DIAMOND_PX = 5;
const TRIANGLE_PX = 6;
const NEAR_PX = 6;

/** The marks with their `place` on the axis, by rising place; `line` is the placed line that they are for. */
export function placeMarks(marks, { points }, axis) {
  if (!marks.length || !points.length) return [];
  const { steps, places } = axis === "step" ? {} : placed(points, axis);
  const at = (step) => (axis === "step" ? step : carried(step, steps, places));
  return marks.map((mark) => ({ ...mark, place: at(mark.step) })).sort((one, other) => one.place - other.place);
}

/** The texts of the marks at a place, or so near that they are drawn at it. */
export function marksAt({ plot, placedMarks }, place) {
  const here = plot.valToPos(place, "x");
  return placedMarks.filter((mark) => Math.abs(plot.valToPos(mark.place, "x") - here) <= NEAR_PX).map(({ text }) => text);
}

/** A hook for uPlot. Text stands in the legend and in the list beside the table; here only where there is room. */
export function drawMarks(chart) {
  const { plot, placedMarks = [] } = chart;
  if (!plot) return;
  const { ctx, bbox } = plot;
  ctx.save();
  const free = { resume: -Infinity, finding: -Infinity }; // texts of near marks would lie over each other
  const row = { finding: 0, resume: placedMarks.some(({ kind }) => kind === "finding") ? 1 : 0 };
  for (const mark of placedMarks) {
    const x = Math.round(plot.valToPos(mark.place, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    if (mark.kind === "resume") drawSeam(plot, x);
    else if (mark.kind === "finding") drawTriangle(plot, x);
    else if (mark.kind === "checkpoint" || mark.kind === "best") drawDiamond(plot, x, mark.kind === "best");
    if (mark.kind in free) free[mark.kind] = drawLabel(plot, x, mark, { free: free[mark.kind], row: row[mark.kind] });
  }
  ctx.restore();
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

/** Writes beside a mark, at its left where there is no room at its right; gives back where the next may begin. */
function drawLabel({ ctx, bbox }, x, { kind, label }, { free, row }) {
  if (!label) return free;
  const ratio = devicePixelRatio;
  ctx.font = `${FONT_PX * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  const width = ctx.measureText(label).width + 16 * ratio;
  const isAtRight = x + width <= bbox.left + bbox.width;
  const from = isAtRight ? x : x - width;
  if (from < free) return free;
  ctx.fillStyle = color(kind === "finding" ? "--warn" : "--muted");
  ctx.textAlign = isAtRight ? "left" : "right";
  ctx.textBaseline = "top";
  const beside = kind === "finding" ? TRIANGLE_PX + 4 : 6;
  ctx.fillText(label, x + (isAtRight ? beside : -beside) * ratio, bbox.top + (3 + row * (FONT_PX + 5)) * ratio);
  return from + width;
}

function drawTriangle({ ctx, bbox }, x) {
  const size = TRIANGLE_PX * devicePixelRatio;
  ctx.fillStyle = color("--warn");
  ctx.beginPath();
  ctx.moveTo(x - size, bbox.top);
  ctx.lineTo(x + size, bbox.top);
  ctx.lineTo(x, bbox.top + 1.5 * size);
  ctx.closePath();
  ctx.fill();
}

function drawDiamond({ ctx, bbox }, x, isBest) {
  const size = DIAMOND_PX * devicePixelRatio;
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
