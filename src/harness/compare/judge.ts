// From a quantity of two recordings to a word. Recordings of the same code differ by far more than their intervals say, because
// what else the machine did is in none of them. Of six recordings of one commit, minutes apart on a shared machine of two cores (seven
// benchmarks of rpc, 105 comparisons), the intervals lay apart in 80 %, the medians differed by more than 20 % in 60 %, and the
// interval of the ratio lay beyond a factor of 1.6 in 23 %, of 2 in 4 %, and of 2 in 1 % after what moved all benchmarks alike was
// taken out. Hence the factor: a word that is often wrong is worth nothing.

import type { Measurement, Quantity, VerdictWord } from '../result/comparison.ts';
import { medianOfSorted } from './signed-rank.ts';

/** Slower or faster is only what lies beyond this factor, with its whole interval. */
const CLEARLY = 2;

/** The same is only what lies within this factor, with its whole interval. */
const CLOSELY = 1.25;

/** With fewer ratios, one of them may be what moves their median. */
const LEAST_FOR_DRIFT = 5;

export type Compared = Omit<Measurement, 'ratio' | 'ratioInterval' | 'verdict' | 'reason'>;

/** Ratio and interval, without a word yet: 'incomparable' with the reason when there is one, else 'inconclusive'. */
export function relate(compared: Compared, reason: string | undefined): Measurement {
  const { base, head } = compared;
  if (reason !== undefined) return { ...compared, verdict: 'incomparable', reason };
  if (base === undefined || head === undefined)
    return { ...compared, verdict: 'inconclusive', reason: `too few samples in ${base === undefined ? 'BASE' : 'HEAD'}` };
  if (base.value === 0 || head.value === 0) return { ...compared, verdict: 'inconclusive', reason: 'one of them is 0' };
  const ratio = head.value / base.value;
  const interval = divide(head, base);
  if (interval === undefined)
    return { ...compared, ratio, verdict: 'inconclusive', reason: 'one number a run, which has no interval' };
  return { ...compared, ratio, ratioInterval: interval, verdict: 'inconclusive' };
}

function divide(head: Quantity, base: Quantity): [number, number] | undefined {
  if (head.interval95 === undefined || base.interval95 === undefined || base.interval95[0] === 0) return undefined;
  return [head.interval95[0] / base.interval95[1], head.interval95[1] / base.interval95[0]];
}

/** The median of the ratios, when there are enough of them. */
export function driftOf(measurements: readonly Measurement[]): { ratio: number; measurements: number } | undefined {
  const logarithms = measurements.flatMap(({ ratio }) => (ratio === undefined ? [] : [Math.log(ratio)]));
  if (logarithms.length < LEAST_FOR_DRIFT) return undefined;
  return { ratio: Math.exp(medianOfSorted(logarithms.sort((a, b) => a - b))), measurements: logarithms.length };
}

/**
 * @param drift what moved everything alike, as a ratio; 1 when unknown. Slower is only what is so with it and without it.
 */
export function judge(measurement: Measurement, drift: number): Measurement {
  const { ratioInterval, better } = measurement;
  if (ratioInterval === undefined) return measurement;
  const [low, high] = ratioInterval;
  if (low > CLEARLY && low / drift > CLEARLY) return { ...measurement, verdict: wordFor('more', better) };
  if (high < 1 / CLEARLY && high / drift < 1 / CLEARLY) return { ...measurement, verdict: wordFor('less', better) };
  if (low > 1 / CLOSELY && high < CLOSELY) return { ...measurement, verdict: 'same' };
  return measurement;
}

function wordFor(change: 'more' | 'less', better: Measurement['better']): VerdictWord {
  return (change === 'more') === (better === 'lower') ? 'slower' : 'faster';
}
