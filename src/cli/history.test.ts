import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeRun } from '../harness/result/files.ts';
import { sampleRun } from '../harness/result/testing/sample-run.ts';
import { trendsSchema } from '../harness/result/trends.ts';
import { windtunnel } from './testing/windtunnel.ts';

// Twelve days; on the seventh, a benchmark became slower. And three files that cannot be read.
let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'windtunnel-history-'));
  const sample = sampleRun();
  for (let day = 1; day <= 12; day++) {
    const run = structuredClone(sample);
    run.id = `202601${String(day).padStart(2, '0')}T000000Z-abcdef0`;
    run.startedAt = new Date(Date.UTC(2026, 0, day)).toISOString();
    for (const { nanoseconds } of run.microbenchmarks) if (nanoseconds) nanoseconds.median *= 1 + 0.01 * ((day * 7) % 5);
    const [ask] = run.microbenchmarks;
    if (ask?.nanoseconds && day >= 7) ask.nanoseconds.median *= 1.5;
    await write(run.id, run);
  }
  await write('baseline', { ...structuredClone(sample), id: 'other', startedAt: '2025-12-31T00:00:00.000Z' });
  for (const name of ['older', 'newer', 'truncated']) await write(name, sample);
  const edit = (name: string, by: string) => {
    const path = join(root, name, 'run.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"schemaVersion": 1', by));
  };
  edit('older', '"schemaVersion": 0');
  edit('newer', '"schemaVersion": 2');
  truncateSync(join(root, 'truncated', 'run.json'), 1_000);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function write(name: string, run: Parameters<typeof writeRun>[1]): Promise<void> {
  mkdirSync(join(root, name));
  await writeRun(join(root, name), run);
}

test('a line for each series, where its level changed, what was not read, and how often that is wrong', async () => {
  const { code, out, err } = await windtunnel('history', '--results', root, '--metric', 'actor/');
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('── 13 results of one machine ');
  expect(out).toMatch(/actor\/ask median +[▁-█]{7}┊[▁-█]{6} .* changed\?\n/);
  expect(out).toMatch(/actor\/ask median: x1\.5\d from 20260107T000000Z-abcdef0 \(commit \w{7}\) on, p = 0\.00\d/);
  expect(out).toMatch(/actor\/ask heap +▁{13} .* within\n/);
  expect(out).toMatch(/actor\/tell-batch median +[▁-█]+ .* within\n/);
  for (const reason of ['at most 1% show one', 'has schema version 0', 'has schema version 2', 'is cut off after 1000 bytes'])
    expect(out.replaceAll(/\s+/g, ' ')).toContain(reason);
  expect(out).not.toContain('steady');
});

test('json fits the schema', async () => {
  const { code, out } = await windtunnel('history', '--results', root, '--format', 'json');
  expect(code).toBe(0);
  const trends = trendsSchema.parse(JSON.parse(out));
  expect(trends.results).toHaveLength(13);
  expect(trends.refused).toHaveLength(3);
  const ask = trends.series.find(({ metric }) => metric === 'actor/ask median');
  expect(ask?.changes?.map(({ at }) => at)).toEqual([7]);
});

describe('the page', () => {
  test.each([
    ['beside the results', () => ['--html'], 'history.html'],
    ['where it is told to', (at: string) => ['--html', join(at, 'mine.html')], 'mine.html'],
  ])('is written %s', async (_, words, name) => {
    const path = join(root, name);
    expect(await windtunnel('history', '--results', root, ...words(root))).toEqual({ code: 0, out: `${path}\n`, err: '' });
    expect(readFileSync(path, 'utf8')).toContain('<title>History · Windtunnel</title>');
  });

  test('that cannot be written is named', async () => {
    const { code, err } = await windtunnel('history', '--results', root, '--html', join(root, 'no', 'such.html'));
    expect(code).toBe(1);
    expect(err).toMatch(/^windtunnel: the page was not written: .*such\.html.*\n$/);
  });
});

describe('what there is nothing of', () => {
  test('a metric that no result has', async () => {
    expect(await windtunnel('history', '--results', root, '-m', 'nonsense')).toEqual({
      code: 1,
      out: '',
      err: "windtunnel: no metric of 13 results has 'nonsense' in its name\n",
    });
  });
});
