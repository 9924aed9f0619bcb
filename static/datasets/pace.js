// How fast something goes and how long it will take, from what was reached lately.

const WINDOW_MS = 8000;
const TOO_SOON_MS = 1000;

export class Pace {
  #samples = [];

  /** Note that `amount` is reached; `restart` after a pause, of which nothing is to be learned. */
  note(amount, now = performance.now()) {
    this.#samples.push([now, amount]);
    while (now - this.#samples[0][0] > WINDOW_MS) this.#samples.shift();
  }

  restart() {
    this.#samples = [];
  }

  /** Per second; null while it is too early to say. */
  get perSecond() {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || last[0] - first[0] < TOO_SOON_MS || last[1] <= first[1]) return null;
    return ((last[1] - first[1]) / (last[0] - first[0])) * 1000;
  }

  /** Seconds until `amount` is reached; null while it is too early to say. */
  secondsTo(amount) {
    const rate = this.perSecond;
    return rate ? (amount - this.#samples.at(-1)[1]) / rate : null;
  }
}
