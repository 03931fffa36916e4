// A long history through the whole way from file to verdict. CHECK_OPERATIONS=1000000 measures the size that the checker
// is made for, and prints time and memory.

import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import type { HistoryEvent } from '../history/event.ts';
import { checkFile } from './check-file.ts';
import { simulateRegisters } from './testing/simulated-register.ts';

const OPERATIONS = Number(process.env['CHECK_OPERATIONS'] ?? 20_000);
const KEYS = Math.ceil(OPERATIONS / 1_000);

/** @param change what to record of an event. */
async function record(path: string, change: (event: HistoryEvent) => HistoryEvent): Promise<void> {
  const file = createWriteStream(path);
  let lines = [JSON.stringify({ windtunnel: 'history', version: 1, model: 'register-map' })];
  const flush = () => {
    file.write(`${lines.join('\n')}\n`);
    lines = [];
  };
  simulateRegisters({
    random: new Random(1),
    operations: OPERATIONS,
    clients: 20,
    keys: KEYS,
    values: Number.POSITIVE_INFINITY,
    unknownRate: 0.001,
    failRate: 0.002,
    onEvent: (event) => {
      if (lines.push(JSON.stringify(change(event))) >= 10_000) flush();
    },
  });
  flush();
  file.end();
  await once(file, 'finish');
}

test(`${OPERATIONS} operations on ${KEYS} keys`, { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-scale-'));
  try {
    const path = join(folder, 'history.jsonl');
    await record(path, (event) => event);
    const begin = systemClock.now();
    let heapBytes = 0;
    const look = () => {
      heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed);
    };
    const checked = await checkFile(path, { onRead: look, onProgress: look });
    expect(checked).toMatchObject({ verdict: 'valid', operations: OPERATIONS, results: [{ partitions: KEYS }] });
    if (OPERATIONS > 20_000) {
      const seconds = ((systemClock.now() - begin) / 1_000).toFixed(1);
      process.stderr.write(
        `${OPERATIONS} operations: ${seconds} s, heap at most ${Math.round(heapBytes / 1e6)} MB with garbage\n`,
      );
    }
    // One late read of a value that its key held long before.
    const early = new Map<string | undefined, unknown>();
    let changed = false;
    await record(path, (event) => {
      const isRead = event.type === 'ok' && event.f === 'read' && event.value !== null;
      if (!isRead) return event;
      const value = early.get(event.key);
      if (value === undefined) early.set(event.key, event.value);
      if (changed || event.index < OPERATIONS * 1.8 || value === undefined || value === event.value) return event;
      changed = true;
      return { ...event, value };
    });
    expect(changed).toBe(true);
    expect(await checkFile(path)).toMatchObject({ verdict: 'violated' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
