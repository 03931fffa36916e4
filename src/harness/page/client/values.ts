// Numbers on axes, in legends and in tables.

import { formatDuration } from '../../../runtime/duration.ts';
import { formatRate } from '../../report/numbers.ts';
import { trendValueText } from '../../report/trend-words.ts';
import { edgeMs } from '../../result/distribution.ts';
import type { ChartData } from './chart-data.ts';

export function valueText(chart: ChartData, value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (chart.unit === 'cores') return value.toFixed(2);
  return chart.unit === 'per second' ? formatRate(value) : trendValueText(chart.unit, value);
}

/** On the y axis, where the numbers are round. */
export function tickText(chart: Pick<ChartData, 'unit'>, value: number): string {
  if (chart.unit === 'ns' || chart.unit === 'bytes') return value === 0 ? '0' : trendValueText(chart.unit, value);
  if (chart.unit !== 'ms') return String(Number(value.toPrecision(3)));
  if (value === 0) return '0';
  const [number, unit] = value < 1 ? [value * 1_000, 'us'] : value < 1_000 ? [value, 'ms'] : [value / 1_000, 's'];
  return `${Number(number.toPrecision(3))}${unit}`;
}

/** '8.5s', '2m', '2m05s', 'p99.9', '800/s', or the name of a result. */
export function positionText(chart: Pick<ChartData, 'x' | 'names'>, x: number): string {
  // Between two results there is none.
  if (chart.x === 'result') return chart.names?.[x - 1] ?? '';
  if (chart.x === 'rate') return `${formatRate(x)}/s`;
  if (chart.x === 'rarity') return x <= 1 ? 'min' : `p${percentileText(x)}`;
  if (x < 60) return `${Number(x.toFixed(2))}s`;
  return x % 60 === 0 ? `${x / 60}m` : formatDuration(x * 1_000);
}

/** As many digits as tell it from the next one: 99.9 of 1,000. */
export function percentileText(rarity: number): string {
  const percentile = 100 * (1 - 1 / rarity);
  return String(Number(percentile.toFixed(Math.max(1, Math.ceil(Math.log10(rarity)) - 1))));
}

/** The response times of a bucket: '2.51ms to 3.16ms'. */
export function rangeText(bucket: number): string {
  return `${formatDuration(edgeMs(bucket))} to ${formatDuration(edgeMs(bucket + 1))}`;
}
