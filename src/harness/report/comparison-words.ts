// What text and markdown say of a comparison in the same words.

import { formatDuration } from '../../runtime/duration.ts';
import { type Comparison, type Measurement, VERDICT_WORDS } from '../result/comparison.ts';
import { formatNanoseconds, formatRate } from './numbers.ts';

export function quantityText({ unit }: Pick<Measurement, 'unit'>, value: number | undefined): string {
  if (value === undefined) return '–';
  if (unit === 'ns') return formatNanoseconds(value);
  return unit === 'ms' ? formatDuration(value) : `${formatRate(value)}/s`;
}

/** 'x1.42'. */
export function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `x${digits(ratio)}`;
}

/** '1.21 to 1.66'. */
export function ratioIntervalText(interval: Measurement['ratioInterval']): string {
  return interval === undefined ? '–' : `${digits(interval[0])} to ${digits(interval[1])}`;
}

function digits(ratio: number): string {
  if (ratio >= 99.5) return ratio.toFixed(0);
  return ratio >= 9.95 ? ratio.toFixed(1) : ratio >= 0.0995 ? ratio.toFixed(2) : ratio.toPrecision(2);
}

/** ['1 slower', '12 inconclusive', '3 same']. */
export function verdictCounts(measurements: Comparison['measurements']): string[] {
  return VERDICT_WORDS.flatMap((word) => {
    const count = measurements.filter(({ verdict }) => verdict === word).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
}

/** '12 deterministic counts the same', or which part of them rose and fell. */
export function countsText(counts: Comparison['counts']): string {
  if (counts.length === 0) return 'no deterministic counts in both';
  const of = (word: string) => counts.filter(({ verdict }) => verdict === word).length;
  const noun = counts.length === 1 ? 'deterministic count' : 'deterministic counts';
  if (of('same') === counts.length) return `${counts.length} ${noun}, the same`;
  return `${counts.length} ${noun}: ${[`${of('more')} rose`, `${of('fewer')} fell`, `${of('same')} the same`].join(', ')}`;
}

/** Undefined when nothing moved all. */
export function driftText({ drift }: Comparison): string | undefined {
  if (drift === undefined || Math.abs(Math.log(drift.ratio)) < 0.03) return undefined;
  return `The ${drift.measurements} ratios of microbenchmarks have the median ${ratioText(drift.ratio)}: what moves all alike is rather the machine than the code.`;
}

/** '20261122T160259Z-eb14d2c · commit eb14d2c with changes'. */
export function sideText({ id, commit, dirty }: Comparison['base']): string {
  return commit === undefined ? id : `${id} · commit ${commit.slice(0, 7)}${dirty === true ? ' with changes' : ''}`;
}
