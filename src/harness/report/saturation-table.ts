// The steps of a load that rises to saturation, and where the knee is.

import { formatDuration } from '../../runtime/duration.ts';
import type { Saturation, ScenarioResult } from '../result/schema.ts';
import { formatCount, formatLatency, formatRate } from './numbers.ts';
import { type Cell, hang, type Style, table } from './text.ts';

/** The lines of the table and of what follows from it; none for a scenario that does not look for a knee. */
export function saturationTable({ saturation }: ScenarioResult, style: Style, width: number): string[] {
  if (saturation === undefined) return [];
  const { load, operation, limitMs, steps } = saturation;
  const heads = ['rate', 'offered', 'achieved', 'p50', 'p99', 'errors', ''].map((text) => ({ text, paint: style.faint }));
  const rows = steps.map((step): (Cell | string)[] => {
    // First what makes the rest worth nothing: a narrow terminal cuts the end off.
    const doubt = step.generator === undefined || step.held ? [] : [`generator ${step.generator}`];
    const why = [...doubt, ...step.reasons].join(', ');
    return [
      { text: step.held ? '✓' : '✗', paint: step.held ? style.good : style.bad },
      formatRate(step.rate),
      formatRate(step.offered),
      formatRate(step.achieved),
      formatLatency(step.p50),
      formatLatency(step.p99),
      formatCount(step.errors),
      { text: why, paint: step.generator === undefined ? style.faint : style.doubtful },
    ];
  });
  const of = operation === undefined ? load : `${operation} of ${load}`;
  const title = `  ${style.strong('saturation')} ${style.faint(`${of}, per second; a step holds with p99 below ${formatDuration(limitMs)}`)}`;
  const isGood = saturation.outcome === 'found' || saturation.outcome === 'not-reached';
  return [
    title,
    ...table([['', ...heads], ...rows], { align: 'lrrrrrrl', width, elastic: 7 }),
    ...hang('    knee  ', kneeWords(saturation), width).map(isGood ? (line) => line : style.doubtful),
  ];
}

/** Where the knee is, or why it is not known. */
export function kneeWords({ outcome, knee = 0, steps }: Saturation): string {
  const rate = `${formatRate(knee)}/s`;
  const first = formatRate(Math.min(...steps.map((step) => step.rate)));
  const words: Record<Saturation['outcome'], string> = {
    found: `${rate}: the highest step that held`,
    'not-reached': `not reached: the highest step, ${rate}, still held; let the steps go higher`,
    'generator-limited':
      knee === 0
        ? 'unknown: the generator itself was in trouble before any step held'
        : `at least ${rate}: above it the generator itself was in trouble`,
    'below-first-step': `below ${first}/s: no step held; begin with lower ones`,
    'not-measured': 'unknown: no step was run to its end',
  };
  return words[outcome];
}
