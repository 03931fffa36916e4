import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { type Trend, type Trends, TRENDS_VERSION } from '../result/trends.ts';
import { renderTrends } from './trends-text.ts';

const point = (value: number, day: number) => ({
  id: `2026010${day}T000000Z-abcdef${day}`,
  startedAt: `2026-01-0${day}T00:00:00.000Z`,
  commit: `abcdef${day}00`,
  value,
});
const series = (metric: string, values: readonly number[], more: Partial<Trend> = {}): Trend => ({
  metric,
  unit: 'ns',
  better: 'lower',
  machine: 0,
  variant: 1,
  points: values.map((value, at) => point(value, at + 1)),
  ...more,
});

function trends(more: Partial<Trends> = {}): Trends {
  const level = [500, 510, 505, 700, 710, 705, 700];
  return {
    schema: 'windtunnel-history',
    schemaVersion: TRENDS_VERSION,
    machines: [
      { CPU: 'AMD EPYC', cores: '2', kernel: '6.1' },
      { CPU: 'ARM', cores: '4', kernel: '6.1' },
    ],
    results: [...level.map((_, at) => ({ ...point(0, at + 1), machine: 0 })), { ...point(0, 9), machine: 1 }].map(
      ({ id, startedAt, commit, machine }) => ({ id, startedAt, commit, machine }),
    ),
    refused: [
      { path: 'results/old/run.json', reason: 'results/old/run.json has schema version 0, and this Windtunnel reads version 1' },
    ],
    falseRate: 0.01,
    leastPoints: 10,
    series: [
      series('actor/ask median', level, {
        band: { low: 690, median: 702, high: 715, points: 4 },
        changes: [{ at: 3, ratio: 1.4, p: 0.001 }],
      }),
      series('actor/ask heap', [312, 312, 312], { unit: 'bytes' }),
      series('raft/propose messages', [4, 4, 4, 4, 4, 5], {
        unit: 'per operation',
        band: { low: 4, median: 4, high: 4, points: 6 },
        changes: [],
      }),
      series('steady successes', [246, 247, 246, 245, 247], {
        unit: 'per second',
        better: 'higher',
        variant: 2,
        band: { low: 240, median: 246, high: 252, points: 5 },
      }),
      series('actor/ask median', [900], { machine: 1 }),
    ],
    ...more,
  };
}

test.each([72, 110])('in %d columns', async (width) => {
  const text = renderTrends(trends(), { colour: false, width });
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
  await expect(text).toMatchFileSnapshot(`./testing/trends-${width}.txt`);
});

test('colours change nothing but the colour', () => {
  const coloured = renderTrends(trends(), { colour: true, width: 100 });
  expect(coloured).toContain('\u001b[33mchanged?\u001b[39m');
  expect(stripVTControlCharacters(coloured)).toBe(renderTrends(trends(), { colour: false, width: 100 }));
});

test('no text of a result steers the terminal', () => {
  const text = renderTrends(trends({ series: [series('a\u001b[2Jb\u202ec\nd', [1])] }), { colour: false, width: 80 });
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(text).toContain('abc d');
});
