// H. Mann, D. Whitney, "On a test of whether one of two random variables is stochastically larger than the other", 1947: what benchstat
// uses. Here it only serves to show what it says of data that is not independent.

import { assert } from '../../runtime/assert.ts';

/**
 * The two-sided probability that two lists differ so much in their order when they are of one distribution: the normal approximation, with
 * the corrections for ties and continuity. 1 when all numbers are equal.
 */
export function mannWhitney(one: readonly number[], other: readonly number[]): number {
  assert(one.length > 0 && other.length > 0, 'both lists have numbers');
  const all = [...one.map((value) => ({ value, first: true })), ...other.map((value) => ({ value, first: false }))];
  all.sort((a, b) => a.value - b.value);
  let [rankSum, ties] = [0, 0];
  for (let from = 0, to = 0; from < all.length; from = to) {
    while (to < all.length && all[to]?.value === all[from]?.value) to++;
    const equal = to - from;
    ties += equal ** 3 - equal;
    rankSum += all.slice(from, to).filter(({ first }) => first).length * ((from + 1 + to) / 2);
  }
  const [m, n, total] = [one.length, other.length, all.length];
  const distance = Math.max(0, Math.abs(rankSum - (m * (total + 1)) / 2) - 0.5);
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  return variance <= 0 ? 1 : Math.min(1, 2 * upperTail(distance / Math.sqrt(variance)));
}

/** Of the standard normal distribution, for z >= 0: M. Abramowitz, I. Stegun, formula 26.2.17, to 7.5e-8. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
