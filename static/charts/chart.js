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

import { AXES } from "./axes.js";
import { columnsOf } from "./columns.js";
import { Legend, valueText, valuesAt } from "./legend.js";
import { placedLine, smoothLine, storedWithin } from "./lines.js";
import { drawMarks, marksAt, placeMarks } from "./marks.js";
import { options } from "./options.js";
import { connect, cursorOf, hooksOf } from "./pointer.js";
import { spanOf } from "./scale.js";
import { notesOf, summary } from "./words.js";

const uPlot = globalThis.uPlot;
const DIMMED = 0.2;

export class Chart {
  #hidden = new Set();
  #shape = ""; // what the present uPlot was made for
  #plot = null;
  #placed = [];
  #plotBox = document.createElement("div");
  #empty = null; // until there is something to say

  /** Made by Group.add. */
  constructor(box, spec, group) {
    Object.assign(this, { box, spec: { height: 190, ...spec }, group, lines: [], marks: [], drawn: [] });
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
      const smooth = line.smooth ? smoothLine(placed, line.metric, smoothing, storedWithin(placed, view)) : null;
      return { line, placed, smooth };
    });
    const { range, outside } = spanOf(this.#inView(), { log: this.isLog, clip, fixed: this.spec.range });
    this.yRange = range;
    this.notes = notesOf({ outside, values: this.#inView(), placed: this.#placed, isLog: this.isLog, axis });
    const [first] = this.#placed;
    this.placedMarks = placeMarks(this.marks, first, axis);
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
    this.lines.forEach((line) => this.isHidden(line) && this.#setShown(line));
    connect(this, this.group);
  }

  /** Another shape needs another uPlot: lines, smoothing on or off, axis, scale. */
  #shapeNow() {
    const lines = this.drawn.map(({ line: { label, color, dash }, smooth }) => [label, color, dash, smooth !== null]);
    return JSON.stringify([this.axis, this.isLog, lines]);
  }

  #inView() {
    return this.drawn.filter(({ line }) => !this.isHidden(line)).flatMap(({ placed: { places, raw } }) =>
      raw.filter((_, index) => places[index] >= this.view.min && places[index] <= this.view.max));
  }

  /** Writes the values at the crosshair, or the last ones in view. */
  readOut() {
    if (!this.#plot) return;
    const { head, place } = this.#readAt();
    const values = this.drawn.map((each) => valueText(valuesAt(each, place), this.spec.write));
    this.legend.write({ head, values, notes: this.notes });
  }

  #readAt() {
    const at = this.group.at;
    const place = at ?? Math.min(this.view.max, Math.max(...this.#placed.map(({ places }) => places.at(-1) ?? 0)));
    const near = at === null ? [] : marksAt(this, at);
    const text = AXES[this.axis].write(place);
    return { place, head: [at === null ? `${text} (last)` : text, ...near].join(" · ") };
  }

  /** What the readout says, in one sentence. */
  spoken() {
    const { head, place } = this.#readAt();
    const values = this.drawn.map((each) => `${each.line.label} ${valueText(valuesAt(each, place), this.spec.write)}`);
    return `${head}: ${values.join(", ")}`;
  }

  isHidden(line) {
    return this.#hidden.has(line.label);
  }

  toggle(line) {
    if (!this.#hidden.delete(line.label)) this.#hidden.add(line.label);
    this.#setShown(line);
    this.group.draw();
  }

  #setShown(line) {
    for (const index of this.#seriesOf(line)) this.#plot.setSeries(index, { show: !this.isHidden(line) }, false);
  }

  /** Dims all lines but one; none for null. */
  emphasize(line) {
    if (!this.#plot || this.lines.length < 2) return;
    const clear = line ? this.#seriesOf(line) : null;
    this.#plot.series.forEach((series, index) => index && (series.alpha = !clear || clear.includes(index) ? 1 : DIMMED));
    this.#plot.redraw(false);
  }

  #seriesOf(line) {
    const at = this.lines.findIndex(({ label }) => label === line.label);
    const withSmooth = this.drawn.filter(({ smooth }) => smooth);
    const smoothAt = withSmooth.findIndex(({ line: { label } }) => label === line.label);
    return smoothAt < 0 ? [1 + at] : [1 + at, 1 + this.lines.length + smoothAt];
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
