import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { abandonedFolders, makeTemporaryFolder } from './temporary-folder.ts';

let place: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'place-')));
  vi.stubEnv('TMPDIR', place);
});
afterEach(() => {
  child?.kill('SIGKILL');
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true });
});

test('a folder is abandoned when its process has been killed, and not before', async () => {
  const own = makeTemporaryFolder('data');
  expect(dirname(own)).toBe(place);
  const program = `
    import { makeTemporaryFolder } from ${JSON.stringify(new URL('temporary-folder.ts', import.meta.url).href)};
    process.stdout.write(makeTemporaryFolder('data'));
    process.stdin.resume();`;
  child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [printed] = (await once(child.stdout as Readable, 'data')) as [Buffer];
  const other = printed.toString();
  expect([existsSync(own), existsSync(other), own === other]).toEqual([true, true, false]);
  expect(abandonedFolders()).toEqual([]);
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(abandonedFolders()).toEqual([other]);
});

test('an id that another process has now is none; of other hosts and of what has other names nothing is known', () => {
  const name = basename(makeTemporaryFolder('gate'));
  const like = (change: (name: string) => string) => {
    mkdirSync(join(place, change(name)));
    return join(place, change(name));
  };
  const earlier = like((it) => it.replace(/(?<=gate-\d+-)\d+/, '1'));
  like((it) => it.replace(/(?<=gate-)\d+-\d+-/, '999999999-1-elsewhere_'));
  like(() => 'windtunnel-gate-QaMKwv');
  like(() => 'another-gate-999999999-1-host-QaMKwv');
  expect(abandonedFolders()).toEqual([earlier]);
});
