// What actors cost: a tell, an ask, a batch, and a life.

import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { type ActorRef, ActorSystem, type ReplyTo } from '../src/system/actor/system.ts';

const MESSAGES = 1_000;
/** Resolved by the actor when it has seen the last message of a call. */
interface Round {
  seen: number;
  done: () => void;
}

function prepare(): PreparedSuite {
  const system = new ActorSystem({ name: 'bench' });
  const round: Round = { seen: 0, done: () => {} };
  const count = (messages: number) => {
    round.seen += messages;
    if (round.seen === MESSAGES) round.done();
  };
  const one = system.spawn<number>(() => ({ receive: () => count(1) }));
  const asynchronous = system.spawn<number>(() => ({
    async receive() {
      await Promise.resolve();
      count(1);
    },
  }));
  const batch = system.spawn<number>(() => ({ receiveBatch: (messages: readonly number[]) => count(messages.length) }));
  const doubler = system.spawn<{ value: number; replyTo: ReplyTo<number> }>(() => ({
    receive: ({ value, replyTo }) => replyTo.tell(value * 2),
  }));
  const waiting = system.spawn<number>(() => ({ receive: () => count(1) }), {
    mailbox: { capacity: 128, whenFull: 'wait' },
  });
  let asked = 0;

  const tellAll = (ref: ActorRef<number>): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<number>();
    round.seen = 0;
    round.done = () => resolve(round.seen);
    for (let message = 0; message < MESSAGES; message++) ref.tell(message);
    return promise;
  };

  return {
    benchmarks: [
      { name: 'tell', kind: 'async', operationsPerCall: MESSAGES, operation: () => tellAll(one) },
      { name: 'tell-async-handler', kind: 'async', operationsPerCall: MESSAGES, operation: () => tellAll(asynchronous) },
      { name: 'tell-batch-receive', kind: 'async', operationsPerCall: MESSAGES, operation: () => tellAll(batch) },
      // All but the first 128 of a call wait in line.
      { name: 'tell-wait-when-full', kind: 'async', operationsPerCall: MESSAGES, operation: () => tellAll(waiting) },
      {
        name: 'ask',
        kind: 'async',
        operation: () => {
          const value = asked++;
          return doubler.ask<number>((replyTo) => ({ value, replyTo }), { timeoutMs: 1_000 });
        },
      },
      {
        name: 'spawn-stop',
        kind: 'async',
        operation: () => {
          const ref = system.spawn<number>(() => ({ receive: () => count(1) }));
          return ref.stop().then(() => ref.id);
        },
      },
    ],
    close: async () => {
      await system.shutdown({ timeoutMs: 1_000 });
    },
  };
}

export default { name: 'actor', prepare } satisfies Suite;
