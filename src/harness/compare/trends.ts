// Every result as points of series, one for each number that results have: how it moved, within which band, and where its level
// seems to have changed. Information, never a gate.

import { Random } from '../../runtime/random.ts';
import type { Run, ScenarioResult } from '../result/schema.ts';
import { type Trend, type TrendPoint, type Trends, type TrendUnit, TRENDS_VERSION } from '../result/trends.ts';
import { changePoints, FALSE_RATE, LEAST_POINTS } from './change-points.ts';
import { loadOf } from './configurations.ts';
import { fingerprintOf } from './environments.ts';
import { medianOfSorted } from './signed-rank.ts';

/** Fewer points have no deviation worth the name. */
const LEAST_FOR_BAND = 5;

/** Of a normal distribution, the median absolute deviation is its standard deviation divided by this. */
const MAD_TO_DEVIATION = 1.4826;
const DEVIATIONS = 3;

/** The test is repeatable: the same results have the same changes. */
const SEED = 1;

/** Of a longer series only the last ones are looked at: older ones say little, and the search takes the square of their number. */
const MOST_POINTS = 200;

interface Reading {
  readonly metric: string;
  readonly unit: TrendUnit;
  readonly better: Trend['better'];
  readonly value: number;
  /** What it was measured under, besides the machine. */
  readonly condition?: string;
}

type Growing = Omit<Trend, 'band' | 'changes' | 'points'> & { readonly points: TrendPoint[] };

export interface TrendOptions {
  readonly refused: Trends['refused'];
  /** Only metrics whose name contains it, whatever the case. */
  readonly metric?: string;
}

export function trendsOf(runs: readonly Run[], { refused, metric = '' }: TrendOptions): Trends {
  const machines: Readonly<Record<string, string>>[] = [];
  const machineOf = (run: Run) => {
    const fingerprint = fingerprintOf(run.environment);
    const known = machines.findIndex((each) => JSON.stringify(each) === JSON.stringify(fingerprint));
    return known >= 0 ? known : machines.push(fingerprint) - 1;
  };
  const ordered = distinct(runs).sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  const results = ordered.map((run) => ({ ...nameOf(run), machine: machineOf(run) }));
  const series = new Map<string, Growing>();
  const variants = new Map<string, number>();
  for (const [at, run] of ordered.entries()) {
    const { machine } = results[at] as { machine: number };
    for (const { value, condition = '', ...what } of readingsOf(run)) {
      if (!what.metric.toLowerCase().includes(metric.toLowerCase())) continue;
      const name = JSON.stringify([machine, what.metric]);
      const key = JSON.stringify([name, condition]);
      if (!series.has(key)) {
        const variant = (variants.get(name) ?? 0) + 1;
        variants.set(name, variant);
        series.set(key, { ...what, machine, variant, points: [] });
      }
      series.get(key)?.points.push({ ...nameOf(run), value });
    }
  }
  return {
    schema: 'windtunnel-history',
    schemaVersion: TRENDS_VERSION,
    machines,
    results,
    refused: [...refused],
    falseRate: FALSE_RATE,
    leastPoints: LEAST_POINTS,
    series: [...series.values()].map(finish),
  };
}

/** results/baseline is a copy of a result that may still be there. */
function distinct(runs: readonly Run[]): Run[] {
  return [...new Map(runs.map((run) => [`${run.id} ${run.startedAt}`, run])).values()];
}

function nameOf({ id, startedAt, environment: { git } }: Run): Omit<TrendPoint, 'value'> {
  return { id, startedAt, ...(git !== undefined && { commit: git.commit }) };
}

function readingsOf(run: Run): Reading[] {
  const lower = { better: 'lower' } as const;
  const ofBenchmarks = run.microbenchmarks.flatMap(({ id, nanoseconds, heapBytesPerOperation, counts }): Reading[] => [
    ...(nanoseconds === undefined ? [] : [{ metric: `${id} median`, unit: 'ns', ...lower, value: nanoseconds.median } as const]),
    ...(heapBytesPerOperation === undefined
      ? []
      : [{ metric: `${id} heap`, unit: 'bytes', ...lower, value: heapBytesPerOperation } as const]),
    ...Object.entries(counts?.counted ?? {}).map(
      ([name, counted]) =>
        ({ metric: `${id} ${name}`, unit: 'per operation', ...lower, value: counted / (counts?.operations ?? 1) }) as const,
    ),
  ]);
  const usable = run.scenarios.filter(({ status, invalid }) => status === 'complete' && invalid.length === 0);
  return [...ofBenchmarks, ...usable.flatMap(ofScenario)];
}

function ofScenario(scenario: ScenarioResult): Reading[] {
  const condition = JSON.stringify(loadOf(scenario));
  const times = scenario.statistics
    .filter(({ outcome, phase }) => outcome === 'ok' && phase !== 'warmup')
    .flatMap(({ load, operation, phase, responseTime }) =>
      (['p50', 'p99'] as const).map((word) => [`${load} ${operation} ${phase} ${word}`, responseTime[word]] as const),
    );
  const ofFaults = scenario.faults.flatMap(
    ({ kind, electionMs, firstWriteMs, recoveredMs }, at) =>
      [
        [`${kind} ${at + 1}: election`, electionMs],
        [`${kind} ${at + 1}: first write`, firstWriteMs],
        [`${kind} ${at + 1}: recovered`, recoveredMs],
      ] as const,
  );
  const inMs = [...times, ...ofFaults].flatMap(([name, value]) =>
    value === undefined ? [] : [{ metric: `${scenario.name} ${name}`, unit: 'ms', better: 'lower', value, condition } as const],
  );
  const rate = { unit: 'per second', better: 'higher', condition } as const;
  return [
    ...inMs,
    { metric: `${scenario.name} successes`, ...rate, value: scenario.totals.okPerSecond },
    ...(scenario.saturation?.knee === undefined
      ? []
      : [{ metric: `${scenario.name} knee`, ...rate, value: scenario.saturation.knee }]),
  ];
}

function finish({ points: all, ...series }: Growing): Trend {
  const points = all.slice(-MOST_POINTS);
  // Times scatter in proportion; what is 0 has no logarithm, and is looked at as it is.
  const hasLogarithm = points.every(({ value }) => value > 0);
  const scaled = points.map(({ value }) => (hasLogarithm ? Math.log(value) : value));
  const unscaled = (value: number) => (hasLogarithm ? Math.exp(value) : Math.max(0, value));
  const found = changePoints(scaled, new Random(SEED).fork(`${series.metric} ${series.machine} ${series.variant}`));
  const ends = [0, ...found.map(({ at }) => at), points.length];
  const level = (stretch: number) => median(scaled.slice(ends[stretch], ends[stretch + 1]));
  const last = scaled.slice(ends.at(-2));
  const band = bandOf(last);
  return {
    ...series,
    points,
    ...(band !== undefined && {
      band: { low: unscaled(band.low), median: unscaled(band.middle), high: unscaled(band.high), points: last.length },
    }),
    ...(points.length >= LEAST_POINTS && {
      changes: found.map(({ at, p }, stretch) => ({
        at,
        p,
        ratio: ratioOf(unscaled(level(stretch + 1)), unscaled(level(stretch))),
      })),
    }),
  };
}

/** From nothing to something is no ratio; it is written as if the least had been there. */
function ratioOf(after: number, before: number): number {
  return Math.max(after, Number.EPSILON) / Math.max(before, Number.EPSILON);
}

function bandOf(values: readonly number[]): { low: number; middle: number; high: number } | undefined {
  if (values.length < LEAST_FOR_BAND) return undefined;
  const middle = median(values);
  const deviation = MAD_TO_DEVIATION * median(values.map((value) => Math.abs(value - middle)));
  return { low: middle - DEVIATIONS * deviation, middle, high: middle + DEVIATIONS * deviation };
}

function median(values: readonly number[]): number {
  return medianOfSorted(values.toSorted((a, b) => a - b));
}
