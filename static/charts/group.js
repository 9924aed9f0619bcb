// Charts that belong together: one x axis, one zoom, one crosshair. See chart.js for how they are filled.
//
//   group.add(box, spec)   a chart in the element `box`; in the order of the page
//   group.draw()           draws what the charts were given; never animates, keeps zoom and crosshair
//   group.zoom(view)       {min, max} in units of the axis, or null for everything
//   group.crosshair        of all charts; see crosshair.js
//   group.view             what is shown
// `redraw()` is called when the reader chose something else to see, or the theme changed: it shows the charts what is
//   to be drawn and calls group.draw(), which it is where nothing else is to be done.
// `onZoom(view)` is called when the reader zoomed (null: reset): the time to fetch finer data.

import { Chart } from "./chart.js";
import { onThemeChange } from "./colors.js";
import { Crosshair } from "./crosshair.js";
import { Settings } from "./settings.js";
import { translated, within } from "./zoom.js";

const SAY_AFTER_MS = 250; // a held key is not to be read out step by step

export class Group {
  charts = [];
  crosshair = new Crosshair(this);
  #domain = { min: 0, max: 1 };
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
    addEventListener("beforeprint", () => this.redraw()); // paper shows what no open tab had room for; see tabs.js
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
    this.crosshair.draw();
  }

  /** In the next frame: for what may change many times until then. */
  #redrawSoon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.redraw());
  }

  /** What there is on the axis. */
  get domain() {
    return this.#domain;
  }

  get view() {
    return this.settings.now.zoom ?? this.#domain;
  }

  zoom(view) {
    this.settings.set({ zoom: view && within(view, this.#domain, this.settings.now.axis) });
  }

  #changed({ before, now }) {
    if (before.axis !== now.axis) {
      this.crosshair.forget();
      if (now.zoom && now.zoom === before.zoom) {
        const lines = this.charts.flatMap((chart) => chart.lines);
        return this.settings.set({ zoom: translated(now.zoom, lines, before.axis, now.axis) });
      }
    }
    this.#redrawSoon();
    if (before.zoom !== now.zoom) this.onZoom(now.zoom);
  }

  /** Tells screen readers, once the reader has paused. */
  say(text) {
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => (this.#live.textContent = text), SAY_AFTER_MS);
  }
}
