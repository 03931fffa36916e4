import { expect, test } from 'vitest';
import { trendsOf } from '../compare/trends.ts';
import type { Run } from '../result/schema.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import type { PageData } from './client/chart-data.ts';
import { HARM, hostileRun } from './testing/runs.ts';
import { renderTrendsPage } from './trends-page.ts';

const SAMPLE = sampleRun();

/** A result of each day; from the sixth on, the first benchmark takes twice as long. */
function days(count: number, source: Run = SAMPLE): Run[] {
  return Array.from({ length: count }, (_, day) => {
    const run = structuredClone({
      ...source,
      scenarios: [],
      id: `day-${day}`,
      startedAt: new Date(Date.UTC(2026, 0, 1 + day)).toISOString(),
    });
    const [first] = run.microbenchmarks;
    if (first?.nanoseconds) first.nanoseconds.median *= (day >= 6 ? 2 : 1) * (1 + 0.01 * ((day * 7) % 5));
    return run;
  });
}

const page = (runs: readonly Run[], reason = 'old/run.json has schema version 0') =>
  renderTrendsPage(trendsOf(runs, { refused: [{ path: 'old/run.json', reason }] }));
const dataOf = (text: string) =>
  JSON.parse(/<script type="application\/json" id="data">([^]*?)<\/script>/.exec(text)?.[1] ?? '') as PageData;
const body = (text: string) => text.replaceAll(/<(script|style)\b[^]*?<\/\1>/g, '');

test('what may have changed is plotted first, with its levels and the band of the last one', () => {
  const text = page(days(12));
  const [chart] = dataOf(text).charts;
  expect(chart).toMatchObject({
    title: 'actor/ask median',
    x: 'result',
    unit: 'ns',
    at: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  });
  expect(chart?.names?.[6]).toBe('2026-01-07 eb14d2c');
  expect(chart?.series.map(({ label }) => label)).toEqual(['measured', 'level', 'band from', 'to']);
  const [measured, level, from, to] = chart?.series.map(({ values }) => values) ?? [];
  expect(measured?.[0]).toBeCloseTo(1_420, 6);
  expect(new Set(level).size).toBe(2);
  expect(level?.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => level?.[0]));
  expect((level?.[6] as number) / (level?.[5] as number)).toBeCloseTo(2, 1);
  expect(from?.slice(0, 7)).toEqual([null, null, null, null, null, null, expect.closeTo(from?.[11] as number, 6)]);
  expect(to?.[11]).toBeGreaterThan(from?.[11] as number);
  expect(body(text)).toMatch(/x2\.0\d from 2026-01-07 eb14d2c on, p = 0\.00\d/);
  expect(body(text)).toContain('old/run.json has schema version 0');
  expect(body(text)).toContain('at most 1 % show one');
});

test('single points are in the table, and not plotted', () => {
  const text = page(days(1));
  expect(dataOf(text).charts).toEqual([]);
  expect(body(text)).toContain('actor/ask median');
  expect(body(text)).toContain('are not plotted');
});

test('no text of a result becomes markup or script', () => {
  const text = page(days(3, hostileRun()), HARM);
  expect(body(text)).toContain('&lt;');
  expect(text).not.toContain(HARM);
  expect(text.match(/<script/g)).toHaveLength(2);
  expect(text.match(/<img/g)).toBeNull();
});
