// The points of a job: kept by key, and put into the order that a curve needs.

// After so many additions the whole is asked for again, thinned out by the server.
const MAX_KEPT = 4000;

export class Points {
  #byKey = new Map();
  total = 0;
  /** What to send as `since`, to get only what is new or changed. */
  cursor = 0;

  /** Takes over what the API answered to the present cursor. */
  take({ metrics, metrics_total: total, metrics_next: next }) {
    if (this.cursor === 0) this.#byKey.clear();
    for (const point of metrics) this.#byKey.set(`${point.attempt}/${point.restart}/${point.step}`, point);
    this.total = total;
    this.cursor = this.#byKey.size > MAX_KEPT ? 0 : next;
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
    for (const point of this.#byKey.values()) {
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

/** Above zero where the first belongs to a later attempt, or a later restart of the same one, than the second. */
function isLater(one, other) {
  return one.attempt - other.attempt || one.restart - other.restart;
}
