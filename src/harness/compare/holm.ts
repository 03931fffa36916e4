// S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979: of many tests of what
// has not changed, no more show a change together than one alone would.

import { assert } from '../../runtime/assert.ts';

/** The adjusted p of each, in their order: those that are at most alpha are rejected together at the level alpha, however they depend on one another. */
export function holm(probabilities: readonly number[]): number[] {
  assert(
    probabilities.every((p) => p >= 0 && p <= 1),
    'every p is from 0 to 1',
  );
  const ascending = probabilities.map((p, at) => ({ p, at })).sort((a, b) => a.p - b.p);
  const adjusted = Array.from({ length: probabilities.length }, () => 1);
  let highest = 0;
  for (const [rank, { p, at }] of ascending.entries()) {
    // Never below that of a smaller p: what is more likely is not rejected before what is less.
    highest = Math.max(highest, Math.min(1, (probabilities.length - rank) * p));
    adjusted[at] = highest;
  }
  return adjusted;
}
