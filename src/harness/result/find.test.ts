import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { ResultError } from './error.ts';
import { findRun } from './find.ts';

// A checkout with two commits, the first tagged v1, and the results of both.
let folder: string;
let root: string;
let first: string;
let second: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windtunnel-find-'));
  root = join(folder, 'results');
  const git = (...words: string[]) => execFileSync('git', words, { cwd: folder, encoding: 'utf8' }).trim();
  const commit = (name: string) =>
    git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--allow-empty', '--no-gpg-sign', '-m', name);
  git('init', '--quiet', '--initial-branch', 'main');
  commit('first');
  git('tag', 'v1');
  first = git('rev-parse', 'HEAD');
  commit('second');
  second = git('rev-parse', 'HEAD');
  const [one, two] = [first.slice(0, 7), second.slice(0, 7)];
  await result(`20260101T000000Z-${one}`);
  await result(`20260102T000000Z-${one}`);
  await result(`20260102T000000Z-${one}-2`);
  await result(`20260103T000000Z-${one}-dirty`);
  await result(`20260104T000000Z-${two}-dirty`);
  await result(`20260105T000000Z-ffff111`);
  await result(`20260105T000001Z-ffff222`);
  await mkdir(join(root, `20260109T000000Z-${two}`));
  await mkdir(join(root, 'notes'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function result(name: string): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, name, 'run.json'), '{}');
}

const find = (spec: string) => findRun(spec, root, { clock: systemClock, checkout: folder });
const inRoot = (name: string) => join(root, name, 'run.json');

test('latest is the newest that has a run.json', async () => {
  expect(await find('latest')).toBe(inRoot('20260105T000001Z-ffff222'));
});

test('a commit, a tag or an expression is its newest clean result, else its newest dirty one', async () => {
  const newestClean = inRoot(`20260102T000000Z-${first.slice(0, 7)}-2`);
  for (const spec of [first, first.slice(0, 9), first.slice(0, 5), 'v1', 'main~1', 'HEAD~1']) {
    expect(await find(spec)).toBe(newestClean);
  }
  expect(await find('HEAD')).toBe(inRoot(`20260104T000000Z-${second.slice(0, 7)}-dirty`));
});

test('a name or a path is that one', async () => {
  const name = `20260101T000000Z-${first.slice(0, 7)}`;
  expect(await find(name)).toBe(inRoot(name));
  expect(await find(join(root, name))).toBe(inRoot(name));
  expect(await find(inRoot(name))).toBe(inRoot(name));
});

test('baseline is its own folder', async () => {
  await expect(find('baseline')).rejects.toThrow('no baseline');
  await result('baseline');
  expect(await find('baseline')).toBe(inRoot('baseline'));
});

test.each([
  ['ffff', 'ambiguous', 'ffff111'],
  ['nonsense', 'missing', "'nonsense' is no path, no result"],
  ['--help', 'missing', "'--help' is no path"],
])('%s is refused', async (spec, code, message) => {
  const error: unknown = await find(spec).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ResultError);
  expect([(error as ResultError).code, (error as ResultError).message]).toEqual([code, expect.stringContaining(message)]);
});

test('a commit without a result, a folder without one and a root without any say so', async () => {
  const other = join(folder, 'other');
  await mkdir(other, { recursive: true });
  const options = { clock: systemClock, checkout: folder };
  await expect(findRun('v1', other, options)).rejects.toThrow(`no result of commit ${first.slice(0, 7)} ('v1')`);
  await expect(findRun('latest', join(folder, 'none'), options)).rejects.toThrow('no results in');
  await expect(findRun(other, root, options)).rejects.toThrow('no run.json in the folder');
});
