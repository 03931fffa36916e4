import { describe, expect, test } from 'vitest';
import type { Saturation, ScenarioResult } from '../result/schema.ts';
import { runSchema } from '../result/schema.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import { exitOf } from './exit.ts';
import { renderSummary } from './summary.ts';

const step = (rate: number, more: Partial<Saturation['steps'][number]> = {}): Saturation['steps'][number] => ({
  rate,
  startMs: 0,
  endMs: 5_000,
  offered: rate,
  achieved: rate,
  p50: 4.2,
  p99: 38,
  max: 60,
  errors: 0,
  dropped: 0,
  held: true,
  reasons: [],
  ...more,
});
const overloaded = step(1_500, {
  achieved: 1_210,
  p50: 900,
  p99: 1_900,
  errors: 12,
  dropped: 310,
  held: false,
  reasons: ['p99 1.9s', '80% answered in time', '310 dropped'],
});

function summaryWith(more: Partial<ScenarioResult>, width = 100): string {
  const run = sampleRun();
  run.scenarios.splice(0, 1);
  Object.assign(run.scenarios[0] as object, more);
  runSchema.parse(run);
  return renderSummary({ ...run, exit: exitOf(run) }, { colour: false, width, path: 'results/x/run.json' });
}

const found: Saturation = {
  load: 'registers',
  limitMs: 250,
  outcome: 'found',
  knee: 1_000,
  steps: [step(500), step(1_000), overloaded],
};

test('the summary shows every step and the knee', () => {
  const text = summaryWith({ saturation: found });
  const section = /  saturation[^]*?\n\n/.exec(text)?.[0];
  expect(section).toBe(
    [
      '  saturation registers, per second; a step holds with p99 below 250ms',
      '        rate  offered  achieved     p50     p99  errors',
      '    ✓    500      500       500  4.20ms  38.0ms       0',
      '    ✓  1,000    1,000     1,000  4.20ms  38.0ms       0',
      '    ✗  1,500    1,500     1,210   900ms    1.9s      12  p99 1.9s, 80% answered in time, 310 dropped',
      '    knee  1,000/s: the highest step that held',
      '\n',
    ].join('\n'),
  );
});

test('what the generator was at fault for says so first', () => {
  const steps = [step(500, { generator: '0.99 of a core' }), { ...overloaded, generator: 'started late by 80.0ms' }];
  const text = summaryWith({ saturation: { ...found, steps } });
  expect(text).toMatch(/✗  1,500 .* generator started late by 80\.0ms, p99 1\.9s/);
  // What held is beyond doubt.
  expect(text).not.toContain('0.99 of a core');
});

test('it fits a narrow terminal', () => {
  const lines = summaryWith({ saturation: found }, 72).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(72);
});

describe('the knee in words', () => {
  test.each<[Partial<Saturation>, string]>([
    [
      { outcome: 'not-reached', steps: [step(500), step(1_000)] },
      'not reached: the highest step, 1,000/s, still held; let the steps go higher',
    ],
    [{ outcome: 'generator-limited' }, 'at least 1,000/s: above it the generator itself was in trouble'],
    [{ outcome: 'generator-limited', knee: undefined }, 'unknown: the generator itself was in trouble before any step held'],
    [{ outcome: 'below-first-step', knee: undefined, steps: [overloaded] }, 'below 1,500/s: no step held; begin with lower ones'],
    [{ outcome: 'not-measured', knee: undefined, steps: [] }, 'unknown: no step was run to its end'],
  ])('%j', (more, words) => {
    expect(summaryWith({ saturation: { ...found, ...more } })).toContain(`    knee  ${words}`);
  });
});

test('what the nemesis skipped is listed with the reason, and does not change the exit code', () => {
  const skippedFaults = [{ kind: 'crash', target: 'leader', atMs: 12_000, reason: 'nobody led at that moment' }];
  const text = summaryWith({ skippedFaults });
  expect(text).toContain('    – crash of leader at 12.0s skipped: nobody led at that moment');
  expect(summaryWith({ faults: [], skippedFaults })).toContain('skipped: nobody led');
  const code = (summary: string) => /\(exit code (\d+)\)/.exec(summary)?.[1];
  expect(code(text)).toBe(code(summaryWith({})));
});
