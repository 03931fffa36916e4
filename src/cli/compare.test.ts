import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { comparisonSchema } from '../harness/result/comparison.ts';
import { writeRun } from '../harness/result/files.ts';
import type { Run } from '../harness/result/schema.ts';
import { sampleRun } from '../harness/result/testing/sample-run.ts';
import { start, windtunnel } from './testing/windtunnel.ts';

const SAMPLE = sampleRun();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-compare-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the sample with a change, and returns the path of its run.json. */
async function result(name: string, change: (run: Run) => void = () => {}): Promise<string> {
  const run = structuredClone(SAMPLE);
  change(run);
  mkdirSync(join(folder, name), { recursive: true });
  return writeRun(join(folder, name), run);
}

const withMessages = (messages: number) => (run: Run) =>
  Object.assign(run.microbenchmarks[0] as object, { counts: { operations: 10, counted: { messages } } });

let base: string;
beforeEach(async () => {
  base = await result('base', withMessages(40));
});

describe('exit codes', () => {
  test('0 when nothing rose, whatever the times did', async () => {
    const head = await result('slow', (run) => {
      withMessages(40)(run);
      for (const { nanoseconds } of run.microbenchmarks.slice(1, 2))
        if (nanoseconds) Object.assign(nanoseconds, { median: 9_000, interval95: [8_900, 9_100] });
    });
    const { code, out, err } = await windtunnel('compare', base, dirname(head));
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/actor\/tell-batch +86\.4ns +9\.00us +x104 .* slower/);
    expect(out).toContain('1 deterministic count, the same');
    expect(out).toContain('✓ nothing gated got worse (exit code 0)');
  });

  test('94 when a deterministic count rose', async () => {
    const { code, out } = await windtunnel('compare', base, await result('more', withMessages(41)));
    expect(code).toBe(94);
    expect(out).toContain('✗ regression (exit code 94)\n    - actor/ask: 4 messages an operation became 4.1\n');
    expect((await windtunnel('compare', base, await result('fewer', withMessages(39)))).code).toBe(0);
  });
});

test('json fits the schema of comparisons, and has the exit code in it', async () => {
  const { code, out } = await windtunnel('compare', base, await result('json', withMessages(41)), '--format', 'json');
  const comparison = comparisonSchema.parse(JSON.parse(out));
  expect([code, comparison.exit.code]).toEqual([94, 94]);
  expect(comparison.measurements.length).toBeGreaterThan(10);
});

test('markdown is one summary line, what changed, and the rest folded', async () => {
  const { code, out } = await windtunnel('compare', base, await result('md', withMessages(41)), '--format=markdown');
  expect(code).toBe(94);
  expect(out).toMatch(/^\*\*Windtunnel ❌ regression\*\* · times: .* · 1 deterministic count: 1 rose, 0 fell, 0 the same\n/);
  expect(out).toContain('| <code>actor/ask messages</code> | 4 | 4.1 | ❌ more |');
  expect(out).toMatch(/<details><summary>Other times \(\d+\)<\/summary>/);
});

test('baseline, latest, a commit and a ref are found as everywhere', async () => {
  const checkout = join(folder, 'checkout');
  mkdirSync(checkout);
  const git = (...words: string[]) => execFileSync('git', words, { cwd: checkout, encoding: 'utf8' }).trim();
  git('init', '--quiet', '--initial-branch', 'main');
  git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--allow-empty', '--no-gpg-sign', '-m', 'first');
  const commit = git('rev-parse', 'HEAD').slice(0, 7);
  const id = `20261123T000000Z-${commit}`;
  await result('checkout/results/baseline', withMessages(40));
  await result(`checkout/results/${id}`, (run) => {
    run.id = id;
    withMessages(42)(run);
  });
  for (const head of ['latest', commit, 'main', 'HEAD']) {
    const run = start(['compare', 'baseline', head], { cwd: checkout });
    expect([head, (await run.ended).code, run.err()]).toEqual([head, 94, '']);
    expect(run.out()).toContain(`HEAD  ${id}`);
  }
});

describe('what cannot be compared is named, with exit code 1', () => {
  const spoiled: readonly [string, (path: string) => void, RegExp][] = [
    ['truncated', (path) => truncateSync(path, 2_000), /spoiled\/run\.json is cut off after 2000 bytes/],
    ['empty', (path) => truncateSync(path, 0), /spoiled\/run\.json is empty/],
    ['not JSON', (path) => appendFileSync(path, '}'), /spoiled\/run\.json is not JSON/],
    ['foreign', (path) => writeFileSync(path, '{"schema":"k6"}'), /spoiled\/run\.json is not a result of Windtunnel/],
    [
      'of a newer schema',
      edit('"schemaVersion": 1', '"schemaVersion": 2'),
      /spoiled\/run\.json has schema version 2, .*update Windtunnel/,
    ],
    [
      'of an older schema',
      edit('"schemaVersion": 1', '"schemaVersion": 0'),
      /spoiled\/run\.json has schema version 0, .*run it again/,
    ],
    [
      'edited',
      edit('"cores": 2', '"cores": "two"'),
      /spoiled\/run\.json does not fit its schema \(was it edited\?\): environment\.cores/,
    ],
  ];
  test.each(spoiled)('a file that is %s', async (_, spoil, message) => {
    const path = await result('spoiled');
    spoil(path);
    for (const words of [
      [base, path],
      [path, base],
    ]) {
      const { code, out, err } = await windtunnel('compare', ...words);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(message);
    }
  });
});

function edit(what: string, by: string): (path: string) => void {
  return (path) => {
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(what);
    writeFileSync(path, text.replace(what, by));
  };
}
