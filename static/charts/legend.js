// The head of a chart: what its lines are, and their values at the crosshair. It stands above the curve, never on it.

import { ABSENT } from "../format.js";
import { lastAtMost } from "./axes.js";

export class Legend {
  #at = element("p", "chart-at");
  #keys = element("ul", "chart-keys");
  #notes = element("p", "chart-notes");
  #values = [];

  constructor(chart) {
    this.chart = chart;
    this.root = element("div", "chart-legend");
    this.root.append(this.#at, this.#keys, this.#notes);
  }

  /** Writes the keys anew: for other lines. */
  build(lines) {
    this.#values = [];
    this.#keys.replaceChildren(...lines.map((line, index) => this.#key(line, index, lines.length === 1)));
  }

  #key(line, index, isAlone) {
    const button = element("button", "chart-key");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!this.chart.visibility.isHidden(line)));
    button.title = `Show or hide ${line.label}`;
    const value = element("span", "chart-value");
    this.#values[index] = value;
    const label = element("span", isAlone ? "visually-hidden" : "chart-label"); // alone, it is what the title says
    label.textContent = line.label;
    button.append(swatch(line), label, value);
    button.addEventListener("click", () => {
      this.chart.visibility.toggle(line);
      button.setAttribute("aria-pressed", String(!this.chart.visibility.isHidden(line)));
    });
    for (const [type, chosen] of [["pointerenter", line], ["focus", line], ["pointerleave", null], ["blur", null]]) {
      button.addEventListener(type, () => this.chart.visibility.emphasize(chosen));
    }
    const item = element("li", "");
    item.append(button);
    return item;
  }

  /** @param {{head: string, values: string[], notes: string[]}} texts */
  write({ head, values, notes }) {
    put(this.#at, head);
    values.forEach((text, index) => put(this.#values[index], text));
    put(this.#notes, notes.join(" · "));
    this.#notes.hidden = !notes.length;
  }
}

/** A line's values at a place: of its last point up to there; what an evaluation measured holds until the next. */
export function valuesAt({ placed, smooth }, place) {
  let at = lastAtMost(placed.places, place);
  while (at >= 0 && placed.raw[at] === undefined) at -= 1;
  return at < 0 ? { raw: null, smooth: null } : { raw: placed.raw[at], smooth: smooth ? smooth[at] : null };
}

/** "1.2345", or "1.2345 · smoothed 1.2401" */
export function valueText({ raw, smooth }, write) {
  if (raw === null) return ABSENT;
  return smooth === null ? write(raw) : `${write(raw)} · smoothed ${write(smooth)}`;
}

/** A short piece of the line as it is drawn: colour, dash, marker. */
function swatch({ color, dash, markers }) {
  const name = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(name, "svg");
  drawing.setAttribute("viewBox", "0 0 24 10");
  drawing.setAttribute("class", "chart-swatch");
  drawing.setAttribute("aria-hidden", "true");
  drawing.style.color = `var(${color})`;
  const line = document.createElementNS(name, "line");
  for (const [key, value] of Object.entries({ x1: 0, y1: 5, x2: 24, y2: 5 })) line.setAttribute(key, value);
  if (dash) line.setAttribute("stroke-dasharray", dash.join(" "));
  drawing.append(line);
  if (markers) {
    const marker = document.createElementNS(name, "circle");
    for (const [key, value] of Object.entries({ cx: 12, cy: 5, r: 3 })) marker.setAttribute(key, value);
    drawing.append(marker);
  }
  return drawing;
}

function element(tag, className) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  return made;
}

function put(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
