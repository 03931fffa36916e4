import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { type LoadRecorder, runLoads } from '../load/generator.ts';
import type { Invoke } from '../load/operation.ts';
import { arrivals, closedLoop, fakeServer, recorderOf, scenarioOf } from '../load/testing/fake-server.ts';
import { EventBatchReader, EventBatchWriter } from './event-batch.ts';

test('what arrives in batches is counted as it would have been on the spot', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const clock = new VirtualClock();
    const random = new Random(seed);
    const invoke: Invoke = async (operation, signal) => {
      await fakeServer(clock, random.exponential(60))(operation, signal);
      if (random.chance(0.1)) return { outcome: 'info', code: random.chance(0.5) ? 'timeout' : 'reset by peer' };
      return random.chance(0.2) ? { outcome: 'fail', code: 'cas-mismatch' } : { outcome: 'ok', value: 1 };
    };
    const statements = [
      { name: 'same', sql: 'select 1' },
      { name: 'same', sql: 'insert into t values (1)' },
    ];
    const scenario = scenarioOf(
      {
        open: arrivals(400, '3s', { arrivals: 'poisson', maxVUs: 20, gracefulStop: '50ms' }),
        closed: closedLoop(5, '3s', { workload: { kind: 'sql', statements } }),
      },
      { warmup: '1s' },
    );
    const [direct, batched] = [recorderOf(scenario), recorderOf(scenario)];
    const [writer, reader] = [new EventBatchWriter(), new EventBatchReader(batched)];
    const both: LoadRecorder = {
      scheduled: (atMs) => [direct, writer].forEach((each) => each.scheduled(atMs)),
      dropped: (load, atMs) => [direct, writer].forEach((each) => each.dropped(load, atMs)),
      record: (event) => [direct, writer].forEach((each) => each.record(event)),
    };
    let ended = false;
    const running = runLoads({ scenario, clock, random: new Random(seed), invoke, recorder: both }).finally(() => (ended = true));
    const isOver = () => ended || clock.now() > 60_000;
    while (!isOver()) {
      await clock.advanceAsync(137);
      // As it crosses threads.
      reader.read(structuredClone(writer.take()));
    }
    const { durationMs } = await running;
    reader.read(structuredClone(writer.take()));
    expect(writer.take().values).toHaveLength(0);

    expect(direct.totals(durationMs).dropped).toBeGreaterThan(0);
    expect(direct.totals(durationMs).ok).toBeGreaterThan(500);
    expect(batched.totals(durationMs)).toEqual(direct.totals(durationMs));
    expect(batched.statistics()).toEqual(direct.statistics());
    expect(batched.timeline()).toEqual(direct.timeline());
    expect(batched.errors()).toEqual(direct.errors());
    expect(batched.expectedFailures).toBe(direct.expectedFailures);
    expect(batched.droppedByPhase()).toEqual(direct.droppedByPhase());
    expect(batched.lag.encode()).toBe(direct.lag.encode());
    // Two statements of one name, of which one only looks.
    expect(batched.reads.longestGap(0, durationMs)).toBe(direct.reads.longestGap(0, durationMs));
    expect(batched.writes.longestGap(0, durationMs)).toBe(direct.writes.longestGap(0, durationMs));
    for (let ms = 0; ms < durationMs; ms += 37) expect(batched.writes.firstSentAfter(ms)).toBe(direct.writes.firstSentAfter(ms));
  }
});
