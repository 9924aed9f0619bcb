// The y axis: what it spans, which values lie outside, and its ticks.

const PAD = 0.06; // of the span, above and below
const OUTER = 0.01; // clipping leaves out at most so much of the values at either end

const SIZES = [[1e9, 1e9, "G"], [1e6, 1e6, "M"], [1e4, 1e3, "k"]]; // from where on, of how many, how written

const PRESENT = Number.isFinite;

/**
 * What the axis spans for these values.
 * @param {number[]} values all that are drawn
 * @param {{log?: boolean, clip?: boolean, fixed?: [number, number]}} how
 * @returns {{range: [number, number], outside: number}} `outside`: values that clipping leaves beyond the edges
 */
export function spanOf(values, { log = false, clip = false, fixed } = {}) {
  const usable = values.filter((value) => PRESENT(value) && (!log || value > 0));
  if (fixed) return { range: fixed, outside: 0 };
  if (!usable.length) return { range: log ? [0.1, 1] : [0, 1], outside: 0 };
  const sorted = Float64Array.from(usable, log ? Math.log10 : Number).sort();
  const [low, high] = clip ? [quantile(sorted, OUTER), quantile(sorted, 1 - OUTER)] : [sorted[0], sorted.at(-1)];
  const pad = (high - low || Math.abs(high) || 1) * PAD || PAD; // of next to nothing that is nothing
  // Clipping must not cut what would fit: without outliers the axis is the same as without clipping.
  const from = Math.max(low - (clip ? 2 : 1) * pad, sorted[0] - pad);
  const to = Math.min(high + (clip ? 2 : 1) * pad, sorted.at(-1) + pad);
  const outside = clip ? sorted.reduce((sum, value) => sum + (value < from || value > to ? 1 : 0), 0) : 0;
  return { range: log ? [10 ** from, 10 ** to] : [from, to], outside };
}

function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

/** Ticks of a logarithmic axis: 1, 2 and 5 of each power of ten, or even steps where that would be too few. */
export function logTicks(min, max) {
  const ticks = [];
  const powers = Math.log10(max) - Math.log10(min);
  const digits = powers > 4 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power += 1) {
    for (const digit of digits) {
      const value = Number(`${digit}e${power}`);
      if (value >= min && value <= max) ticks.push(value);
    }
  }
  return ticks.length >= 3 ? ticks : evenTicks(min, max);
}

function evenTicks(min, max) {
  const rough = (max - min) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough);
  const first = Math.ceil(min / step);
  return Array.from({ length: Math.floor(max / step) - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** A value at an axis: short, without the noise of binary fractions. */
export function tick(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001) return value.toExponential(2).replace(/\.?0+e/, "e");
  const [, unit, letter] = SIZES.find(([from]) => size >= from) ?? [0, 1, ""];
  return `${Number((value / unit).toPrecision(4))}${letter}`;
}
