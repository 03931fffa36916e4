import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { CriticalPath, ScenarioResult } from '../result/schema.ts';
import { tracedRun } from '../traces/testing/traced-run.ts';
import { formatPercent, pathSentence, pathTable } from './path-table.ts';
import { styleOf } from './text.ts';
import { verdictLines } from './verdict-lines.ts';

const { scenario } = tracedRun();
const linesOf = (of: ScenarioResult, width = 80) => pathTable(of, styleOf(false), width);
const path = (shares: CriticalPath['shares']): CriticalPath => ({
  load: 'registers',
  phase: 'baseline',
  bucket: 'p99',
  traces: 5,
  responseMs: 12,
  shares,
});

describe('where the time went', () => {
  test('is a table of parts by phase and percentile', async () => {
    for (const width of [80, 100]) {
      const lines = linesOf(scenario, width);
      await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`testing/where-the-time-went-${width}.txt`);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  test('is as wide with colour as without', () => {
    const plain = pathTable(scenario, styleOf(true), 100).map((line) => stripVTControlCharacters(line).trimEnd());
    expect(plain).toEqual(linesOf(scenario, 100));
  });

  test('names the loads when there are several', () => {
    const { traces } = scenario;
    const second = traces?.criticalPaths.map((each) => ({ ...each, load: 'bank' })) ?? [];
    const two = {
      ...scenario,
      traces: { ...(traces as object), criticalPaths: [...(traces?.criticalPaths ?? []), ...second] },
    } as ScenarioResult;
    expect(linesOf(two).filter((line) => /^ {2}(registers|bank)$/.test(line))).toEqual(['  registers', '  bank']);
  });

  test('of a run with other phases only is shown all the same, and of one without traces not at all', () => {
    const after = {
      ...scenario,
      traces: { ...scenario.traces, criticalPaths: scenario.traces?.criticalPaths.filter(({ phase }) => phase === 'after') },
    };
    expect(linesOf(after as ScenarioResult)[1]?.trim()).toBe('after');
    expect(linesOf({ ...scenario, traces: undefined })).toEqual([]);
    const nothing = {
      ...scenario,
      traces: { ...scenario.traces, kept: 0, incomplete: 0, spansLost: 0, list: [], criticalPaths: [] },
    } as ScenarioResult;
    expect(linesOf(nothing)).toEqual(['  where the time went', '    0 traces kept, all complete']);
  });

  test.each<[string, CriticalPath['shares']]>([
    [
      'p99: 62% fsync',
      [
        { part: 'network', share: 0.2 },
        { part: 'fsync', share: 0.62 },
        { part: 'apply', share: 0.18 },
      ],
    ],
    [
      'p99: 40% fsync, 35% network',
      [
        { part: 'network', share: 0.35 },
        { part: 'fsync', share: 0.4 },
      ],
    ],
    [
      'p99: 50% fsync, 28% network',
      [
        { part: 'network', share: 0.28 },
        { part: 'fsync', share: 0.5 },
      ],
    ],
    ['p99: nothing', []],
  ])('in a sentence: %s', (sentence, shares) => {
    expect(pathSentence(path(shares))).toBe(sentence);
  });

  test.each([
    [0, '–'],
    [0.0004, '–'],
    [0.003, '0.3%'],
    [0.0096, '1%'],
    [0.62, '62%'],
    [1, '100%'],
  ])('a share of %d is %s', (share, text) => expect(formatPercent(share)).toBe(text));
});

test('the verdict says whether the slowest requests are explained', () => {
  const said = (of: ScenarioResult) => verdictLines(of, styleOf(false), 200).find((line) => line.includes('explained?'));
  expect(said(scenario)).toMatch(/✓ complete +timeline, fault windows and complete traces of 29 of the slowest requests$/);
  const verdicts = { ...scenario.verdicts, explained: 'partial' as const };
  expect(said({ ...scenario, verdicts })).toMatch(/something is missing: n1 was killed at 10\.0s with the spans it held$/);
  expect(said({ ...scenario, verdicts, traces: undefined })).toMatch(
    /– partial +timeline and fault windows; no traces of the slowest requests$/,
  );
});
