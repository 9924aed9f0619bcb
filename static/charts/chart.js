// One chart: lines over a common x axis, drawn by uPlot, with a legend that is its readout.
//
//   const group = new Group({ settings, onZoom });
//   const chart = group.add(box, { title: "Loss", write: measure, height: 300, canLog: true });
//   chart.show([{ label: "Training", color: "--training", points, metric: "training_loss", smooth: true }], { marks });
//   group.draw();
//
// A spec: title, write (a value as text), height (px, or a function of the width), canLog, range ([min, max] of y).
// A line: label (unique in its chart), color (a token), points (of the API, by rising step), metric,
//   and optionally smooth (a bold average over the faint values), dash ([on, off]), markers, fill, width.
// A mark: {step, kind: "resume" | "checkpoint" | "best" | "finding" | "evaluation", text}; see marks.js.
// Lines may have points of different runs: each value is shown at its own place.

import { columnsOf } from "./columns.js";
import { Legend } from "./legend.js";
import { placedLine, smoothLine, storedWithin } from "./lines.js";
import { drawMarks, placeMarks } from "./marks.js";
import { options } from "./options.js";
import { connect, cursorOf, hooksOf } from "./pointer.js";
import { readAt, spoken } from "./readout.js";
import { Visibility } from "./visibility.js";
import { summary } from "./words.js";
import { yAxisOf } from "./yaxis.js";

const uPlot = globalThis.uPlot;

export class Chart {
  #shape = ""; // what the present uPlot was made for
  #plot = null;
  #placed = [];
  #plotBox = document.createElement("div");
  #empty = null; // until there is something to say

  /** Made by Group.add. */
  constructor(box, spec, group) {
    Object.assign(this, { box, spec: { height: 190, ...spec }, group, lines: [], marks: [], drawn: [] });
    this.visibility = new Visibility(this);
    this.legend = new Legend(this);
    this.#plotBox.className = "chart-plot";
  }

  /** Takes over what to draw at the next Group.draw(); `empty` says why there is nothing. */
  show(lines, { marks = [], empty = "No points yet" } = {}) {
    Object.assign(this, { lines, marks });
    this.#empty = empty;
  }

  /** Whether there is anything to draw. */
  get hasValues() {
    return this.lines.some(({ points, metric }) => points.some((point) => Number.isFinite(point[metric])));
  }

  get plot() {
    return this.#plot;
  }

  /** Where the points are on this axis, in `places`; gives back the outermost ones. */
  place(axis) {
    this.#placed = this.lines.map((line) => placedLine(line, axis));
    const filled = this.#placed.filter(({ places }) => places.length);
    return filled.map(({ places }) => [places[0], places.at(-1)]);
  }

  draw(view, { axis, log, clip, smoothing }) {
    if (this.#empty === null) return;
    if (!this.hasValues) return this.#sayEmpty();
    if (!this.box.clientWidth) return; // in a tab that is not open: drawn when it gets a size
    this.view = view;
    this.axis = axis;
    this.isLog = log && Boolean(this.spec.canLog);
    this.drawn = this.lines.map((line, index) => {
      const placed = this.#placed[index];
      const stored = storedWithin(placed, view);
      const smooth = line.smooth ? smoothLine(placed, line.metric, smoothing, stored) : null;
      return { line, placed, stored, smooth };
    });
    Object.assign(this, yAxisOf(this, this.#placed, clip));
    this.placedMarks = placeMarks(this.marks, this.#placed[0], axis);
    const data = columnsOf(this.drawn, this.isLog);
    const shape = this.#shapeNow();
    if (this.#plot && shape === this.#shape) {
      this.#plot.setData(data, false);
      this.#plot.setScale("x", { ...view });
    } else this.#make(data, shape);
    this.#plot.ctx.canvas.setAttribute("aria-label", summary(this.lines, this.marks, { ...this.spec, axis }));
    this.readOut();
  }

  #make(data, shape) {
    this.#plot?.destroy();
    this.#plotBox.replaceChildren();
    if (this.#plotBox.parentElement !== this.box) this.box.replaceChildren(this.legend.root, this.#plotBox); // keeps the focus
    this.box.classList.remove("chart-empty");
    this.legend.build(this.lines);
    const hooks = { draw: [() => drawMarks(this)], ...hooksOf(this, this.group) };
    const how = { size: this.#size(), drawn: this.drawn, axis: this.axis, isLog: this.isLog, hooks, cursor: cursorOf(this.group) };
    this.#plot = new uPlot(options(this, how), data, this.#plotBox);
    this.#plot.ctx.canvas.setAttribute("role", "img");
    this.#shape = shape;
    this.visibility.restore();
    connect(this, this.group);
  }

  /** Another shape needs another uPlot: lines, smoothing on or off, axis, scale. */
  #shapeNow() {
    const lines = this.drawn.map(({ line: { label, color, dash }, smooth }) => [label, color, dash, smooth !== null]);
    return JSON.stringify([this.axis, this.isLog, lines]);
  }

  /** Writes the values at the crosshair, or the last ones in view. */
  readOut() {
    if (this.#plot) this.legend.write({ ...readAt(this), notes: this.notes });
  }

  /** What the readout says, in one sentence. */
  spoken() {
    return spoken(this);
  }

  #size() {
    const { height } = this.spec;
    const width = this.box.clientWidth;
    return { width, height: typeof height === "function" ? height(width) : height };
  }

  resize() {
    if (!this.box.clientWidth) return;
    if (this.#plot) this.#plot.setSize(this.#size());
    else this.group.draw();
  }

  /** Forgets the drawing, so that the next one is made anew. */
  forget() {
    this.#plot?.destroy();
    this.#plot = null;
    this.#shape = "";
  }

  #sayEmpty() {
    this.forget();
    const note = document.createElement("p");
    note.className = "chart-note muted";
    note.textContent = this.#empty;
    this.box.classList.add("chart-empty");
    this.box.replaceChildren(note);
  }
}
