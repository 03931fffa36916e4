// What paired measurements say of a difference, without assuming how they are distributed: the Hodges-Lehmann estimate and the
// exact interval of Wilcoxon's signed-rank test (M. Hollander, D. Wolfe, "Nonparametric Statistical Methods", section 3.2 and 3.3).

import { assert, known } from '../../runtime/assert.ts';

export interface PairedEstimate {
  /** The median of all means of two differences (a difference with itself among them). */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** Of the interval from `low` to `high`, 0 to 1: at least what was asked for, or the most that so few pairs give. */
  readonly confidence: number;
}

/** More pairs than this have next to the same interval by the normal approximation, and n^2 / 2 means take time. */
const MOST_PAIRS = 200;

/**
 * @param differences of each pair, 1 to 200, finite. Independent, and spread symmetrically around what is estimated.
 * @param confidence above 0 and below 1.
 */
export function estimateDifference(differences: readonly number[], confidence: number): PairedEstimate {
  const n = differences.length;
  assert(n >= 1 && n <= MOST_PAIRS, `there are 1 to ${MOST_PAIRS} pairs, not ${n}`);
  assert(differences.every(Number.isFinite), 'every difference is a finite number');
  assert(confidence > 0 && confidence < 1, `the confidence is above 0 and below 1, not ${confidence}`);
  const means = walshAverages(differences);
  const { rank, achieved } = rankOf(n, confidence);
  return {
    estimate: medianOfSorted(means),
    low: known(means[rank - 1], 'the rank is within the means'),
    high: known(means[means.length - rank], 'the rank is within the means'),
    confidence: achieved,
  };
}

/** Ascending. */
function walshAverages(differences: readonly number[]): Float64Array {
  const means = new Float64Array((differences.length * (differences.length + 1)) / 2);
  let count = 0;
  for (const [at, a] of differences.entries()) for (const b of differences.slice(at)) means[count++] = (a + b) / 2;
  return means.sort();
}

/** Of one number or more, ascending. */
export function medianOfSorted(numbers: ArrayLike<number>): number {
  const middle = numbers.length / 2;
  const [low, high] = [numbers[Math.ceil(middle) - 1], numbers[Math.floor(middle)]];
  return (known(low, 'there are numbers') + known(high, 'there are numbers')) / 2;
}

/** Which of the ordered means ends the interval, from 1, and what confidence that gives. */
function rankOf(n: number, confidence: number): { readonly rank: number; readonly achieved: number } {
  const tail = (1 - confidence) / 2;
  const probabilities = signedRankDistribution(n);
  let below = 0;
  let rank = 0;
  while (below + known(probabilities[rank], 'both tails together are less than all') <= tail)
    below += probabilities[rank++] as number;
  if (rank === 0) return { rank: 1, achieved: 1 - 2 * (probabilities[0] as number) };
  return { rank, achieved: 1 - 2 * below };
}

export interface SignedRankTest {
  /** The sum of the ranks of the differences above 0. */
  readonly statistic: number;
  /** The probability of so large a sum, or a larger one, when there is no difference: small when the differences lie above 0. */
  readonly above: number;
  /** That of so small a sum, or a smaller one. */
  readonly below: number;
}

/**
 * Wilcoxon's signed-rank test, exact also with ties: differences of 0 are left out, as Wilcoxon did, equal ones share the mean of
 * their ranks, and what is counted are the signs that these ranks could have had. With no difference left both probabilities are 1.
 * @param differences 0 to 200, finite.
 */
export function signedRankTest(differences: readonly number[]): SignedRankTest {
  assert(differences.length <= MOST_PAIRS, `there are at most ${MOST_PAIRS} pairs, not ${differences.length}`);
  assert(differences.every(Number.isFinite), 'every difference is a finite number');
  const other = differences.filter((difference) => difference !== 0);
  const ranks = doubledRanks(other.map(Math.abs));
  const sum = ranks.reduce((total, rank, at) => total + ((other[at] as number) > 0 ? rank : 0), 0);
  const probabilities = signSums(ranks);
  const total = (from: number, to: number) => probabilities.slice(from, to).reduce((all, p) => all + p, 0);
  return {
    statistic: sum / 2,
    above: Math.min(1, total(sum, probabilities.length)),
    below: Math.min(1, total(0, sum + 1)),
  };
}

/** Twice the mid-rank of each, which is a whole number. */
function doubledRanks(sizes: readonly number[]): number[] {
  return sizes.map((size) => {
    const smaller = sizes.filter((other) => other < size).length;
    const equal = sizes.filter((other) => other === size).length;
    return 2 * smaller + equal + 1;
  });
}

/** The probability of each sum of positive ranks when there is no difference, from 0 to n (n + 1) / 2. */
export function signedRankDistribution(n: number): Float64Array {
  return signSums(Array.from({ length: n }, (_, at) => at + 1));
}

/** The probability of each sum of those of the whole numbers that a fair coin takes, from 0 to the sum of all. */
function signSums(ranks: readonly number[]): Float64Array {
  const probabilities = new Float64Array(1 + ranks.reduce((total, rank) => total + rank, 0));
  probabilities[0] = 1;
  for (const rank of ranks)
    for (let sum = probabilities.length - 1; sum >= 0; sum--) {
      // From above, so that what the rank is added to is still without it.
      const without = sum < rank ? 0 : (probabilities[sum - rank] as number);
      probabilities[sum] = ((probabilities[sum] as number) + without) / 2;
    }
  return probabilities;
}
