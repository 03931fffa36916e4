// The charts of a scenario, as data: what happened second by second, the percentile curves, and how the generator did.

import { LatencyHistogram } from '../result/histogram.ts';
import { roundNumber } from '../result/layout.ts';
import { type GeneratorInstrument, PHASES, type Saturation, type ScenarioResult, type Second } from '../result/schema.ts';
import type { ChartData, ChartSeries, ColourName, Moments, Shade } from './client/chart-data.ts';

/** What a log axis shows as its least: a microsecond, in milliseconds. */
const LEAST_MS = 0.001;

/** Points on a percentile curve while its rarity doubles. */
const POINTS_PER_DOUBLING = 8;

/** A percentile with fewer samples above it is not shown. */
const SAMPLES_ABOVE = 10;

export function momentsOf({ durationMs, phases, faults, roles }: ScenarioResult): Moments {
  return {
    endS: seconds(Math.max(durationMs, 1_000)),
    warmupEndS: seconds(phases.find(({ phase }) => phase === 'warmup')?.endMs ?? 0),
    faults: faults.map(({ kind, target, nodes, startMs, endMs }) => ({
      fromS: seconds(startMs),
      toS: seconds(endMs),
      label: `${kind} of ${nodes.length > 0 ? nodes.join(', ') : target}`,
    })),
    // Who led when the scenario began is no change.
    leaders: roles
      .filter(({ role, atMs }) => role === 'leader' && atMs > 0)
      .map(({ atMs, node, term }) => ({ atS: seconds(atMs), label: `${node} leads term ${term}` })),
  };
}

/** Several seconds of a long run as one point. */
interface Point {
  readonly at: number;
  readonly seconds: readonly Second[];
}

/** At most `most` points. The last second is left out when it is not whole: it would look like a collapse. */
export function pointsOf({ timeline, durationMs }: ScenarioResult, most: number): Point[] {
  const whole = timeline.filter(({ atMs }) => atMs + 1_000 <= durationMs);
  const each = Math.max(1, Math.ceil(whole.length / most));
  return Array.from({ length: Math.ceil(whole.length / each) }, (_, number) => {
    const part = whole.slice(number * each, (number + 1) * each);
    return { at: seconds((part[0] as Second).atMs + (part.length * 1_000) / 2), seconds: part };
  });
}

/** Latency and throughput over time; none when there are less than two whole seconds. */
export function timeCharts(points: readonly Point[], group: number): ChartData[] {
  if (points.length < 2) return [];
  const at = points.map((point) => point.at);
  const common = { x: 'time', at, group } as const;
  const hasP99 = points.some((point) => worst(point, 'p99') !== null);
  return [
    {
      ...common,
      title: 'Response time',
      unit: 'ms',
      scale: 'log',
      height: 230,
      named: true,
      series: [
        series('max', 'max', 'thin', points, (point) => worst(point, 'max')),
        ...(hasP99 ? [series('p99', 'p99', 'line', points, (point) => worst(point, 'p99'))] : []),
        series('p50', 'p50', 'line', points, (point) => worst(point, 'p50')),
      ],
    },
    {
      ...common,
      title: 'Throughput',
      unit: 'per second',
      scale: 'linear',
      height: 170,
      series: [
        series('ok', 'ok', 'area', points, (point) => rate(point, ({ ok }) => ok)),
        series('offered', 'offered', 'dashed', points, (point) => rate(point, ({ scheduled }) => scheduled)),
        series('fail or info', 'bad', 'line', points, (point) => rate(point, ({ fail, info }) => fail + info)),
        series('dropped', 'dropped', 'dashed', points, (point) => rate(point, ({ dropped }) => dropped)),
      ],
    },
  ];
}

/** Response and service time by percentile, a curve for each phase, of what ended ok. */
export function percentileCharts({ statistics }: ScenarioResult): ChartData[] {
  const measured = statistics.filter(({ outcome }) => outcome === 'ok');
  return (['responseTime', 'serviceTime'] as const).flatMap((time): ChartData[] => {
    const curves = PHASES.flatMap((phase) => {
      const parts = measured.filter((each) => each.phase === phase);
      const merged = new LatencyHistogram();
      for (const part of parts) merged.merge(LatencyHistogram.decode(part[time].histogram));
      return merged.count > SAMPLES_ABOVE ? [{ phase, merged }] : [];
    });
    const most = Math.max(0, ...curves.map(({ merged }) => merged.count));
    const doublings = Math.floor(Math.log2(Math.max(1, most / SAMPLES_ABOVE)) * POINTS_PER_DOUBLING);
    if (doublings < POINTS_PER_DOUBLING) return [];
    const rarities = Array.from({ length: doublings + 1 }, (_, step) => 2 ** (step / POINTS_PER_DOUBLING));
    return [
      {
        title: time === 'responseTime' ? 'Response time by percentile' : 'Service time by percentile',
        x: 'rarity',
        unit: 'ms',
        scale: 'log',
        height: 250,
        at: rarities.map((rarity) => Number(rarity.toPrecision(5))),
        series: curves.map(({ phase, merged }) => ({
          label: phase,
          colour: PHASE_COLOURS[phase],
          style: phase === 'warmup' ? 'dashed' : 'line',
          values: rarities.map((rarity) => onLog(toMs(merged.percentile(100 * (1 - 1 / rarity))))),
        })),
      },
    ];
  });
}

/** Response time over the offered rate, step by step. */
export function saturationCharts({ steps }: Saturation): ChartData[] {
  if (steps.length < 2) return [];
  const ascending = [...steps].sort((a, b) => a.rate - b.rate);
  const of = (name: 'p50' | 'p99' | 'max') => ascending.map((step) => onLog(step[name]));
  return [
    {
      title: 'Response time by rate',
      x: 'rate',
      unit: 'ms',
      scale: 'log',
      height: 230,
      at: ascending.map(({ rate: each }) => roundNumber(each)),
      series: [
        { label: 'max', colour: 'max', style: 'thin', values: of('max') },
        { label: 'p99', colour: 'p99', style: 'line', values: of('p99') },
        { label: 'p50', colour: 'p50', style: 'line', values: of('p50') },
      ],
    },
  ];
}

/** How late the generator was and how much CPU each of its threads used. */
export function instrumentCharts(
  { instrument, durationMs }: ScenarioResult,
  points: readonly Point[],
  group: number,
): ChartData[] {
  const { generators = [] } = instrument;
  const common = { x: 'time', group, height: 130 } as const;
  const late = { ...common, title: 'How late the instrument was', unit: 'ms', scale: 'log' } as const;
  if (generators.length === 0) {
    const lag = series('started late, max', 'a', 'line', points, (point) => worst(point, 'lagMax'));
    return points.length < 2 ? [] : [{ ...late, at: points.map(({ at }) => at), series: [lag] }];
  }
  const all = [...new Set(generators.flatMap(({ moments }) => moments.map(({ atMs }) => atMs)))].sort((a, b) => a - b);
  // The last moment of a load is seldom whole; what little it saw would look like a change.
  const starts = all.filter((start, number) => number === 0 || durationMs - start >= (start - (all[number - 1] as number)) / 2);
  if (starts.length < 2) return [];
  // A moment lasts to the next one.
  const at = starts.map((start, number) => seconds((start + Math.min(durationMs, starts[number + 1] ?? durationMs)) / 2));
  const of = (label: string, value: (moment: GeneratorMoment) => number | undefined) =>
    generators.map(({ generator, moments }, number): ChartSeries => {
      const byStart = new Map(moments.map((moment) => [moment.atMs, moment]));
      return {
        label: generators.length === 1 ? label : `${label}, generator ${generator}`,
        colour: shadeOf(label.startsWith('event') ? number + 1 : number),
        style: label.startsWith('event') ? 'dashed' : 'line',
        values: starts.map((start) => rounded(value(byStart.get(start) ?? NO_MOMENT))),
      };
    });
  const onAxis = (all: readonly ChartSeries[]) => all.map((each) => ({ ...each, values: each.values.map(onLog) }));
  return [
    {
      ...late,
      at,
      series: onAxis([
        ...of('started late, max', ({ lagMax }) => lagMax),
        ...of('event loop late, max', ({ eventLoopDelay }) => eventLoopDelay?.max),
      ]),
    },
    { ...common, title: 'CPU of the generator', unit: 'cores', scale: 'linear', at, series: of('cores', ({ cpu }) => cpu) },
  ];
}

type GeneratorMoment = Partial<GeneratorInstrument['moments'][number]>;
const NO_MOMENT: GeneratorMoment = {};

const PHASE_COLOURS: Record<(typeof PHASES)[number], ColourName> = {
  warmup: 'e',
  baseline: 'a',
  fault: 'b',
  recovery: 'c',
  after: 'd',
};

const SHADES: readonly Shade[] = ['a', 'b', 'c', 'd', 'e'];

function shadeOf(number: number): Shade {
  return SHADES[number % SHADES.length] as Shade;
}

function series(
  label: string,
  colour: ColourName,
  style: ChartSeries['style'],
  points: readonly Point[],
  value: (point: Point) => number | null,
): ChartSeries {
  return { label, colour, style, values: points.map(value) };
}

/** The worst of the seconds of a point: percentiles of several seconds cannot be averaged. */
function worst({ seconds: all }: Point, name: 'p50' | 'p99' | 'max' | 'lagMax'): number | null {
  const values = all.flatMap((second) => second[name] ?? []);
  return values.length === 0 ? null : onLog(Math.max(...values));
}

function rate({ seconds: all }: Point, count: (second: Second) => number): number {
  return roundNumber(all.reduce((sum, second) => sum + count(second), 0) / all.length);
}

function onLog(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : roundNumber(Math.max(LEAST_MS, ms));
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : roundNumber(value);
}

function toMs(us: number | undefined): number | undefined {
  return us === undefined ? undefined : us / 1_000;
}

function seconds(ms: number): number {
  return roundNumber(ms / 1_000);
}
