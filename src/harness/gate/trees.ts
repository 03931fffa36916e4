// The two commits that are gated, side by side in folders of their own.

import { execFile } from 'node:child_process';
import { access, readFile, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../runtime/clock.ts';
import { git } from '../result/environment.ts';

/** A commit that cannot be prepared. The message says what to do. */
export class TreeError extends Error {
  override readonly name = 'TreeError';
}

export interface Tree {
  /** Of the checkout. */
  readonly folder: string;
  readonly commit: string;
  /** Whether there are changes that the commit does not have. */
  readonly dirty: boolean;
}

export interface TreeOptions {
  /** A folder of the repository. */
  readonly checkout: string;
  /** Commits or refs. */
  readonly base: string;
  /** Undefined: the working tree, as it is. */
  readonly head: string | undefined;
  /** Where checkouts are made. */
  readonly folder: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

const LOCK = 'package-lock.json';

/**
 * Both trees, with their dependencies. What was made is taken away through `cleanup`, also when this throws.
 * @throws TreeError, or the reason of the signal
 */
export async function prepareTrees(
  options: TreeOptions,
  cleanup: AsyncDisposableStack,
): Promise<{ readonly base: Tree; readonly head: Tree }> {
  const { clock, signal, onStep } = options;
  const root = await git(options.checkout, clock, 'rev-parse', '--show-toplevel');
  if (root === undefined) throw new TreeError(`${options.checkout} is no git checkout: the gate compares commits of one`);
  const commits = {
    base: await commitOf(root, options.base, '--base', clock),
    head: await commitOf(root, options.head ?? 'HEAD', '--head', clock),
  };
  const checkOut = async (name: string, commit: string): Promise<Tree> => {
    signal.throwIfAborted();
    onStep(`checking out ${commit.slice(0, 7)}`);
    const folder = join(options.folder, name);
    await run('git', ['worktree', 'add', '--detach', '--quiet', folder, commit], root, signal);
    cleanup.defer(async () => {
      // Not with the signal: it must happen then, too.
      await run('git', ['worktree', 'remove', '--force', folder], root);
    });
    await install(folder, root, signal, onStep);
    return { folder, commit, dirty: false };
  };
  const base = await checkOut('base', commits.base);
  if (options.head !== undefined) return { base, head: await checkOut('head', commits.head) };
  const changes = await git(root, clock, 'status', '--porcelain', '--untracked-files=no');
  return { base, head: { folder: root, commit: commits.head, dirty: changes !== '' } };
}

async function commitOf(root: string, ref: string, option: string, clock: Clock): Promise<string> {
  // A leading '-' would be read as an option of git.
  const words = ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`];
  const commit = ref.startsWith('-') ? undefined : await git(root, clock, ...words);
  if (commit !== undefined) return commit;
  throw new TreeError(`${option} '${ref}' is no commit of ${root}; a shallow clone lacks most of them (git fetch --unshallow)`);
}

/** Those of the checkout, when both lock files say the same. */
async function install(folder: string, root: string, signal: AbortSignal, onStep: (step: string) => void): Promise<void> {
  const [wanted, there] = await Promise.all([folder, root].map((each) => readFile(join(each, LOCK), 'utf8').catch(() => '')));
  const installed = join(root, 'node_modules');
  const has = await access(installed).then(
    () => true,
    () => false,
  );
  if (has && wanted === there) {
    await symlink(installed, join(folder, 'node_modules'), 'dir');
    return;
  }
  if (wanted === '') return;
  onStep(`installing the dependencies of ${folder}, whose lock file is another`);
  await run('npm', ['ci', '--ignore-scripts'], folder, signal, {
    PATH: [join(installed, '.bin'), process.env['PATH']].join(delimiter),
  });
}

async function run(
  program: string,
  words: readonly string[],
  cwd: string,
  signal?: AbortSignal,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await promisify(execFile)(program, words, { cwd, env: { ...process.env, ...environment }, ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new TreeError(`${program} ${words.join(' ')} failed in ${cwd}: ${stderr.trim() || message}`, { cause: error });
  }
}
