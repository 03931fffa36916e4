import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { sharedTimeOffsetMs, systemClock } from './clock.ts';

/** Answers, as fast as it can, what the shared time is in its thread. */
const ANSWERING = `
  const { workerData: memory } = require('node:worker_threads');
  const flag = new Int32Array(memory, 0, 1);
  const time = new Float64Array(memory, 8, 1);
  import(${JSON.stringify(new URL('./clock.ts', import.meta.url).href)}).then(({ sharedTimeOffsetMs, systemClock }) => {
    const offsetMs = sharedTimeOffsetMs();
    Atomics.store(flag, 0, 9);
    for (;;) {
      const asked = Atomics.load(flag, 0);
      if (asked === 3) return;
      if (asked !== 1) continue;
      time[0] = systemClock.now() + offsetMs;
      Atomics.store(flag, 0, 2);
    }
  });
`;

test('what happens in another thread between two instants of this one is timed between them', async () => {
  const memory = new SharedArrayBuffer(16);
  const flag = new Int32Array(memory, 0, 1);
  const time = new Float64Array(memory, 8, 1);
  const worker = new Worker(ANSWERING, { eval: true, workerData: memory, execArgv: [] });
  try {
    while (Atomics.load(flag, 0) !== 9) await new Promise(setImmediate);
    const offsetMs = sharedTimeOffsetMs();
    const now = () => systemClock.now() + offsetMs;
    let wrong = 0;
    for (let round = 0; round < 2_000; round++) {
      const beforeMs = now();
      Atomics.store(flag, 0, 1);
      while (Atomics.load(flag, 0) !== 2);
      const thereMs = time[0] as number;
      const afterMs = now();
      // The error of either offset is below a microsecond.
      if (thereMs < beforeMs - 0.002 || thereMs > afterMs + 0.002) wrong++;
    }
    expect(wrong).toBe(0);
  } finally {
    Atomics.store(flag, 0, 3);
    await worker.terminate();
  }
});
