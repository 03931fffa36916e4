// A number of a trend as people read it.

import { formatDuration } from '../../runtime/duration.ts';
import type { TrendUnit } from '../result/trends.ts';
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
