// Microbenchmarks: the median of each with its interval, and how its samples are spread.

import { formatBytes, formatCount, formatNanoseconds, formatRate, formatShare } from '../report/numbers.ts';
import { spreadOf } from '../report/summary.ts';
import type { Microbenchmark, Run } from '../result/schema.ts';
import { type Markup, markup, type Part } from './markup.ts';
import { dataTable, type Row } from './tables.ts';

type Nanoseconds = NonNullable<Microbenchmark['nanoseconds']>;

/** The axis of the spread, as multiples of the median, logarithmic. What lies beyond ends at its edge with an arrow. */
const LEAST = 0.5;
const MOST = 4;
const WIDTH = 240;
const HEIGHT = 18;

export function microPart({ microbenchmarks: all }: Run): Part {
  if (all.length === 0) return undefined;
  const columns = [
    { head: 'benchmark' },
    { head: 'median', isNumber: true },
    { head: '±', isNumber: true },
    { head: `spread, ${LEAST} to ${MOST} times the median` },
    { head: 'min', isNumber: true },
    { head: 'p75', isNumber: true },
    { head: 'p99', isNumber: true },
    { head: 'max', isNumber: true },
    { head: 'ops/s', isNumber: true },
    { head: 'heap/op', isNumber: true },
    { head: 'samples', isNumber: true },
  ];
  return markup`<section id="microbenchmarks" aria-labelledby="micro-title"><h2 id="micro-title">Microbenchmarks</h2>
${dataTable('Microbenchmarks', columns, all.map(row))}
<p class="note">A sample is the mean of a batch of operations. ± is the 95 % interval of the median, from order statistics. In the spread the line goes from the least to the largest sample, the box is the median absolute deviation around the median, the ticks are p75 and p99.</p></section>`;
}

function row(benchmark: Microbenchmark): Row {
  const { id, status, error, nanoseconds: ns, samples, operationsPerSecond = 0, heapBytesPerOperation } = benchmark;
  if (status === 'failed' || ns === undefined)
    return {
      mood: 'bad',
      cells: [id, markup`<strong class="bad">✗ failed</strong>`],
      below: markup`<p class="reason">${error ?? 'no reason given'}</p>`,
    };
  return {
    cells: [
      id,
      markup`<strong>${formatNanoseconds(ns.median)}</strong>`,
      formatShare(spreadOf(ns)),
      drawing(id, ns),
      formatNanoseconds(ns.min),
      formatNanoseconds(ns.p75),
      ns.p99 === undefined ? '–' : formatNanoseconds(ns.p99),
      formatNanoseconds(ns.max),
      formatRate(operationsPerSecond),
      heapBytesPerOperation === undefined ? '–' : formatBytes(heapBytesPerOperation),
      formatCount(samples),
    ],
  };
}

function drawing(id: string, { median, min, max, p75, p99, mad }: Nanoseconds): Markup {
  if (median === 0) return markup`–`;
  const x = (ns: number) => position(ns / median);
  const [low, high] = [x(median - mad), x(median + mad)];
  const middle = HEIGHT / 2;
  const tick = (ns: number, kind: string) =>
    markup`<line class="${kind}" x1="${x(ns)}" x2="${x(ns)}" y1="${middle - 5}" y2="${middle + 5}"/>`;
  return markup`<svg class="spread" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${`Spread of ${id}: ${formatNanoseconds(min)} to ${formatNanoseconds(max)}`}">
<line class="guide" x1="${x(median)}" x2="${x(median)}" y1="0" y2="${HEIGHT}"/>
<line class="range" x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}"/>
<rect class="box" x="${low}" width="${Math.max(1, high - low)}" y="${middle - 5}" height="10"/>
${tick(p75, 'tick')}${p99 !== undefined && tick(p99, 'tick')}${tick(median, 'median')}
${max / median > MOST && markup`<path class="beyond" d="${`M${WIDTH - 5} ${middle - 4}l5 4l-5 4z`}"/>`}
</svg>`;
}

function position(multiple: number): number {
  const within = Math.min(MOST, Math.max(LEAST, multiple));
  return Math.round((Math.log(within / LEAST) / Math.log(MOST / LEAST)) * WIDTH * 10) / 10;
}
