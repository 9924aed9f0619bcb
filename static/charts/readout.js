// What a chart says of a place: of the crosshair's, or of the last one in view.

import { AXES } from "./axes.js";
import { valueText, valuesAt } from "./legend.js";
import { marksAt } from "./marks.js";

/** The head and the value of each line, as texts for the legend. */
export function readAt(chart) {
  const { at } = chart.group.crosshair;
  const place = at ?? Math.min(chart.view.max, Math.max(...chart.drawn.map(({ placed: { places } }) => places.at(-1) ?? 0)));
  const near = at === null ? [] : marksAt(chart, at);
  const text = AXES[chart.axis].write(place);
  const head = [at === null ? `${text} (last)` : text, ...near].join(" · ");
  return { head, values: chart.drawn.map((each) => valueText(valuesAt(each, place), chart.spec.write)) };
}

/** The same in one sentence. */
export function spoken(chart) {
  const { head, values } = readAt(chart);
  return `${head}: ${chart.drawn.map(({ line }, index) => `${line.label} ${values[index]}`).join(", ")}`;
}
