import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const PROGRAM = resolve(import.meta.dirname, '../../bin/windtunnel.js');
/** A disk that is full, as a file. */
const FULL = '/dev/full';

const isThereFull = existsSync(FULL);
if (!isThereFull)
  process.stderr.write(`\n!!! SKIPPED: output that cannot be written was NOT tested: there is no ${FULL} on this machine\n\n`);

test.skipIf(!isThereFull).each([
  { full: 'stdout', words: ['run', '--list'], said: /^windtunnel: standard output cannot be written: ENOSPC.*\n$/ },
  { full: 'stderr', words: ['run', 'no-such-scenario'], said: /^windtunnel: standard error cannot be written: ENOSPC.*\n$/ },
] as const)('what cannot be printed on $full for want of space is told, once, and is a failure', ({ full, words, said }) => {
  const file = openSync(FULL, 'w');
  try {
    const stdio = full === 'stdout' ? (['ignore', file, 'pipe'] as const) : (['ignore', 'pipe', file] as const);
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...words], { stdio: [...stdio], encoding: 'utf8' });
    expect(full === 'stdout' ? stderr : stdout).toMatch(said);
    expect(status).not.toBe(0);
  } finally {
    closeSync(file);
  }
});
