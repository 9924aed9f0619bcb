// The crosshair of all charts of a group: where the mouse or a key has put it, or where it is kept.

export class Crosshair {
  /** Its place on the axis; null where there is none. */
  at = null;
  /** Whether it is just being set: what moves then is not the mouse. */
  isMoving = false;
  #isPinned = false;

  constructor(group) {
    this.group = group;
  }

  get isPinned() {
    return this.#isPinned;
  }

  /** Puts it at a place; null takes it away. Where a key did that, `chart` says what is there. */
  point(place, { chart = null } = {}) {
    this.at = place;
    this.draw();
    for (const each of this.group.charts) each.readOut();
    if (chart) this.group.say(chart.spoken());
  }

  /** Keeps it at a place until null is pinned. */
  pin(place) {
    this.#isPinned = place !== null;
    this.point(place);
  }

  /** Forgets its place, which is of an axis that is no longer shown. */
  forget() {
    this.#isPinned = false;
    this.at = null;
  }

  draw() {
    this.isMoving = true;
    for (const { plot } of this.group.charts) {
      if (!plot) continue;
      const left = this.at === null ? -10 : plot.valToPos(this.at, "x");
      plot.setCursor({ left, top: this.at === null ? -10 : 0 }, false);
    }
    this.isMoving = false;
  }
}
