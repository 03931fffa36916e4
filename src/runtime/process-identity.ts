// Which process is which. Ids are used again, so an id counts together with when its process started.

import { readFileSync } from 'node:fs';

/** Whether the process with this id is the one that started then. A start time of 0: unknown. */
export function isRunning(pid: number, startTime: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  const actual = startTimeOf(pid);
  return actual !== undefined && (startTime === 0 || actual === startTime);
}

/** Clock ticks since the machine booted, on Linux (proc(5), field 22 of stat); undefined elsewhere, and for a process that has ended. */
export function startTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name of the program in parentheses, which may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie only waits to be collected by its parent.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}
