// The points of a job: kept by key, and put into the order that a curve needs.

// After so many additions the whole is asked for again, thinned out by the server.
const MAX_KEPT = 4000;

export class Points {
  #byKey = new Map();
  #fine = null; // of a range: {from, to, counting, byKey, newest}
  /** Stored points, and how many of them a later restart or attempt trained again. */
  total = 0;
  replaced = 0;
  /** What to send as `since`, to get only what is new or changed. */
  cursor = 0;
  /** Whether the finer points have to be asked for again. */
  isOutdated = false;

  /** Takes over what the API answered to the present cursor. */
  take({ metrics, metrics_total: total, metrics_superseded: replaced, metrics_next: next }) {
    if (this.cursor === 0) this.#byKey.clear();
    for (const point of metrics) {
      put(this.#byKey, point);
      if (this.#fine && isWithin(point, this.#fine)) this.#takeFiner(point);
    }
    Object.assign(this, { total, replaced });
    this.cursor = this.#byKey.size > MAX_KEPT ? 0 : next;
  }

  /** A point of the range that the finer ones are of: one of them that changed, or a new one after them. */
  #takeFiner(point) {
    const { byKey, newest } = this.#fine;
    const known = byKey.get(keyOf(point));
    const isNew = !known && point.step > newest.step;
    if (isLater(point, newest) || (isNew && point.stands_for > 1)) this.isOutdated = true;
    else if (known) byKey.set(keyOf(point), { ...point, stands_for: known.stands_for, means: known.means });
    else byKey.set(keyOf(point), { ...point, stands_for: 1, means: null });
    if (!isNew) return;
    this.#fine.counting += point.stands_for;
    if (!isLater(newest, point)) this.#fine.newest = point;
  }

  /** Takes over the finer points of a range of steps, in place of those of another one. */
  takeRange({ from, to }, { metrics, matching, matching_superseded: replaced }) {
    const byKey = new Map(metrics.map((point) => [keyOf(point), point]));
    const newest = metrics.at(-1) ?? { attempt: 0, restart: 0, step: -1 };
    this.#fine = { from, to, counting: matching - replaced, byKey, newest };
  }

  /** Whether there are stored points of a range that are not here. */
  isThin(range) {
    const fine = this.#fine;
    const isCovered = fine && fine.from <= range.from && fine.to >= range.to;
    // Of a wider range there may be more; of this one the server has sent what it would send again.
    if (isCovered && fine.from === range.from && fine.to === range.to) return false;
    return lacks(inOrder((isCovered ? fine : { byKey: this.#byKey }).byKey.values()), range);
  }

  /** How many points of a range count, and whether that is exact or as far as is known here. */
  countingWithin(range) {
    const fine = this.#fine;
    if (fine?.from === range.from && fine.to === range.to) return { counting: fine.counting, isExact: true };
    const points = inOrder(this.#merged());
    const counting = points.reduce((sum, point) => sum + (isWithin(point, range) && !point.superseded ? point.stands_for : 0), 0);
    return { counting, isExact: !lacks(points, range) };
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

/** Points as the server has them in order: by attempt, restart and step. */
const inOrder = (points) => [...points].sort((one, other) => isLater(one, other) || one.step - other.step);

/** Whether points of a range are left out between these, which are in order: each stands for those since the one before. */
function lacks(points, { from, to }) {
  return points.some((point, index) => {
    if (!(point.stands_for > 1) || index === 0) return false;
    const before = points[index - 1];
    if (isLater(point, before)) return from < point.step || to > before.step;
    return Math.max(before.step + 1, from) <= Math.min(point.step - 1, to);
  });
}

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
