// What a chart's uPlot is connected to: the mouse moves the crosshair of all charts, keeps it by a click, zooms by a drag.

import { color } from "./colors.js";
import { enliven, HINT } from "./keys.js";
import * as touch from "./touch.js";

const CLICK_PX = 4; // a press that moved no further is a click

/** uPlot's cursor for a chart of the group. */
export function cursorOf(group) {
  return {
    y: false,
    drag: { x: true, y: false, setScale: false },
    points: { size: 8, width: 2, stroke: (plot, index) => plot.series[index].stroke(), fill: () => color("--surface") },
    move: (plot, left, top) => (group.crosshair.isPinned ? [plot.valToPos(group.crosshair.at, "x"), top] : [left, top]),
    bind: {
      dblclick: () => () => {
        group.crosshair.pin(null);
        group.zoom(null);
      },
    },
  };
}

/** uPlot's hooks for a chart of the group. */
export function hooksOf(chart, group) {
  return {
    setCursor: [(plot) => cursorMoved(plot, chart, group)],
    setSelect: [(plot) => selected(plot, group)],
  };
}

function cursorMoved(plot, chart, group) {
  if (group.crosshair.isMoving || group.crosshair.isPinned || chart.plot !== plot) return;
  const { left, idx } = plot.cursor;
  group.crosshair.point(left >= 0 && idx !== null ? plot.data[0][idx] : null);
}

function selected(plot, group) {
  const { left, width } = plot.select;
  if (width < CLICK_PX) return;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  group.zoom({ min: plot.posToVal(left, "x"), max: plot.posToVal(left + width, "x") });
}

/** Connects a drawing that was just made: its frame can be focused, and hears keys, clicks and fingers. */
export function connect(chart, group) {
  const { over, root } = chart.plot;
  const frame = root.parentElement;
  frame.tabIndex = 0;
  frame.setAttribute("role", "application");
  frame.setAttribute("aria-label", `${chart.spec.title} chart. ${HINT}`);
  touch.enliven(over);
  over.addEventListener("mousedown", ({ clientX }) => (chart.pressedAt = clientX));
  over.addEventListener("click", (event) => clicked(event, chart, group));
  if (!chart.isEnlivened) enliven(frame, chart, group);
  chart.isEnlivened = true;
}

/** A click keeps the crosshair where it is; one at the same place lets it go. */
function clicked({ clientX }, { plot, pressedAt }, group) {
  if (pressedAt === undefined || Math.abs(clientX - pressedAt) >= CLICK_PX) return;
  const left = clientX - plot.over.getBoundingClientRect().left;
  const isSame = group.crosshair.isPinned && Math.abs(plot.valToPos(group.crosshair.at, "x") - left) < 2 * CLICK_PX;
  group.crosshair.pin(isSame ? null : plot.data[0][plot.posToIdx(left)]);
}
