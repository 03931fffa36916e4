import { describe, expect, test } from 'vitest';
import { settle } from '../../runtime/virtual-clock.ts';
import { type ActorEvent, ActorStoppedError, SystemShutDownError } from './system.ts';
import { recordedSystem } from './testing/recorder.ts';

describe('shutdown', () => {
  test('drains every mailbox, then nothing is accepted', async () => {
    const { system, clock, deadLetters } = recordedSystem({ name: 'tests' });
    const seen: string[] = [];
    const actors = ['a', 'b'].map((id) =>
      system.spawn<string>(
        () => ({
          async receive(message) {
            await settle();
            seen.push(`${id}${message}`);
          },
        }),
        { id },
      ),
    );
    for (const actor of actors) for (const message of ['1', '2']) actor.tell(message);
    const shutdown = system.shutdown({ timeoutMs: 1_000 });
    expect(() => system.spawn(() => ({ receive: () => {} }), { id: 'c' })).toThrow(SystemShutDownError);
    expect(() => system.spawn(() => ({ receive: () => {} }))).toThrow("actor system 'tests' is shutting down");
    actors[0]?.tell('late');
    expect(await shutdown).toEqual({ outcome: 'drained' });
    expect(seen.sort()).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect(deadLetters()).toEqual(['stopped:late']);
    expect(clock.pendingTimers).toBe(0);
    expect(system.statistics()).toMatchObject({ actors: 0, mailboxDepth: 0, processed: 4 });
    await expect(actors[0]?.ask(() => 'anyone?', { timeoutMs: 10 })).rejects.toThrow(ActorStoppedError);
  });

  test('times out, names the actors that did not finish, and stops what can be stopped', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    const stuck = system.spawn<string>(
      ({ spawn }) => {
        spawn(() => ({ receive: () => {} }), { id: 'child of stuck' });
        return { receive: () => new Promise<void>(() => {}) };
      },
      { id: 'stuck' },
    );
    const quick = system.spawn<string>(() => ({ receive: () => {} }), { id: 'quick' });
    for (const message of ['first', 'second', 'third']) stuck.tell(message);
    quick.tell('first');
    const shutdown = system.shutdown({ timeoutMs: 500 });
    await clock.advanceAsync(500);
    const result = await shutdown;
    expect(result).toMatchObject({
      outcome: 'timed-out',
      unfinished: [
        { id: 'stuck', state: 'busy', mailboxDepth: 2, processed: 1 },
        { id: 'child of stuck', state: 'ready' },
      ],
    });
    expect(deadLetters()).toEqual(['stopped:second', 'stopped:third']);
    await settle();
    expect(system.actors().map(({ id }) => id)).toEqual(['stuck']);
    expect(await system.shutdown({ timeoutMs: 1 })).toBe(result);
  });

  test('an abandoned handler that ends after all lets its actor stop', async () => {
    const { system, clock } = recordedSystem();
    const gate = Promise.withResolvers<void>();
    const ref = system.spawn<string>(() => ({ receive: () => gate.promise }));
    ref.tell('work');
    await settle();
    const shutdown = system.shutdown({ timeoutMs: 0 });
    await clock.advanceAsync(0);
    expect((await shutdown).outcome).toBe('timed-out');
    gate.resolve();
    await settle();
    expect([ref.statistics().state, system.statistics().actors]).toEqual(['stopped', 0]);
  });

  test('an actor in backoff: its timer is cancelled and it restarts at once to drain', async () => {
    const { system, clock } = recordedSystem();
    const seen: string[] = [];
    const ref = system.spawn<string>(
      () => ({
        receive(message) {
          if (message === 'fail') throw new Error('boom');
          seen.push(message);
        },
      }),
      { supervision: { backoffBaseMs: 60_000, backoffCapMs: 60_000 } },
    );
    for (const message of ['fail', 'a']) ref.tell(message);
    await settle();
    expect(ref.statistics().state).toBe('backoff');
    expect(await system.shutdown({ timeoutMs: 1_000 })).toEqual({ outcome: 'drained' });
    expect([seen, clock.pendingTimers]).toEqual([['a'], 0]);
  });

  test('with nothing to stop, and with a senseless time', async () => {
    const { system, clock } = recordedSystem();
    await expect(system.shutdown({ timeoutMs: -1 })).rejects.toThrow('not -1');
    await expect(system.shutdown({ timeoutMs: 2 ** 31 })).rejects.toThrow(RangeError);
    expect(await system.shutdown({ timeoutMs: 1_000 })).toEqual({ outcome: 'drained' });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('events', () => {
  test('a listener that throws is counted and disturbs nobody', async () => {
    const seen: string[] = [];
    const { system } = recordedSystem({
      onEvent: () => {
        throw new Error('bad listener');
      },
    });
    system.subscribe((event) => seen.push(event.type));
    const ref = system.spawn<string>(() => ({ receive: () => {} }), { supervision: { onFailure: 'stop' } });
    await ref.stop();
    ref.tell('late');
    expect(seen).toEqual(['spawned', 'stopped', 'dead-letter']);
    expect(system.statistics()).toMatchObject({ listenerFailures: 3, deadLetters: { stopped: 1 } });
  });

  test('a listener that tells a stopped actor about dead letters does not call itself without end', async () => {
    const { system, events } = recordedSystem();
    const log = system.spawn<ActorEvent>(() => ({ receive: () => {} }));
    await log.stop();
    system.subscribe((event) => log.tell(event));
    // The event of the spawn is one dead letter; the event of that dead letter is another, counted but not announced.
    system.spawn(() => ({ receive: () => {} }));
    expect(system.statistics().deadLetters.stopped).toBe(2);
    log.tell({ type: 'stopped', actorId: 'x' });
    expect(system.statistics().deadLetters.stopped).toBe(4);
    expect(events.filter(({ type }) => type === 'dead-letter')).toHaveLength(2);
  });

  test('a subscription ends once, even when the same listener subscribed twice', () => {
    const { system } = recordedSystem();
    let calls = 0;
    const listener = () => void calls++;
    const unsubscribe = system.subscribe(listener);
    system.subscribe(listener);
    unsubscribe();
    unsubscribe();
    system.spawn(() => ({ receive: () => {} }));
    expect(calls).toBe(1);
  });

  test('waiting times in mailboxes are reported on request, a hook that throws is counted', async () => {
    const waits: [string, number][] = [];
    const { system, clock } = recordedSystem({
      onMailboxWait: (actorId, waitedMs) => {
        waits.push([actorId, waitedMs]);
        if (waitedMs === 0) throw new Error('bad hook');
      },
    });
    const ref = system.spawn<number>(
      () => ({ receive: (delayMs) => new Promise<void>((resolve) => void clock.schedule(delayMs, resolve)) }),
      { id: 'a' },
    );
    for (const delayMs of [30, 20, 0]) ref.tell(delayMs);
    await clock.advanceAsync(100);
    expect(waits).toEqual([
      ['a', 0],
      ['a', 30],
      ['a', 50],
    ]);
    expect(system.statistics().listenerFailures).toBe(1);
  });
});
