import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { ResultError, type ResultErrorCode } from './error.ts';
import { createResultFolder, readRun, resultId, writeRun } from './files.ts';
import type { Run } from './schema.ts';
import { sampleRun } from './testing/sample-run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windtunnel-result-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The ResultError of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<ResultError> {
  const error: unknown = await call.then(
    () => expect.fail('it should have failed'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ResultError);
  return error as ResultError;
}

describe('names', () => {
  const startedAtMs = Date.UTC(2026, 10, 22, 16, 2, 59, 250);
  const commit = 'eb14d2c0f5c3a1b2d4e6f8091a2b3c4d5e6f7081';

  test('are time and commit', () => {
    expect(resultId(startedAtMs, { commit, dirty: false })).toBe('20261122T160259Z-eb14d2c');
    expect(resultId(startedAtMs, { commit, dirty: true })).toBe('20261122T160259Z-eb14d2c-dirty');
    expect(resultId(startedAtMs, undefined)).toBe('20261122T160259Z-unversioned');
  });

  test('a folder is never used twice', async () => {
    const root = join(folder, 'not', 'yet');
    expect(await createResultFolder(root, 'a')).toEqual({ id: 'a', folder: join(root, 'a') });
    expect((await createResultFolder(root, 'a')).id).toBe('a-2');
    expect((await createResultFolder(root, 'a')).id).toBe('a-3');
    expect((await readdir(root)).sort()).toEqual(['a', 'a-2', 'a-3']);
  });

  test('of many made at once each is another', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => createResultFolder(folder, 'b')));
    expect(new Set(made.map(({ id }) => id)).size).toBe(8);
  });
});

describe('writing', () => {
  test('what is written is read again, by folder and by file, and nothing else is left', async () => {
    const run = sampleRun();
    const path = await writeRun(folder, run);
    expect(await readdir(folder)).toEqual(['run.json']);
    const read = await readRun(folder);
    expect(await readRun(path)).toEqual(read);
    expect(read.scenarios[1]?.statistics[3]?.responseTime.histogram).toBe(
      run.scenarios[1]?.statistics[3]?.responseTime.histogram,
    );
    expect(read.scenarios[1]?.faults).toEqual(run.scenarios[1]?.faults);
    // Writing what was read changes nothing: rounding is done once.
    await writeRun(folder, read);
    expect(await readRun(folder)).toEqual(read);
  });

  test('measured numbers are rounded, what a user configured is not', async () => {
    const run = sampleRun();
    (run.scenarios[0] as { durationMs: number }).durationMs = 20_012.400_000_000_1;
    run.scenarios[0]?.thresholds.push({ metric: 'm', threshold: 't', observed: 0.000_123_456_78, passed: true, aborted: false });
    const read = await readRun(await writeRun(folder, run));
    expect(read.scenarios[0]?.durationMs).toBe(20_012.4);
    expect(read.scenarios[0]?.thresholds.at(-1)?.observed).toBe(0.000_123_5);
    expect(read.scenarios[0]?.configuration).toEqual(run.scenarios[0]?.configuration);
    expect(JSON.stringify(read.scenarios[0]?.configuration)).toContain('500.123456');
  });

  test('keys have the order of the schema whatever order they were made in', async () => {
    const run = sampleRun();
    const reversed = Object.fromEntries(Object.entries(run).reverse()) as Run;
    const first = await readFile(await writeRun(folder, run), 'utf8');
    expect(await readFile(await writeRun(folder, reversed), 'utf8')).toBe(first);
    expect(Object.keys(JSON.parse(first) as object).slice(0, 3)).toEqual(['schema', 'schemaVersion', 'id']);
  });

  test('one record is one line', async () => {
    const lines = (await readFile(await writeRun(folder, sampleRun()), 'utf8')).split('\n');
    expect(lines.filter((line) => line.includes('"roles"') || line.includes('"role": "leader"'))).toContain(
      '        { "atMs": 10416, "node": "n3", "role": "leader", "term": 2 }',
    );
    expect(lines.at(-1)).toBe('');
  });

  test.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a negative duration', -1],
  ])('%s is refused by name, and the file of before stays', async (_, durationMs) => {
    await writeRun(folder, sampleRun());
    const before = await readFile(join(folder, 'run.json'), 'utf8');
    const run = sampleRun();
    (run.scenarios[1] as { durationMs: number }).durationMs = durationMs;
    const error = await failure(writeRun(folder, run));
    expect(error.code).toBe('not-written');
    expect(error.message).toContain('scenarios[1].durationMs');
    expect(await readFile(join(folder, 'run.json'), 'utf8')).toBe(before);
    expect(await readdir(folder)).toEqual(['run.json']);
  });

  test('a number in the configuration that JSON cannot hold is refused, a missing option is left out', async () => {
    const run = sampleRun();
    const [scenario] = run.scenarios;
    Object.assign(scenario?.configuration as object, { maxVUs: undefined });
    expect((await readRun(await writeRun(folder, run))).scenarios[0]?.configuration).not.toHaveProperty('maxVUs');
    Object.assign(scenario?.configuration as object, { loads: { a: { rate: Number.POSITIVE_INFINITY } } });
    expect((await failure(writeRun(folder, run))).message).toContain('scenarios[0].configuration: must be plain JSON');
  });

  test('a folder that is gone is an error, and no file is left', async () => {
    await expect(writeRun(join(folder, 'gone'), sampleRun())).rejects.toThrow('ENOENT');
  });
});

describe('reading', () => {
  /** Writes a good run, changed as text, and reads it. */
  async function readChanged(change: (text: string) => string): Promise<ResultError> {
    const path = await writeRun(folder, sampleRun());
    await writeFile(path, change(await readFile(path, 'utf8')));
    return failure(readRun(path));
  }

  test.each<[string, ResultErrorCode, string, (text: string) => string]>([
    ['an empty file', 'empty', 'is empty', () => ''],
    ['white space', 'empty', 'is empty', () => ' \n'],
    ['half a file', 'truncated', 'is cut off after', (text) => text.slice(0, text.length / 2)],
    ['a file without its last brace', 'truncated', 'is cut off after', (text) => text.trimEnd().slice(0, -1)],
    ['a syntax error', 'not-json', 'complete', (text) => text.replace('"status": "complete"', '"status": complete')],
    ['a list', 'not-a-result', '"schema": "windtunnel-run"', () => '[]'],
    ['null', 'not-a-result', '"schema": "windtunnel-run"', () => ' null }'.replace(' }', '')],
    ["another tool's JSON", 'not-a-result', 'not a result of Windtunnel', () => '{ "metrics": {} }'],
    ['a newer schema', 'newer-schema', 'schema version 2, and this Windtunnel reads version 1: update', version(2)],
    ['an older schema', 'older-schema', 'schema version 0, and this Windtunnel reads version 1', version(0)],
    ['a schema version that is none', 'invalid', 'schemaVersion', version('"1"')],
    ['a number made text', 'invalid', 'scenarios[0].totals.ok', (text) => text.replace('"ok": 9871', '"ok": "9871"')],
    ['a removed field', 'invalid', 'environment.cores', (text) => text.replace('"cores": 2,', '')],
    ['an unknown field', 'invalid', 'fastest', (text) => text.replace('"cores": 2,', '"cores": 2, "fastest": true,')],
    ['a verdict we do not know', 'invalid', 'scenarios[0].checks[0].verdict', (text) => text.replace('"valid"', '"fine"')],
  ])('%s is refused', async (_, code, message, change) => {
    const error = await readChanged(change);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).toContain(join(folder, 'run.json'));
  });

  test('a file cut off anywhere is said to be cut off', async () => {
    const path = await writeRun(folder, sampleRun());
    const text = (await readFile(path, 'utf8')).trimEnd();
    const random = new Random(9);
    for (let i = 0; i < 60; i++) {
      await writeFile(path, text.slice(0, random.integer(1, text.length - 1)));
      expect((await failure(readRun(path))).code).toBe('truncated');
    }
  });

  test('what is not there is missing', async () => {
    const nowhere = await failure(readRun(join(folder, 'nowhere')));
    expect([nowhere.code, nowhere.message]).toEqual(['missing', `no result at ${join(folder, 'nowhere')}`]);
    await mkdir(join(folder, 'unfinished'));
    const unfinished = await failure(readRun(join(folder, 'unfinished')));
    expect([unfinished.code, unfinished.message.includes('may not have finished')]).toEqual(['missing', true]);
  });

  test('of many problems the first three are named', async () => {
    const error = await readChanged((text) => text.replaceAll('"outcome": "ok"', '"outcome": "good"'));
    expect(error.message).toMatch(/scenarios\[0\]\.statistics\[0\]\.outcome: .*; and \d+ more$/);
  });
});

function version(value: number | string) {
  return (text: string) => text.replace('"schemaVersion": 1', `"schemaVersion": ${value}`);
}
