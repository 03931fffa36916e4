// Which ordered samples enclose a quantile. No distribution is assumed.

import { assert } from '../../runtime/assert.ts';

/** Of an interval of 95 %. */
const TAIL = 0.025;

/**
 * How many of n samples lie below the true p-quantile is binomial (n, p), so the samples of these ranks (from 1) enclose it with
 * a probability of at least 0.95 (Conover, Practical Nonparametric Statistics, section 3.2). Where n samples cannot give that,
 * the rank is the first or the last. It takes the samples for independent; neighbouring ones on a busy machine are not quite, so
 * the true coverage is somewhat lower.
 * @param p above 0 and below 1.
 */
export function quantileRanks95(n: number, p: number): readonly [low: number, high: number] {
  assert(Number.isInteger(n) && n >= 1, `a quantile is of at least one sample, not of ${n}`);
  assert(p > 0 && p < 1, `a quantile lies above 0 and below 1, not at ${p}`);
  return [Math.max(1, lowRank(n, p)), n + 1 - Math.max(1, lowRank(n, 1 - p))];
}

/** The largest k with P(B < k) <= 0.025, 0 when there is none. */
function lowRank(n: number, p: number): number {
  let rank = 0;
  let below = 0;
  // In logarithms: (1 - p) to the power of n is 0 in a double for large n.
  let logTerm = n * Math.log1p(-p);
  const logOdds = Math.log(p) - Math.log1p(-p);
  while (rank < n) {
    const next = below + Math.exp(logTerm);
    if (next > TAIL) break;
    below = next;
    rank++;
    logTerm += Math.log((n - rank + 1) / rank) + logOdds;
  }
  return rank;
}
