// The bold line: a debiased exponential moving average, as TensorBoard and W&B document it. jobs/curves.py says
// the same for pictures.
//
// Where the server thinned the points out, a shown point stands for many, and its own value is an extreme: an
// average over extremes would lie. So the average is taken over the mean of all that a point stands for, and each
// counts as often as it stands for points. The bold line of 1,000 out of 100,000 points is therefore (nearly) the
// one of all of them, while the faint line keeps the extremes.

export const FEW = 25; // values; below, a smoothed line would say less than the points themselves
const VIEW = 1000; // the average looks back over a share of the view: as if so many points were in it

/**
 * @param {(number | null | undefined)[]} values what each point counts as; null or undefined is a gap that stays one
 * @param {number[]} counts for how many stored points each of them stands
 * @param {number} weight of what was before, 0 (as they are) to below 1
 * @param {number} inView stored points in the view; of more than a thousand, the weight is that of a thousandth
 */
export function smoothed(values, counts, weight, inView = 0) {
  const unit = Math.max(1, inView / VIEW);
  let sum = 0;
  let mass = 0; // what the weights add up to: dividing by it takes away the pull of the beginning at zero
  return values.map((value, index) => {
    if (!Number.isFinite(value)) return value;
    const kept = weight ** (counts[index] / unit);
    sum = kept * sum + (1 - kept) * value;
    mass = kept * mass + (1 - kept);
    return sum / mass;
  });
}
