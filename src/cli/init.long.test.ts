// `windtunnel init` as a user meets it in a checkout; src/package.long.test.ts has it as installed.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRun } from '../harness/result/files.ts';
import { loadScenarios } from '../harness/scenario/discover.ts';
import { start } from './testing/windtunnel.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "windtunnel's-init-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function windtunnelIn(cwd: string, ...words: string[]) {
  const running = start(words, { cwd });
  const { code } = await running.ended;
  return { code, out: running.out(), err: running.err() };
}

test('writes one file that type-checks, is a valid scenario with a fault, and runs', async () => {
  const written = await windtunnelIn(folder, 'init', 'My first.scenario.ts');
  expect(written).toEqual({
    code: 0,
    out: 'wrote My first.scenario.ts\nrun it: npx windtunnel run ./My first.scenario.ts\n',
    err: '',
  });
  expect(readdirSync(folder)).toEqual(['My first.scenario.ts']);
  const path = join(folder, 'My first.scenario.ts');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--allowImportingTsExtensions', '--erasableSyntaxOnly'];
  const types = ['--target', 'es2024', '--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, ...types, path], { cwd: folder, stdio: 'pipe' });

  const results = join(folder, 'results');
  const { code, out, err } = await windtunnelIn(folder, 'run', './My first.scenario.ts', '--results', results);
  // The machine may be too busy to measure on; what matters here is that it ran and was answered correctly.
  expect([0, 96, 99], out + err).toContain(code);
  const [only = 'no result'] = readdirSync(results);
  const [result] = (await readRun(join(results, only))).scenarios;
  expect(result).toMatchObject({ name: 'my-first', status: 'complete', verdicts: { correct: 'valid' } });
  expect(result?.faults).toMatchObject([{ kind: 'crash', target: 'leader' }]);
}, 120_000);

test('overwrites nothing', async () => {
  writeFileSync(join(folder, 'mine.ts'), 'precious');
  expect(await windtunnelIn(folder, 'init', 'mine.ts')).toEqual({
    code: 1,
    out: '',
    err: 'windtunnel: mine.ts exists already; init overwrites nothing: choose another name\n',
  });
  expect(readFileSync(join(folder, 'mine.ts'), 'utf8')).toBe('precious');
});

test.each(['plain.js', 'a.mjs', 'b.mts'])('writes %s as well', async (file) => {
  expect(await windtunnelIn(folder, 'init', file)).toMatchObject({ code: 0 });
  const [scenario] = await loadScenarios([join(folder, file)], folder);
  expect(scenario).toMatchObject({ name: file.split('.')[0], cluster: { nodes: 3 }, faults: [{ kind: 'crash' }] });
});

test('beside the sources it imports them', async () => {
  // Below results, where nothing is committed.
  const inside = join(ROOT, 'results', `init-${process.pid}`);
  mkdirSync(inside);
  try {
    expect(await windtunnelIn(inside, 'init', 'mine.ts')).toMatchObject({ code: 0 });
    expect(readFileSync(join(inside, 'mine.ts'), 'utf8')).toContain("from '../../src/harness/scenario/scenario.ts';");
    expect((await loadScenarios([join(inside, 'mine.ts')], inside))[0]).toMatchObject({ name: 'mine' });
  } finally {
    rmSync(inside, { recursive: true });
  }
});
