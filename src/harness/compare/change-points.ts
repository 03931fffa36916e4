// Where a series of measurements changes its level: E-divisive (D. Matteson, N. James, "A nonparametric approach for multiple change
// point analysis of multivariate data", JASA 109, 2014), with the energy distance of exponent 1 and a permutation test. The series
// is split where the two parts differ most, when a shuffled series seldom can be split as well, and so are the parts.

import { assert } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';

/** A level of fewer points is an outlier rather than a level. */
const LEAST_SEGMENT = 3;

/** Of fewer points too few orders exist for any to be rare. */
export const LEAST_POINTS = 10;

const PERMUTATIONS = 999;

/** That a series without a change shows one. */
export const FALSE_RATE = 0.01;

export interface ChangePoint {
  /** The first point behind it. */
  readonly at: number;
  readonly p: number;
}

/** Ascending. What cannot be told apart from chance is not in it; of fewer than `LEAST_POINTS` points nothing is. */
export function changePoints(values: readonly number[], random: Random): ChangePoint[] {
  assert(values.every(Number.isFinite), 'every value is a finite number');
  if (values.length < LEAST_POINTS) return [];
  const { at, statistic } = bestSplit(values);
  const p = chanceOf(statistic, values, random);
  if (p > FALSE_RATE) return [];
  return [
    ...changePoints(values.slice(0, at), random),
    { at, p },
    ...changePoints(values.slice(at), random).map((each) => ({ ...each, at: at + each.at })),
  ];
}

/** Up to where it is too large to matter: most series are quiet, and then a few permutations say so. */
function chanceOf(statistic: number, values: readonly number[], random: Random): number {
  let asLarge = 1;
  for (let permutation = 0; permutation < PERMUTATIONS; permutation++) {
    // What is equal but for rounding is as large.
    if (bestSplit(random.shuffle(values)).statistic >= statistic * (1 - 1e-9)) asLarge++;
    if (asLarge > FALSE_RATE * (PERMUTATIONS + 1)) return 1;
  }
  return asLarge / (PERMUTATIONS + 1);
}

/** The split with the largest energy distance between its parts, scaled by their sizes. */
function bestSplit(values: readonly number[]): { at: number; statistic: number } {
  const n = values.length;
  // Sums of distances: between the parts, within the first, within the second. A point that changes sides moves its own.
  let [between, left, right] = [0, 0, 0];
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) right += distance(values, i, j);
  let best = { at: LEAST_SEGMENT, statistic: -Infinity };
  for (let at = 1; at <= n - LEAST_SEGMENT; at++) {
    const moved = at - 1;
    let [toLeft, toRight] = [0, 0];
    for (let i = 0; i < moved; i++) toLeft += distance(values, i, moved);
    for (let i = at; i < n; i++) toRight += distance(values, i, moved);
    between += toRight - toLeft;
    left += toLeft;
    right -= toRight;
    if (at < LEAST_SEGMENT) continue;
    const [a, b] = [at, n - at];
    const energy = (2 * between) / (a * b) - (2 * left) / (a * (a - 1)) - (2 * right) / (b * (b - 1));
    const statistic = ((a * b) / n) * energy;
    if (statistic > best.statistic) best = { at, statistic };
  }
  return best;
}

function distance(values: readonly number[], i: number, j: number): number {
  return Math.abs((values[i] as number) - (values[j] as number));
}
