// Which lines of a chart are shown, and which one stands out.

const DIMMED = 0.2;

export class Visibility {
  #hidden = new Set();

  constructor(chart) {
    this.chart = chart;
  }

  isHidden(line) {
    return this.#hidden.has(line.label);
  }

  toggle(line) {
    if (!this.#hidden.delete(line.label)) this.#hidden.add(line.label);
    this.#apply(line);
    this.chart.group.redraw();
  }

  /** Hides in a drawing that was just made what is hidden. */
  restore() {
    for (const line of this.chart.lines) if (this.isHidden(line)) this.#apply(line);
  }

  /** Dims all lines but one; none for null. */
  emphasize(line) {
    const { plot, lines } = this.chart;
    if (!plot || lines.length < 2) return;
    const clear = line ? this.#seriesOf(line) : null;
    plot.series.forEach((series, index) => index && (series.alpha = !clear || clear.includes(index) ? 1 : DIMMED));
    plot.redraw(false);
  }

  #apply(line) {
    for (const index of this.#seriesOf(line)) this.chart.plot.setSeries(index, { show: !this.isHidden(line) }, false);
  }

  /** Where columns.js has put a line: its values, and its smoothed course where it has one. */
  #seriesOf(line) {
    const { lines, drawn } = this.chart;
    const at = lines.findIndex(({ label }) => label === line.label);
    const withSmooth = drawn.filter(({ smooth }) => smooth);
    const smoothAt = withSmooth.findIndex(({ line: { label } }) => label === line.label);
    return smoothAt < 0 ? [1 + at] : [1 + at, 1 + lines.length + smoothAt];
  }
}
