// What uPlot draws: places, then the raw values of all lines, then the smoothed ones of those that have any.

/**
 * @param {{placed: object, smooth: ?number[]}[]} drawn lines; of different runs they are joined on one axis
 * @param {boolean} isLog values at or below zero are not drawn then
 */
export function columnsOf(drawn, isLog) {
  const drawable = (values) => (isLog ? values.map((value) => (value <= 0 ? null : value)) : values);
  const raws = drawn.map(({ placed }) => drawable(placed.raw));
  const smooths = drawn.map(({ smooth }) => smooth && drawable(smooth));
  const [{ placed: { points, places } }] = drawn;
  if (drawn.every(({ placed }) => placed.points === points)) return [places, ...raws, ...smooths.filter(Boolean)];
  const tables = drawn.map(({ placed }, index) => [placed.places, raws[index], ...(smooths[index] ? [smooths[index]] : [])]);
  const [joined, ...columns] = globalThis.uPlot.join(tables);
  const [raw, smooth] = [[], []];
  for (const table of tables) {
    raw.push(columns.shift());
    if (table.length > 2) smooth.push(columns.shift());
  }
  return [joined, ...raw, ...smooth];
}
