// Charts that belong together: one x axis, one zoom, one crosshair. See chart.js for how they are filled.
//
//   group.add(box, spec)   a chart in the element `box`; in the order of the page
//   group.draw()           draws what the charts were given; never animates, keeps zoom and crosshair
//   group.zoom(view)       {min, max} in units of the axis, or null for everything
//   group.point(place)     the crosshair of all charts; null takes it away
//   group.pin(place)       keeps it there until null is pinned
//   group.view, group.at   what is shown, and where the crosshair is
// `redraw()` is called when the reader chose something else to see, or the theme changed: it shows the charts what is
//   to be drawn and calls group.draw(), which it is where nothing else is to be done.
// `onZoom(view)` is called when the reader zoomed (null: reset): the time to fetch finer data.

import { Chart } from "./chart.js";
import { carried, placed } from "./axes.js";
import { onThemeChange } from "./colors.js";
import { Settings } from "./settings.js";

const MOST_ZOOM = 1e6;
const SAY_AFTER_MS = 250; // a held key is not to be read out step by step

export class Group {
  charts = [];
  at = null;
  #pinned = null;
  #domain = { min: 0, max: 1 };
  #isMoving = false;
  #frame = 0;
  #live = null;
  #saying = 0;
  #sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => this.#chartIn(target)?.resize()));

  constructor({ settings = new Settings(), redraw = () => this.draw(), onZoom = () => {} } = {}) {
    Object.assign(this, { settings, redraw, onZoom });
    settings.addEventListener("change", ({ detail }) => this.#changed(detail));
    onThemeChange(() => {
      for (const chart of this.charts) chart.forget();
      this.redraw();
    });
  }

  add(box, spec) {
    const chart = new Chart(box, spec, this);
    this.charts.push(chart);
    this.#sizes.observe(box);
    if (!this.#live) {
      this.#live = document.createElement("p");
      this.#live.className = "visually-hidden";
      this.#live.setAttribute("aria-live", "polite");
      box.after(this.#live);
    }
    return chart;
  }

  remove(chart) {
    this.#sizes.unobserve(chart.box);
    chart.forget();
    this.charts = this.charts.filter((each) => each !== chart);
  }

  #chartIn = (box) => this.charts.find((chart) => chart.box === box);

  draw() {
    cancelAnimationFrame(this.#frame);
    const ends = this.charts.flatMap((chart) => chart.place(this.settings.now.axis)).flat();
    const [min, max] = ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
    this.#domain = max > min ? { min, max } : { min: min - 1, max: max + 1 };
    for (const chart of this.charts) chart.draw(this.view, this.settings.now);
    this.#moveCrosshairs();
  }

  /** In the next frame: for what may change many times until then. */
  #redrawSoon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.redraw());
  }

  get domain() {
    return this.#domain;
  }

  get view() {
    return this.settings.now.zoom ?? this.#domain;
  }

  zoom(view) {
    this.settings.set({ zoom: view && this.#within(view) });
  }

  /** A view inside of what there is, and not narrower than can be read; null where that is everything. */
  #within({ min, max }) {
    const { domain } = this;
    const least = this.settings.now.axis === "step" ? 1 : (domain.max - domain.min) / MOST_ZOOM;
    const wider = Math.max(0, (least - (max - min)) / 2);
    const low = Math.max(min - wider, domain.min);
    const high = Math.min(max + wider, domain.max);
    return (low <= domain.min && high >= domain.max) || high <= low ? null : { min: low, max: high };
  }

  #changed({ before, now }) {
    if (before.axis !== now.axis) {
      this.at = this.#pinned = null;
      if (now.zoom && now.zoom === before.zoom) return this.settings.set({ zoom: this.#translated(now.zoom, before.axis, now.axis) });
    }
    this.#redrawSoon();
    if (before.zoom !== now.zoom) this.onZoom(now.zoom);
  }

  /** A view of one axis on another one, as the longest line has it. */
  #translated({ min, max }, from, to) {
    const lines = this.charts.flatMap(({ lines }) => lines).sort((one, other) => other.points.length - one.points.length);
    const points = (lines[0]?.points ?? []).filter((point) => point.epoch !== null && point.timestamp !== null);
    if (points.length < 2) return null;
    const [here, there] = [placed(points, from).places, placed(points, to).places];
    const view = { min: carried(min, here, there), max: carried(max, here, there) };
    return view.max > view.min ? view : null;
  }

  // -- crosshair ----------------------------------------------------------------------------------

  point(place, { isSaid = false, chart = null } = {}) {
    this.at = place;
    this.#moveCrosshairs();
    for (const each of this.charts) each.readOut();
    if (isSaid && chart) this.say(chart.spoken());
  }

  pin(place) {
    this.#pinned = place;
    this.point(place);
  }

  get isPinned() {
    return this.#pinned !== null;
  }

  /** Whether the crosshairs are just being set: what moves then is not the mouse. */
  get isMoving() {
    return this.#isMoving;
  }

  #moveCrosshairs() {
    this.#isMoving = true;
    for (const { plot } of this.charts) {
      if (!plot) continue;
      const left = this.at === null ? -10 : plot.valToPos(this.at, "x");
      plot.setCursor({ left, top: this.at === null ? -10 : 0 }, false);
    }
    this.#isMoving = false;
  }

  /** Tells screen readers, once the reader has paused. */
  say(text) {
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => (this.#live.textContent = text), SAY_AFTER_MS);
  }
}
