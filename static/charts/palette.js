// Looks of up to eight lines in one chart: a colour and a dash each, so that none is told by colour alone.

const DASHES = [undefined, [9, 4], [2, 4], [9, 4, 2, 4], [16, 4], [5, 3], [16, 4, 2, 4], [2, 2, 9, 2]];

/** How the line at `index` (from 0) is drawn: {color, dash} for Chart.show; from the ninth on they begin anew. */
export function lookOf(index) {
  const at = index % DASHES.length;
  return { color: `--line-${at + 1}`, dash: DASHES[at] };
}
