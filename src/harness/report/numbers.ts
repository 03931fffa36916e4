// Numbers as people read them.

import { formatDuration } from '../../runtime/duration.ts';

/** '12,405'. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** '495.4' below 1,000, '812,430' above. */
export function formatRate(perSecond: number): string {
  return perSecond < 1_000 ? perSecond.toFixed(1).replace(/\.0$/, '') : formatCount(perSecond);
}

/** '86.4ns', '1.42us', '251us', '2.31ms'. */
export function formatNanoseconds(ns: number): string {
  const [value, unit] =
    ns < 999.5 ? [ns, 'ns'] : ns < 999_500 ? [ns / 1e3, 'us'] : ns < 999.5e6 ? [ns / 1e6, 'ms'] : [ns / 1e9, 's'];
  return `${threeDigits(value)}${unit}`;
}

/** '312 B', '1.2 KiB', '24 GiB'. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1_023.5 && unit < UNITS.length - 1; unit++) value /= 1_024;
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${UNITS[unit]}`;
}

/** A share as '0.26%'; small ones keep a digit that is not 0. */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent === 0 ? '0' : threeDigits(percent)}%`;
}

/** A latency that may not have been measured. */
export function formatLatency(ms: number | undefined): string {
  return ms === undefined ? '–' : formatDuration(ms);
}

/** What a threshold observed, in the unit of its metric: times in ms, shares as percent. */
export function formatObserved(metric: string, threshold: string, observed: number | undefined): string {
  const ofFaults = /^(election|first_write|write_gap|unavailable|recovered)\b/.test(metric);
  if (observed === undefined) return ofFaults ? 'not seen' : 'nothing measured';
  if (ofFaults || /^(response|service)_time\b/.test(metric)) return formatDuration(observed);
  if (metric.trim() === 'knee') return `${formatRate(observed)}/s`;
  if (!/^\s*rate\b/.test(threshold)) return formatRate(observed);
  return /^(operations_failed|errors)\b/.test(metric) ? formatShare(observed) : `${formatRate(observed)}/s`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Two significant digits below 1. The limits are those from which rounding would add a digit. */
function threeDigits(value: number): string {
  if (value < 0.995) return value.toPrecision(2);
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}
