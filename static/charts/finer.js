// Zooming in fetches what was left out: the points of the steps in view, as finely as the server gives them.

import { call } from "../api.js";

const MAX_POINTS = 2000;
const AFTER_MS = 120; // keys and wheels zoom in several steps: one question for all of them
const AGAIN_MS = 5000;

export class Finer {
  #asked = "";
  #timer = 0;
  #request = null;
  /** "" or what is going on, in words. */
  state = "";

  /** @param {{url: string, points: object, onChange: () => void, most?: number}} what `onChange` draws anew; `most` points */
  constructor({ url, points, onChange, most = MAX_POINTS }) {
    Object.assign(this, { url, points, onChange, most });
  }

  /** Sees to it that the points of these steps come; null for the whole run. Asks once for each range. */
  want(range) {
    const key = range ? `${range.from}/${range.to}` : "";
    const isAgain = key === this.#asked;
    if (isAgain && !this.points.isOutdated) return;
    this.points.isOutdated = false;
    this.#asked = key;
    this.#request?.abort();
    clearTimeout(this.#timer);
    this.state = "";
    if (!range || !(isAgain || this.points.isThin(range))) return;
    if (!isAgain) this.state = "loading finer points…";
    this.#timer = setTimeout(() => this.#fetch(range), AFTER_MS);
  }

  async #fetch({ from, to }) {
    const request = new AbortController();
    this.#request = request;
    try {
      const query = `from_step=${from}&to_step=${to}&max_points=${this.most}`;
      const answer = await call(`${this.url}/metrics?${query}`, { signal: request.signal });
      if (request.signal.aborted) return;
      this.points.takeRange({ from, to }, answer);
      this.state = "";
    } catch (error) {
      if (request.signal.aborted) return;
      this.state = `finer points did not come: ${error.message}`;
      if (error.remedy === "retry") this.#timer = setTimeout(() => this.#fetch({ from, to }), AGAIN_MS);
    }
    this.onChange();
  }
}
