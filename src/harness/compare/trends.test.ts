import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { Run, ScenarioResult } from '../result/schema.ts';
import { trendsSchema } from '../result/trends.ts';
import { emptyRun, recorded, sample } from './testing/recordings.ts';
import { trendsOf } from './trends.ts';

/** A result of each day, with the benchmarks' true medians of that day. */
function days(medians: readonly number[], change: (run: Run, day: number) => void = () => {}): Run[] {
  const random = new Random(3);
  return medians.map((median, day) => {
    const run = structuredClone(
      emptyRun({ microbenchmarks: [recorded(random, 'a/b', median * (0.98 + 0.04 * random.float()))] }),
    );
    run.startedAt = new Date(Date.UTC(2026, 0, 1 + day)).toISOString();
    run.id = `day-${day}`;
    change(run, day);
    return run;
  });
}

const step = [...Array.from({ length: 12 }, () => 500), ...Array.from({ length: 12 }, () => 700)];

describe('a series', () => {
  test('has its points by time, a change where its level changes, and the band of its last level', () => {
    const trends = trendsOf(new Random(1).shuffle(days(step)), { refused: [] });
    expect(trendsSchema.parse(JSON.parse(JSON.stringify(trends)))).toEqual(trends);
    const [series] = trends.series;
    expect(series?.points.map(({ id }) => id)).toEqual(step.map((_, day) => `day-${day}`));
    expect(series?.changes).toEqual([{ at: 12, p: 0.001, ratio: expect.closeTo(1.4, 1) }]);
    expect(series?.band?.points).toBe(12);
    expect(series?.band?.low).toBeGreaterThan(600);
    expect(series?.band?.low).toBeLessThan(700);
    expect(series?.band?.high).toBeGreaterThan(700);
    expect(series?.band?.high).toBeLessThan(800);
  });

  test('with few points has no band and was not looked at', () => {
    const [series] = trendsOf(days([500, 700, 500, 700]), { refused: [] }).series;
    expect(series?.points).toHaveLength(4);
    expect(series).not.toHaveProperty('band');
    expect(series).not.toHaveProperty('changes');
  });

  test('of what is 0 for a while is no trouble', () => {
    const runs = days(step, (run, day) =>
      Object.assign(run.microbenchmarks[0] as object, { heapBytesPerOperation: day < 12 ? 0 : 64 }),
    );
    const heap = trendsOf(runs, { refused: [], metric: 'HEAP' }).series;
    expect(heap.map(({ metric }) => metric)).toEqual(['a/b heap']);
    expect(heap[0]?.changes?.map(({ at }) => at)).toEqual([12]);
    expect(Number.isFinite(heap[0]?.changes?.[0]?.ratio)).toBe(true);
  });
});

describe('what is another series', () => {
  test('another machine', () => {
    const runs = days(step, (run, day) => (run.environment.kernel = day < 12 ? '6.1' : '6.2'));
    const { machines, series, results } = trendsOf(runs, { refused: [] });
    expect(machines.map(({ kernel }) => kernel)).toEqual(['6.1', '6.2']);
    expect(series.map(({ machine, points, changes }) => [machine, points.length, changes])).toEqual([
      [0, 12, []],
      [1, 12, []],
    ]);
    expect(results.filter(({ machine }) => machine === 1)).toHaveLength(12);
  });

  test('a scenario that was configured differently', () => {
    const runs = days([1, 1, 1], (run, day) => {
      const [steady] = sample().scenarios as [ScenarioResult];
      steady.configuration = { rate: day === 1 ? 200 : 500 };
      run.scenarios = [steady];
    });
    const { series } = trendsOf(runs, { refused: [], metric: 'steady successes' });
    expect(series.map(({ variant, points }) => [variant, points.map(({ id }) => id)])).toEqual([
      [1, ['day-0', 'day-2']],
      [2, ['day-1']],
    ]);
  });

  test('an invalid or unfinished scenario is none, and the same result twice is one', () => {
    const [first, second, third] = days([1, 1, 1], (run) => (run.scenarios = sample().scenarios.slice(0, 1))) as [Run, Run, Run];
    first.scenarios[0]?.invalid.push('late');
    (second.scenarios[0] as ScenarioResult).status = 'aborted';
    const trends = trendsOf([first, second, third, structuredClone(third)], { refused: [], metric: 'steady' });
    expect(trends.results).toHaveLength(3);
    for (const { points } of trends.series) expect(points.map(({ id }) => id)).toEqual(['day-2']);
    expect(trends.series.map(({ metric }) => metric)).toContain('steady registers read baseline p99');
  });
});
