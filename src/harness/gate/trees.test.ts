import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { GatedRepository } from './testing/gated-repository.ts';
import { prepareTrees } from './trees.ts';

let repository: GatedRepository;
let folder: string;
beforeEach(() => {
  repository = new GatedRepository();
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-trees-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  repository[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const prepare = (base: string, head: string | undefined, cleanup: AsyncDisposableStack, signal = new AbortController().signal) =>
  prepareTrees({ checkout: repository.bench, base, head, folder, clock: systemClock, signal, onStep: () => {} }, cleanup);

const worktrees = () => repository.git('worktree', 'list').split('\n').length;

test('a commit is checked out beside the working tree, and taken away again', async () => {
  const first = repository.commit({ steps: 111, messages: 1 });
  const second = repository.commit({ steps: 222, messages: 1 });
  repository.write({ steps: 333, messages: 1 });
  const cleanup = new AsyncDisposableStack();
  const { base, head } = await prepare('HEAD~1', undefined, cleanup);
  expect([base.commit, base.dirty, head.commit, head.dirty]).toEqual([first, false, second, true]);
  expect(readFileSync(join(base.folder, 'bench', 'work.ts'), 'utf8')).toContain('step < 111');
  expect(head.folder).toBe(repository.folder);
  await cleanup.disposeAsync();
  expect(existsSync(base.folder)).toBe(false);
  expect(worktrees()).toBe(1);
});

test('two commits are checked out, without what is not committed', async () => {
  repository.commit({ steps: 111, messages: 1 });
  repository.commit({ steps: 222, messages: 1 });
  repository.write({ steps: 333, messages: 1 });
  await using cleanup = new AsyncDisposableStack();
  const { base, head } = await prepare('main~1', 'main', cleanup);
  expect(head.dirty).toBe(false);
  for (const [tree, steps] of [[base, 111] as const, [head, 222] as const])
    expect(readFileSync(join(tree.folder, 'bench', 'work.ts'), 'utf8')).toContain(`step < ${steps}`);
});

test('dependencies are shared when the lock files are equal', async () => {
  writeFileSync(join(repository.folder, 'package-lock.json'), '{}');
  writeFileSync(join(repository.folder, '.gitignore'), 'node_modules\n');
  mkdirSync(join(repository.folder, 'node_modules'));
  repository.commit({ steps: 1, messages: 1 });
  await using cleanup = new AsyncDisposableStack();
  const { base } = await prepare('HEAD', undefined, cleanup);
  expect(lstatSync(join(base.folder, 'node_modules')).isSymbolicLink()).toBe(true);
});

test('dependencies of another lock file are installed for its tree, without their scripts', async () => {
  // Some machines forbid them anyway.
  vi.stubEnv('npm_config_ignore_scripts', 'false');
  const at = (...path: string[]) => join(repository.folder, ...path);
  const dependOn = (name: string) => {
    mkdirSync(at(name), { recursive: true });
    writeFileSync(at(name, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    const dependencies = { [name]: `file:${name}` };
    const scripts = { postinstall: 'echo ran > ran.txt' };
    writeFileSync(at('package.json'), JSON.stringify({ name: 'gated', version: '1.0.0', scripts, dependencies }));
    const packages = {
      '': { name: 'gated', version: '1.0.0', hasInstallScript: true, dependencies },
      [name]: { version: '1.0.0' },
      [`node_modules/${name}`]: { resolved: name, link: true },
    };
    writeFileSync(at('package-lock.json'), JSON.stringify({ name: 'gated', version: '1.0.0', lockfileVersion: 3, packages }));
  };
  writeFileSync(at('.gitignore'), 'node_modules\n');
  dependOn('old');
  repository.commit({ steps: 1, messages: 1 });
  rmSync(at('old'), { recursive: true });
  dependOn('fresh');
  mkdirSync(at('node_modules'));
  repository.commit({ steps: 1, messages: 1 });
  await using cleanup = new AsyncDisposableStack();
  const { base, head } = await prepare('HEAD~1', undefined, cleanup);
  expect(lstatSync(join(base.folder, 'node_modules')).isDirectory()).toBe(true);
  expect(realpathSync(join(base.folder, 'node_modules', 'old'))).toBe(join(realpathSync(base.folder), 'old'));
  expect(existsSync(join(base.folder, 'ran.txt'))).toBe(false);
  expect(head.folder).toBe(repository.folder);
});

test('what is no commit, and an abort, leave nothing', async () => {
  repository.commit({ steps: 1, messages: 1 });
  const cleanup = new AsyncDisposableStack();
  await expect(prepare('nonsense', undefined, cleanup)).rejects.toThrow("--base 'nonsense' is no commit of");
  await expect(prepare('-q', undefined, cleanup)).rejects.toThrow("--base '-q' is no commit of");
  await expect(prepare('HEAD', 'nonsense', cleanup)).rejects.toThrow("--head 'nonsense' is no commit of");
  const abort = new AbortController();
  abort.abort(new Error('enough'));
  await expect(prepare('HEAD', undefined, cleanup, abort.signal)).rejects.toThrow('enough');
  await cleanup.disposeAsync();
  expect(worktrees()).toBe(1);
});
