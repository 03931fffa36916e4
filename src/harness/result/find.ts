// From what a user types (a path, a commit, 'latest', 'baseline') to a result.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { git } from './environment.ts';
import { ResultError } from './error.ts';
import { RUN_FILE } from './files.ts';

/** '20261122T160259Z-eb14d2c-dirty-2': UTC, commit, whether it was dirty, which of equal names. */
const RESULT_NAME = /^(?<utc>\d{8}T\d{6}Z)-(?<commit>[0-9a-f]{7,40}|unversioned)(?<dirty>-dirty)?(?:-(?<number>\d+))?$/;

interface Found {
  readonly name: string;
  readonly utc: string;
  readonly commit: string;
  readonly isDirty: boolean;
  readonly number: number;
}

export interface FindOptions {
  readonly clock: Clock;
  /** The checkout in which a branch, a tag or HEAD~1 is looked up. Default: the working directory. */
  readonly checkout?: string;
}

/**
 * The path of the run.json that `spec` means:
 * - `latest`: the newest below `root`;
 * - `baseline`: the one in `root`/baseline;
 * - the name of a result folder, or a path of a result's folder or file;
 * - a commit (4 characters or more of it), or a branch, tag or expression such as HEAD~1: the newest result of that
 *   commit, a clean one before a dirty one.
 *
 * Throws ResultError 'missing' or 'ambiguous'. Whether the file is any good shows when it is read.
 */
export async function findRun(spec: string, root: string, options: FindOptions): Promise<string> {
  if (spec === 'baseline')
    return required(join(root, 'baseline'), `no baseline: there is no ${join(root, 'baseline', RUN_FILE)}`);
  const results = await listResults(root);
  if (spec === 'latest') {
    const newest = results[0];
    if (newest === undefined) throw new ResultError('missing', `no results in ${root} yet`);
    return join(root, newest.name, RUN_FILE);
  }
  if (results.some(({ name }) => name === spec)) return join(root, spec, RUN_FILE);
  if ((await stat(spec).catch(() => undefined)) !== undefined) return required(spec, `no ${RUN_FILE} in the folder ${spec}`);
  return join(root, (await ofCommit(spec, root, results, options)).name, RUN_FILE);
}

async function ofCommit(spec: string, root: string, results: readonly Found[], options: FindOptions): Promise<Found> {
  let matching = /^[0-9a-f]{4,40}$/.test(spec) ? results.filter(({ commit }) => isSameCommit(commit, spec)) : [];
  if (matching.length === 0) {
    // A leading '-' would be read as an option of git.
    const resolve = ['rev-parse', '--verify', '--quiet', `${spec}^{commit}`];
    const commit = spec.startsWith('-') ? undefined : await git(options.checkout ?? process.cwd(), options.clock, ...resolve);
    if (commit === undefined) {
      throw new ResultError('missing', `'${spec}' is no path, no result in ${root} and no commit; try 'latest' or 'baseline'`);
    }
    matching = results.filter((result) => isSameCommit(result.commit, commit));
    if (matching.length === 0) {
      throw new ResultError(
        'missing',
        `no result of commit ${commit.slice(0, 7)} ('${spec}') in ${root}: check it out and run it`,
      );
    }
  }
  const commits = [...new Set(matching.map(({ commit }) => commit))];
  if (commits.some((commit) => !isSameCommit(commit, commits[0] as string))) {
    throw new ResultError('ambiguous', `'${spec}' may be any of the commits ${commits.join(', ')}: write more of it`);
  }
  return matching.find(({ isDirty }) => !isDirty) ?? (matching[0] as Found);
}

/** The paths of every run.json in a folder of `root`, `root`/baseline among them, whatever the folders' names, by name. */
export async function listRuns(root: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of (await readdir(root).catch(() => [] as string[])).sort()) {
    const path = join(root, name, RUN_FILE);
    if ((await stat(path).catch(() => undefined)) !== undefined) paths.push(path);
  }
  return paths;
}

/** Every result folder below `root` that has a run.json, newest first. */
async function listResults(root: string): Promise<Found[]> {
  const names = await readdir(root).catch(() => [] as string[]);
  const found: Found[] = [];
  for (const name of names) {
    const parts = RESULT_NAME.exec(name)?.groups;
    if (parts === undefined || (await stat(join(root, name, RUN_FILE)).catch(() => undefined)) === undefined) continue;
    const { utc = '', commit = '', dirty, number } = parts;
    found.push({ name, utc, commit, isDirty: dirty !== undefined, number: Number(number ?? 1) });
  }
  return found.sort((a, b) => (a.utc === b.utc ? b.number - a.number : a.utc < b.utc ? 1 : -1));
}

/** Either may be the abbreviation of the other. */
function isSameCommit(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

async function required(path: string, message: string): Promise<string> {
  const target = await stat(path).catch(() => undefined);
  const file = target?.isDirectory() === true ? join(path, RUN_FILE) : path;
  if ((await stat(file).catch(() => undefined)) === undefined) throw new ResultError('missing', message);
  return file;
}
