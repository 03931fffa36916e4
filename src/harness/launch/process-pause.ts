// Stops a process where it stands, so that it goes on again whatever happens to us: a stopped process notices nothing, not even
// that its parent is gone.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { LaunchError } from './cluster.ts';

const PATIENCE_MS = 5_000;

/** What resumes the process. */
export interface PausedProcess {
  /** Resolves when the process runs. */
  resume(): Promise<void>;
}

/**
 * Sends SIGSTOP and resolves when the process has stopped. A guard, a shell in a session of its own, waits for the end of its
 * standard input and then sends SIGCONT: that end is how `resume` asks for it, and it also comes when this process is killed.
 * @throws LaunchError when the process did not stop
 */
export async function pauseProcess(pid: number, clock: Clock): Promise<PausedProcess> {
  const guard = spawn('/bin/sh', ['-c', 'cat >/dev/null; kill -CONT "$1"', 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.stdin.on('error', () => {});
  const guarded = ended(guard);
  process.kill(pid, 'SIGSTOP');
  const resume = async () => {
    guard.stdin.end();
    await guarded;
    await until(clock, () => !isStopped(pid), `process ${pid} did not go on after SIGCONT`);
  };
  try {
    await until(clock, () => isStopped(pid), `process ${pid} did not stop after SIGSTOP`);
  } catch (error) {
    await resume();
    throw error;
  }
  return { resume };
}

/** Whether the operating system says that the process is stopped (state T of proc_pid_stat(5)). False where /proc cannot be read. */
export function isStopped(pid: number): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the program's name in parentheses, may hold anything.
    return line.slice(line.lastIndexOf(')') + 2, line.lastIndexOf(')') + 3) === 'T';
  } catch {
    return false;
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}

async function until(clock: Clock, holds: () => boolean, otherwise: string): Promise<void> {
  const deadlineMs = clock.now() + PATIENCE_MS;
  while (!holds()) {
    if (clock.now() > deadlineMs) throw new LaunchError(otherwise);
    await sleep(clock, 2);
  }
}
