// What uPlot is told: axes, lines, cursor. Ranges are the chart's own: uPlot asks for them at every drawing.

import { AXES } from "./axes.js";
import { color } from "./colors.js";
import { logTicks, tick } from "./scale.js";

const FAINT = 32; // percent: raw values behind a smoothed line
const Y_AXIS_PX = 52;
const X_AXIS_PX = 34;
const MARKER_ROOM_PX = 10;

/**
 * @param {object} chart of chart.js
 * @param {{size: object, drawn: object[], axis: string, isLog: boolean, hooks: object}} how
 */
export function options(chart, { size, drawn, axis, isLog, hooks, cursor }) {
  const { ticks, incrs, space } = AXES[axis];
  const look = {
    stroke: color("--muted"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: color("--line"), width: 1 },
    ticks: { stroke: color("--line"), width: 1, size: 4 },
  };
  return {
    ...size,
    legend: { show: false },
    scales: {
      x: { time: false, range: () => [chart.view.min, chart.view.max] },
      y: { distr: isLog ? 3 : 1, range: () => chart.yRange },
    },
    axes: [
      { ...look, size: X_AXIS_PX, values: (_, splits) => ticks(splits), ...(incrs ? { incrs } : {}), ...(space ? { space } : {}) },
      {
        ...look,
        size: Y_AXIS_PX,
        values: (_, splits) => splits.map(tick),
        ...(isLog ? { splits: (_, __, min, max) => logTicks(min, max), filter: (_, splits) => splits } : {}),
      },
    ],
    series: [{}, ...drawn.map((each) => rawLine(each)), ...drawn.filter(({ smooth }) => smooth).map(smoothLine)],
    cursor,
    hooks,
    padding: [8, null, 0, 0],
  };
}

function rawLine({ line, smooth }) {
  const stroke = color(line.color, smooth ? FAINT : 100);
  return {
    stroke,
    width: smooth ? 1 : (line.width ?? 2),
    dash: smooth ? undefined : line.dash,
    pxAlign: 0,
    fill: line.fill ? color(line.color, 10) : undefined,
    points: line.markers
      ? { show: hasRoom, size: 7, width: 2, fill: color("--surface"), stroke: color(line.color) }
      : { size: 5, fill: color("--surface"), stroke, ...(smooth ? { show: false } : {}) },
  };
}

/** Markers that touch each other would hide the line. */
function hasRoom({ data, bbox, scales: { x } }, index) {
  const isSeen = (value, at) => Number.isFinite(value) && data[0][at] >= x.min && data[0][at] <= x.max;
  const inView = data[index].reduce((sum, value, at) => sum + (isSeen(value, at) ? 1 : 0), 0);
  return inView * MARKER_ROOM_PX * devicePixelRatio <= bbox.width;
}

function smoothLine({ line }) {
  return { stroke: color(line.color), width: 2.25, dash: line.dash, pxAlign: 0, points: { show: false } };
}
