import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { PathBucket } from '../result/schema.ts';
import type { PhasePercentiles } from './percentiles.ts';
import { type EndedOperation, type SelectionLimits, TraceSelection } from './selection.ts';

const COUNT = 50_000;

function operation(number: number, responseMs: number, changes: Partial<EndedOperation> = {}): EndedOperation {
  return {
    traceId: `${number}`.padStart(32, '0'),
    load: 'registers',
    operation: 'write',
    phase: 'baseline',
    outcome: 'ok',
    startMs: number,
    responseMs,
    serviceMs: responseMs,
    ...changes,
  };
}

/** A skewed distribution with a long tail, as latencies are. */
function responses(seed: number, count = COUNT): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => 1 + random.exponential(3) + (random.chance(0.02) ? random.exponential(200) : 0));
}

function percentiles(all: readonly number[], load = 'registers'): PhasePercentiles {
  const sorted = [...all].sort((a, b) => a - b);
  const at = (bucket: Exclude<PathBucket, 'slowest'>, p: number) => ({
    bucket,
    ms: sorted[Math.ceil((sorted.length * p) / 100) - 1] as number,
  });
  return { load, phase: 'baseline', at: [at('p50', 50), at('p90', 90), at('p99', 99), at('p99.9', 99.9)] };
}

function select(all: readonly EndedOperation[], limits: Partial<SelectionLimits> = {}, seed = 1) {
  const selection = new TraceSelection(new Random(seed), limits);
  const told = new Set<string>();
  const forgotten = new Set<string>();
  let most = 0;
  all.forEach((each, number) => {
    selection.offer(each);
    most = Math.max(most, selection.candidates);
    if (number % 1_000 !== 999) return;
    for (const id of selection.take()) told.add(id);
    for (const id of selection.takeForgotten()) forgotten.add(id);
  });
  for (const id of selection.take()) told.add(id);
  for (const id of selection.takeForgotten()) forgotten.add(id);
  return { selection, told, forgotten, most };
}

describe('the selection', () => {
  const all = responses(1);
  const operations = all.map((ms, number) => operation(number, ms));
  const { selection, told, forgotten } = select(operations);
  const wanted = percentiles(all);
  const chosen = selection.choose([wanted]);

  test('has the ten slowest requests exactly, the slowest first', () => {
    const slowest = [...operations].sort((a, b) => b.responseMs - a.responseMs).slice(0, 10);
    const kept = chosen.filter(({ keptFor }) => keptFor.includes('slowest'));
    expect(kept.map(({ traceId }) => traceId)).toEqual(slowest.map(({ traceId }) => traceId));
  });

  test.each(['p50', 'p90', 'p99', 'p99.9'] as const)('has requests at %s of a known distribution', (bucket) => {
    const { ms } = wanted.at.find((each) => each.bucket === bucket) as { ms: number };
    const near = chosen.filter(({ keptFor }) => keptFor.includes(bucket));
    expect(near).toHaveLength(5);
    const distances = near.map(({ responseMs }) => Math.abs(Math.log(responseMs / ms)));
    expect(Math.min(...distances)).toBeLessThan(0.08);
    expect(Math.max(...distances)).toBeLessThan(0.2);
  });

  test('told of every trace that it chose, and of few others', () => {
    for (const { traceId } of chosen) expect(told.has(traceId) && !forgotten.has(traceId)).toBe(true);
    expect(told.size - forgotten.size).toBe(selection.candidates);
    expect(told.size).toBeLessThan(COUNT / 15);
  });

  test('draws from the whole phase and not from its beginning', () => {
    // All in one band: nothing but chance decides.
    const counts = [0, 0, 0, 0];
    for (let seed = 0; seed < 300; seed++) {
      const equal = Array.from({ length: 2_000 }, (_, number) => operation(number, 5));
      const one = select(equal, { slowest: 0, perBand: 3, perPercentile: 3 }, seed).selection;
      for (const { startMs } of one.choose([{ load: 'registers', phase: 'baseline', at: [{ bucket: 'p50', ms: 5 }] }]))
        counts[Math.floor(startMs / 500)] = (counts[Math.floor(startMs / 500)] as number) + 1;
    }
    // 225 expected in each quarter, with a standard deviation of 13.
    for (const count of counts) expect(Math.abs(count - 225)).toBeLessThan(65);
  });

  test('keeps phases and loads apart', () => {
    const mixed = all.slice(0, 6_000).map((ms, number) =>
      operation(number, number % 3 === 0 ? ms * 100 : ms, {
        phase: number % 3 === 0 ? 'fault' : 'baseline',
        load: number % 2 === 0 ? 'bank' : 'lists',
      }),
    );
    const kept = select(mixed).selection.choose([]);
    for (const load of ['bank', 'lists'])
      for (const phase of ['baseline', 'fault']) {
        const own = mixed
          .filter((each) => each.load === load && each.phase === phase)
          .sort((a, b) => b.responseMs - a.responseMs);
        const found = kept.filter((each) => each.load === load && each.phase === phase);
        expect(found.map(({ traceId }) => traceId)).toEqual(own.slice(0, 10).map(({ traceId }) => traceId));
      }
  });

  test('has a few that failed, and they count for no percentile', () => {
    const failing = operations.slice(0, 3_000).map((each, number) => ({
      ...each,
      ...(number % 10 === 0 && { outcome: number % 20 === 0 ? ('info' as const) : ('fail' as const), responseMs: 10_000 }),
    }));
    const kept = select(failing).selection.choose([percentiles(all)]);
    for (const outcome of ['fail', 'info'] as const) {
      const own = kept.filter((each) => each.outcome === outcome);
      expect(own).toHaveLength(5);
      for (const { keptFor } of own) expect(keptFor).toEqual([outcome]);
    }
  });

  test('is bounded, whatever the spread of the times', () => {
    const random = new Random(3);
    const wide = Array.from({ length: 20_000 }, (_, number) => operation(number, 10 ** (random.float() * 8 - 3)));
    const { most, selection: bounded } = select(wide, { candidates: 300 });
    expect(most).toBeLessThanOrEqual(310);
    expect(bounded.choose([]).filter(({ keptFor }) => keptFor.includes('slowest'))).toHaveLength(10);
  });

  test('is repeated by its seed', () => {
    const ids = (seed: number) =>
      select(operations.slice(0, 5_000), {}, seed)
        .selection.choose([wanted])
        .map(({ traceId }) => traceId);
    expect(ids(5)).toEqual(ids(5));
    expect(ids(5)).not.toEqual(ids(6));
  });

  test('chooses nothing for a percentile that no candidate is near', () => {
    const few = select([operation(1, 1), operation(2, 100)], { slowest: 0 }).selection;
    expect(few.choose([{ load: 'registers', phase: 'baseline', at: [{ bucket: 'p90', ms: 10 }] }])).toEqual([]);
  });
});
