import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { isStopped, pauseProcess } from './process-pause.ts';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = new Promise((resolve) => {
      child.once('close', resolve);
    });
    child.kill('SIGKILL');
    await closed;
  }
});

function sleeper(): number {
  const child = spawn('/bin/sh', ['-c', 'exec sleep 600'], { stdio: 'ignore' });
  children.push(child);
  return child.pid as number;
}

test('a process is stopped until it is resumed', async () => {
  const pid = sleeper();
  expect(isStopped(pid)).toBe(false);
  const paused = await pauseProcess(pid, systemClock);
  expect(isStopped(pid)).toBe(true);
  await paused.resume();
  expect(isStopped(pid)).toBe(false);
});

test('when the one who paused it is killed, it goes on', async () => {
  const pid = sleeper();
  const pauser = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `const { pauseProcess } = await import(${JSON.stringify(new URL('./process-pause.ts', import.meta.url).href)});
       const { systemClock } = await import(${JSON.stringify(new URL('../../runtime/clock.ts', import.meta.url).href)});
       await pauseProcess(${pid}, systemClock);
       process.stdout.write('paused');
       await new Promise(() => {});`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.push(pauser);
  await new Promise((resolve) => {
    pauser.stdout.once('data', resolve);
  });
  expect(isStopped(pid)).toBe(true);
  pauser.kill('SIGKILL');
  await vi.waitFor(() => expect(isStopped(pid)).toBe(false), { timeout: 20_000, interval: 10 });
});

test('a process that is gone is not stopped', () => {
  expect(isStopped(2 ** 22 + 1)).toBe(false);
});
