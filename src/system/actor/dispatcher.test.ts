import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { settle } from '../../runtime/virtual-clock.ts';
import { recordedSystem, until } from './testing/recorder.ts';

/** Resolves in a later turn of the event loop, as I/O would; `settle` counts as such. */
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await settle();
};

test('an actor that tells itself without end does not starve the event loop', async () => {
  const { system } = recordedSystem({ messagesPerTurn: 16 });
  const ref = system.spawn<null>(() => ({ receive: (message, { self }) => self.tell(message) }));
  ref.tell(null);
  await turns(5);
  const { processed } = ref.statistics();
  expect(processed).toBeGreaterThanOrEqual(16);
  expect(processed).toBeLessThanOrEqual(16 * 7);
  await ref.stop();
});

test('nor do two that tell each other, nor asynchronous handlers that never leave the microtask queue', async () => {
  const { system } = recordedSystem({ messagesPerTurn: 16 });
  const ping = system.spawn<null>(() => ({ receive: (_, context) => context.lookup<null>('pong')?.tell(null) }), { id: 'ping' });
  const pong = system.spawn<null>(
    () => ({
      async receive(_, context) {
        await Promise.resolve();
        context.lookup<null>('ping')?.tell(null);
      },
    }),
    { id: 'pong' },
  );
  ping.tell(null);
  await turns(5);
  expect(ping.statistics().processed + pong.statistics().processed).toBeLessThanOrEqual(16 * 7);
  await Promise.all([ping.stop(), pong.stop()]);
});

test('nor one that restarts at once whenever it starts', async () => {
  const { system } = recordedSystem({ messagesPerTurn: 16 });
  const ref = system.spawn<null>(
    () => ({
      receive: () => {},
      started() {
        throw new Error('no start');
      },
    }),
    { supervision: { backoffBaseMs: 0, maxRestarts: Number.MAX_SAFE_INTEGER } },
  );
  await turns(5);
  expect(ref.statistics().restarts).toBeGreaterThanOrEqual(16);
  expect(ref.statistics().restarts).toBeLessThanOrEqual(16 * 7);
  await ref.stop();
});

test('a busy actor leaves others their turn', async () => {
  const { system } = recordedSystem({ messagesPerTurn: 1_000 });
  const order: string[] = [];
  const spawn = (name: string) => system.spawn<number>(() => ({ receive: () => void order.push(name) }));
  const [busy, calm] = [spawn('busy'), spawn('calm')];
  for (let i = 0; i < 500; i++) busy.tell(i);
  calm.tell(0);
  await until(() => order.length === 501);
  expect(order.indexOf('calm')).toBeLessThan(100);
});

test('all messages of one turn are handled in one microtask, without waiting for the next turn', async () => {
  const { system } = recordedSystem();
  const seen: number[] = [];
  const ref = system.spawn<number>(() => ({ receive: (message) => void seen.push(message) }));
  for (let i = 0; i < 100; i++) ref.tell(i);
  expect(seen).toEqual([]);
  await Promise.resolve();
  expect(seen).toHaveLength(100);
});

test('handlers see the async context in which the system was made, never a sender’s', async () => {
  const storage = new AsyncLocalStorage<string>();
  const { system } = storage.run('system', () => recordedSystem({ messagesPerTurn: 2 }));
  const seen: (string | undefined)[] = [];
  const ref = system.spawn<number>(() => ({ receive: () => void seen.push(storage.getStore()) }));
  storage.run('sender', () => {
    for (let i = 0; i < 5; i++) ref.tell(i);
  });
  await until(() => seen.length === 5);
  expect(new Set(seen)).toEqual(new Set(['system']));
});
