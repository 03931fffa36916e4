// A trend's name and numbers as people read them.

import { formatDuration } from '../../runtime/duration.ts';
import type { Trend, TrendUnit } from '../result/trends.ts';
import { formatBytes, formatNanoseconds, formatRate } from './numbers.ts';

export function trendValueText(unit: TrendUnit, value: number): string {
  switch (unit) {
    case 'ns':
      return formatNanoseconds(value);
    case 'ms':
      return formatDuration(value);
    case 'bytes':
      return formatBytes(value);
    case 'per second':
      return `${formatRate(value)}/s`;
    case 'per operation':
      return String(Number(value.toPrecision(6)));
  }
}

export function trendName({ metric, variant }: Trend): string {
  return variant === 1 ? metric : `${metric} (configuration ${variant})`;
}
