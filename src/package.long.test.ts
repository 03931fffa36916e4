// The package as somebody installs it: packed, unpacked below node_modules, where Node strips no types.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from './cli/testing/windtunnel.ts';

const ROOT = resolve(import.meta.dirname, '..');

let folder: string;
let installed: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-package-'));
  execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: 'pipe' });
  const [archive] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).toString(),
  ) as { filename: string }[];
  const modules = join(folder, 'node_modules');
  installed = join(modules, '@windtunnel', 'harness');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, archive?.filename ?? ''), '-C', installed, '--strip-components=1']);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.') && name !== '@windtunnel') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every subpath can be imported, and carries its declarations', () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  const subpaths = Object.entries(manifest.exports).flatMap(([subpath, entry]) =>
    typeof entry === 'string' ? [] : [{ subpath, types: entry.types }],
  );
  expect(subpaths.length).toBeGreaterThan(10);
  for (const { types } of subpaths) expect(readFileSync(join(installed, types), 'utf8')).toContain('export');
  const names = subpaths.map(({ subpath }) => subpath.replace('.', '@windtunnel/harness'));
  writeFileSync(
    join(folder, 'all.mjs'),
    `for (const name of ${JSON.stringify(names)}) if (Object.keys(await import(name)).length === 0 && !/benchmark$/.test(name)) throw new Error(name);`,
  );
  expect(() => execFileSync(process.execPath, [join(folder, 'all.mjs')], { stdio: 'pipe' })).not.toThrow();
});

test('the building blocks work through their subpaths', () => {
  writeFileSync(
    join(folder, 'use.mjs'),
    `import { ActorSystem } from '@windtunnel/harness/actor';
     import { CircuitBreaker } from '@windtunnel/harness/breaker';
     import { Pool } from '@windtunnel/harness/pool';
     import { retry } from '@windtunnel/harness/retry';
     import { fanOut } from '@windtunnel/harness/partial';
     import { Random } from '@windtunnel/harness/random';
     const system = new ActorSystem();
     const echo = system.spawn(() => ({ receive: ({ value, replyTo }) => replyTo.tell(value) }));
     const answer = await echo.ask((replyTo) => ({ value: 42, replyTo }), { timeoutMs: 1_000 });
     const guarded = await new CircuitBreaker({ failureThreshold: 1, resetTimeoutMs: 100 }).execute(async () => answer);
     const pool = new Pool({ create: async () => ({}), recycle() {}, destroy() {} }, { max: 1 });
     const pooled = await pool.with(async () => guarded);
     await pool.close();
     let calls = 0;
     const retried = await retry(async () => { if (++calls < 2) throw Object.assign(new Error('x'), { maybeApplied: false }); return pooled; },
       { attempts: 3, baseMs: 1, capMs: 2, random: new Random(1) });
     const all = await fanOut(['a', 'b'], async () => retried, { quorum: 2, timeoutMs: 1_000 });
     await system.shutdown({ timeoutMs: 1_000 });
     process.stdout.write(all.kind + ' ' + answer + ' ' + calls);`,
  );
  expect(execFileSync(process.execPath, [join(folder, 'use.mjs')]).toString()).toBe('complete 42 2');
});

test('the installed command runs a scenario, with its workers and its protocol files', async () => {
  const run = start(['run', 'steady', '--duration', '4s', '--results', join(folder, 'results')], {
    program: join(installed, 'bin', 'windtunnel.js'),
    cwd: folder,
  });
  const { code } = await run.ended;
  // 96 when this machine is too busy to measure on; what matters here is that everything was found and answered correctly.
  expect([0, 96, 99], run.out() + run.err()).toContain(code);
  expect(run.out()).toMatch(/linearizability\s+valid/);
  expect(run.out()).toMatch(/acknowledged-writes\s+valid/);
  // Its page carries its style, the chart library and the browser code, which lie elsewhere here than in the repository.
  const page = /^ *page +(\S+)$/m.exec(run.out())?.[1] ?? 'no page';
  expect(readFileSync(resolve(folder, page), 'utf8')).toMatch(/--surface: [^]*var uPlot=[^]*function createChart\(/);
}, 120_000);

test('the installed command compiles once: its next start, and those of its nodes, find the cache', async () => {
  const env = { TMPDIR: folder, NODE_COMPILE_CACHE: '' };
  expect(await start(['--version'], { program: join(installed, 'bin', 'windtunnel.js'), env }).ended).toMatchObject({ code: 0 });
  const cached = readdirSync(join(folder, 'node-compile-cache'), { recursive: true, withFileTypes: true });
  expect(cached.filter((entry) => entry.isFile()).length).toBeGreaterThan(0);
});

test('a scenario that init writes into a project imports the package by name, type-checks and runs', async () => {
  const program = join(installed, 'bin', 'windtunnel.js');
  expect(await start(['init', 'my.scenario.ts'], { program, cwd: folder }).ended).toMatchObject({ code: 0 });
  const text = readFileSync(join(folder, 'my.scenario.ts'), 'utf8');
  expect(text).toContain("import { defineScenario } from '@windtunnel/harness/scenario';");
  execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--noEmit', '--strict', '--module', 'nodenext', 'my.scenario.ts'], {
    cwd: folder,
    stdio: 'pipe',
  });
  const run = start(['run', './my.scenario.ts', '--duration', '9s', '--results', join(folder, 'results')], {
    program,
    cwd: folder,
  });
  const { code } = await run.ended;
  expect([0, 96, 99], run.out() + run.err()).toContain(code);
  expect(run.out()).toMatch(/linearizability\s+valid/);
}, 120_000);

test('the lock file carries no download addresses', () => {
  expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
});
