// On which cores processes of ours run: both of a duet on the same one, so that neither has the better.

import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The cores that this process may use and can pin others to; empty where that cannot be done (no Linux, no taskset). */
export function pinnableCores(): number[] {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return [];
  }
  const cores = coresOf(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  const [first] = cores;
  if (first === undefined || spawnSync('taskset', ['-c', String(first), 'true']).status !== 0) return [];
  return cores;
}

/** '0-3,8' as numbers. */
export function coresOf(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number);
    if (from === undefined || to === undefined || range === '' || !Number.isInteger(from) || !Number.isInteger(to)) return [];
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}

/** A command that runs pinned to a core, when there is one to pin it to. */
export function pinned(core: number | undefined, program: string, words: readonly string[]): [string, readonly string[]] {
  return core === undefined ? [program, words] : ['taskset', ['-c', String(core), program, ...words]];
}

/** Moves a process with all its threads, and every process below it, to a core. Resolves with why that was not possible. */
export async function moveToCore(pid: number, core: number): Promise<string | undefined> {
  try {
    // One of those below may end meanwhile, which does not matter.
    const [own, ...below] = processTree(pid).map((each) => run('taskset', ['-a', '-c', '-p', String(core), String(each)]));
    await Promise.all([own, Promise.allSettled(below)]);
    return undefined;
  } catch (error) {
    return (error as Error).message.trim();
  }
}

/** The process itself first. */
function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function childrenOf(pid: number): number[] {
  return orNone(() => readdirSync(`/proc/${pid}/task`)).flatMap((thread) =>
    orNone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean)).map(Number),
  );
}

/** What a process or a thread has that may have ended by now. */
function orNone(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
