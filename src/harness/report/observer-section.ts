// What tracing costs, as a table: each way of tracing against none, with its interval.

import { known } from '../../runtime/assert.ts';
import { type ObserverCost, OBSERVER_WORDS, type RatioEstimate } from '../result/schema.ts';
import { formatCount, formatLatency } from './numbers.ts';
import { rule } from './scenario-sections.ts';
import { type Style, table, wrap } from './text.ts';

export function observerSection(cost: ObserverCost | undefined, style: Style, width: number): string[] {
  if (cost === undefined) return [];
  const heads = ['ok/s', 'to none', 'p50', 'to none', 'p99', 'to none'].map((text) => ({ text, paint: style.faint }));
  const rows = cost.observers.map(({ observer, okPerSecond, p50Ms, p99Ms, toOff }) => [
    OBSERVER_WORDS[observer],
    formatCount(Math.round(medianOf(okPerSecond))),
    changeText(toOff?.okPerSecond),
    formatLatency(medianOf(p50Ms)),
    changeText(toOff?.p50Ms),
    formatLatency(medianOf(p99Ms)),
    changeText(toOff?.p99Ms),
  ]);
  const confidence = cost.observers.find(({ toOff }) => toOff !== undefined)?.toOff?.okPerSecond.confidence ?? 0;
  const note = `${cost.rounds} rounds in random order, medians; the change to none is that of rounds, with its ${(confidence * 100).toFixed(1)}% interval; times are service times`;
  return [
    rule('observer cost', style, width),
    ...table([['', ...heads], ...rows], { align: 'lrlrlrl', indent: 2, width }),
    ...wrap(note, width - 2).map((line) => `  ${style.faint(line)}`),
  ];
}

/** '+1.2% (-0.3 to +12)'. */
function changeText(estimate: RatioEstimate | undefined): string {
  if (estimate === undefined) return '';
  const percent = (ratio: number) => {
    const size = Math.abs((ratio - 1) * 100);
    return `${ratio < 1 ? '-' : '+'}${size.toFixed(size < 9.95 ? 1 : 0)}`;
  };
  return `${percent(estimate.ratio)}% (${percent(estimate.low)} to ${percent(estimate.high)})`;
}

function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return known(sorted[Math.floor((sorted.length - 1) / 2)], 'at least one round was measured');
}
