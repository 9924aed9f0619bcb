// The points of a job: kept by key, and put into the order that a curve needs.

// After so many additions the whole is asked for again, thinned out by the server.
const MAX_KEPT = 4000;

export class Points {
  #byKey = new Map();
  #fine = null; // of a range: {from, to, matching, byKey}
  total = 0;
  /** What to send as `since`, to get only what is new or changed. */
  cursor = 0;

  /** Takes over what the API answered to the present cursor. */
  take({ metrics, metrics_total: total, metrics_next: next }) {
    if (this.cursor === 0) this.#byKey.clear();
    for (const point of metrics) {
      put(this.#byKey, point);
      if (this.#fine && isWithin(point, this.#fine)) put(this.#fine.byKey, point);
    }
    this.total = total;
    this.cursor = this.#byKey.size > MAX_KEPT ? 0 : next;
  }

  /** Takes over the finer points of a range of steps, in place of those of another one. */
  takeRange({ from, to }, { metrics, matching }) {
    this.#fine = { from, to, matching, byKey: new Map(metrics.map((point) => [keyOf(point), point])) };
  }

  /** Whether there are stored points of a range that are not here. */
  isThin(range) {
    if (this.#fine && this.#fine.from <= range.from && this.#fine.to >= range.to) {
      // Of a wider range there may be more; of this one the server has sent what it would send again.
      if (this.#fine.from === range.from && this.#fine.to === range.to) return false;
      return [...this.#fine.byKey.values()].some((point) => isWithin(point, range) && point.stands_for > 1);
    }
    return [...this.#byKey.values()].some((point) => isWithin(point, range) && point.stands_for > 1);
  }

  /** How many points of a range are stored, as far as is known here. */
  storedWithin(range) {
    if (this.#fine?.from === range.from && this.#fine.to === range.to) return this.#fine.matching;
    return this.#merged().reduce((sum, point) => sum + (isWithin(point, range) ? point.stands_for : 0), 0);
  }

  /** In a range that finer points are known of these count, and outside of it the others. */
  #merged() {
    const fine = this.#fine;
    if (!fine) return [...this.#byKey.values()];
    const around = [...this.#byKey.values()].filter((point) => !isWithin(point, fine));
    return [...around, ...fine.byKey.values()];
  }

  /**
   * The run as it counts, by rising step: each attempt, and each restart of one, replaces from its first step on
   * what came before it. The server marks such points; it cannot mark again those that it sent before the restart,
   * and of a restart it may have thinned out the first step.
   * @param {{attempt: number, restart: number, step: number}[]} checkpoints of the job
   * @returns {{points: object[], seams: number[]}} `seams` are the steps at which a restart took over
   */
  history(checkpoints) {
    const runs = new Map();
    for (const point of this.#merged()) {
      if (point.superseded) continue;
      const key = `${point.attempt}/${point.restart}`;
      if (!runs.has(key)) runs.set(key, []);
      runs.get(key).push(point);
    }
    const points = [];
    let seams = [];
    for (const run of [...runs.values()].sort(([one], [other]) => isLater(one, other))) {
      run.sort((one, other) => one.step - other.step);
      const [{ step: first }] = run;
      while (points.length && points.at(-1).step >= first) points.pop();
      seams = seams.filter((step) => step < first);
      if (points.length) {
        const saved = checkpoints.filter((each) => isLater(run[0], each) > 0 && each.step < first);
        seams.push(Math.max(points.at(-1).step, ...saved.map((each) => each.step)));
      }
      for (const point of run) points.push(point);
    }
    return { points, seams };
  }
}

const keyOf = ({ attempt, restart, step }) => `${attempt}/${restart}/${step}`;
const isWithin = ({ step }, { from, to }) => step >= from && step <= to;

/** A point that comes again, changed, still stands for those that were left out before it. */
function put(byKey, point) {
  const known = byKey.get(keyOf(point));
  const stood = known && known.stands_for > point.stands_for ? { stands_for: known.stands_for, means: known.means } : {};
  byKey.set(keyOf(point), { ...point, ...stood });
}

/** Above zero where the first belongs to a later attempt, or a later restart of the same one, than the second. */
function isLater(one, other) {
  return one.attempt - other.attempt || one.restart - other.restart;
}
