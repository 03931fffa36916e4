// A process that applies batches is killed without warning, again and again. What it had answered must be there, nothing may be
// half there, and applying must go on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { StateMachine } from './state-machine.ts';
import { crashEntry } from './testing/crash-log.ts';

const CHILD = fileURLToPath(new URL('./testing/crash-child.ts', import.meta.url));

/** sqlite.org/fileformat2.html#walformat, with pages of 4096 bytes. */
const WAL_HEADER_BYTES = 32;
const WAL_FRAME_BYTES = 24 + 4_096;

/** Kills the child once it has answered so many batches; resolves to the last applied index it reported. */
async function runUntilKilled(path: string, seed: number, batches: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, path, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > batches) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
}

test('killed at any moment, the database is what its applied index says, and applying goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-crash-'));
  const path = join(folder, 'state.db');
  const random = new Random(11);
  /** Never crashes, and gets each entry alone. */
  const reference = new StateMachine({ path: ':memory:' });
  for (let round = 0; round < 6; round++) {
    const answered = await runUntilKilled(path, round, random.integer(1, 60));
    const machine = new StateMachine({ path });
    const { appliedIndex } = machine;
    expect(appliedIndex).toBeGreaterThanOrEqual(answered);
    expect(answered).toBeGreaterThan(reference.appliedIndex);
    while (reference.appliedIndex < appliedIndex) reference.apply([crashEntry(reference.appliedIndex + 1)]);
    // Rows, row ids, schema and remembered sessions.
    expect(machine.digest()).toBe(reference.digest());
    // The next child goes on from here, or from one further.
    if (random.chance(0.5)) machine.apply([crashEntry(appliedIndex + 1)]);
    machine.close();
  }
  expect(reference.query('select count(*) > 0, (select sum from total) = sum(id) from rows', [])).toMatchObject({
    results: [{ rows: [[1, 1]] }],
  });
  reference.close();
  rmSync(folder, { recursive: true });
});

test('back at any earlier transaction, as after a loss of power, the database is whole and catches up from the log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-power-'));
  const path = join(folder, 'state.db');
  const machine = new StateMachine({ path });
  const digests = [machine.digest()];
  for (const size of [1, 2, 5, 1, 8, 3]) {
    machine.apply(Array.from({ length: size }, (_, at) => crashEntry(machine.appliedIndex + 1 + at)));
    digests[machine.appliedIndex] = machine.digest();
  }
  const last = machine.appliedIndex;
  // What was written but not synced is the write-ahead file; a loss of power leaves any whole number of its frames.
  const wal = readFileSync(`${path}-wal`);
  const found = new Set<number>();
  for (let bytes = WAL_HEADER_BYTES; bytes <= wal.byteLength; bytes += WAL_FRAME_BYTES) {
    const copy = join(folder, `after-${bytes}.db`);
    copyFileSync(path, copy);
    writeFileSync(`${copy}-wal`, wal.subarray(0, bytes));
    const survivor = new StateMachine({ path: copy });
    found.add(survivor.appliedIndex);
    expect(survivor.digest()).toBe(digests[survivor.appliedIndex]);
    while (survivor.appliedIndex < last) survivor.apply([crashEntry(survivor.appliedIndex + 1)]);
    expect(survivor.digest()).toBe(digests[last]);
    survivor.close();
  }
  machine.close();
  expect([...found].sort((a, b) => a - b)).toEqual([0, 1, 3, 8, 9, 17, 20]);
  rmSync(folder, { recursive: true });
});
