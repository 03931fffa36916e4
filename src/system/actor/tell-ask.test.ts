import { describe, expect, test } from 'vitest';
import { settle } from '../../runtime/virtual-clock.ts';
import {
  type ActorRef,
  ActorStoppedError,
  AskFailedError,
  AskTimeoutError,
  MailboxFullError,
  type ReplyTo,
  type WaitingActorRef,
} from './system.ts';
import { recordedSystem } from './testing/recorder.ts';

/** An actor that handles one message at a time, and each only when the test lets it. */
function gated(seen: string[]) {
  const gates: PromiseWithResolvers<void>[] = [];
  return {
    factory: () => ({
      async receive(message: string) {
        seen.push(message);
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
      },
    }),
    open: async () => {
      gates.shift()?.resolve();
      await settle();
    },
  };
}

describe('tell', () => {
  test('messages are handled in order, one at a time, an asynchronous handler to its end', async () => {
    const { system } = recordedSystem();
    const log: string[] = [];
    const ref = system.spawn(() => ({
      async receive(message: string) {
        log.push(`begin ${message}`);
        if (message !== 'b') await settle();
        log.push(`end ${message}`);
      },
    }));
    for (const message of ['a', 'b', 'c']) ref.tell(message);
    await settle();
    await settle();
    await settle();
    expect(log).toEqual(['begin a', 'end a', 'begin b', 'end b', 'begin c', 'end c']);
  });

  test('reject: a full mailbox throws, the message is not delivered, and there is room again later', async () => {
    const { system, deadLetters } = recordedSystem();
    const seen: number[] = [];
    const ref = system.spawn<number>(() => ({ receive: (message) => void seen.push(message) }), {
      id: 'small',
      mailbox: { capacity: 2, whenFull: 'reject' },
    });
    ref.tell(1);
    ref.tell(2);
    expect(() => ref.tell(3)).toThrow(MailboxFullError);
    expect(() => ref.tell(3)).toThrow("actor 'small' is full (2 messages)");
    await settle();
    ref.tell(4);
    await settle();
    expect(seen).toEqual([1, 2, 4]);
    expect(ref.statistics()).toMatchObject({ rejected: 2, processed: 3, deadLetters: 0 });
    expect(system.statistics().rejected).toBe(2);
    expect(deadLetters()).toEqual([]);
  });

  test('drop-newest and drop-oldest: what is lost is a dead letter', async () => {
    const { system, deadLetters } = recordedSystem();
    const seen: string[] = [];
    for (const whenFull of ['drop-newest', 'drop-oldest'] as const) {
      const ref = system.spawn<string>(() => ({ receive: (message) => void seen.push(message) }), {
        mailbox: { capacity: 2, whenFull },
      });
      for (const number of [1, 2, 3]) ref.tell(`${whenFull} ${number}`);
      await settle();
      expect(ref.statistics().deadLetters).toBe(1);
    }
    expect(seen).toEqual(['drop-newest 1', 'drop-newest 2', 'drop-oldest 2', 'drop-oldest 3']);
    expect(deadLetters()).toEqual(['mailbox-full:drop-newest 3', 'mailbox-full:drop-oldest 1']);
    expect(system.statistics().deadLetters['mailbox-full']).toBe(2);
  });

  test('wait: senders are accepted first come first served', async () => {
    const { system } = recordedSystem();
    const seen: string[] = [];
    const { factory, open } = gated(seen);
    const ref: WaitingActorRef<string> = system.spawn(factory, { mailbox: { capacity: 1, whenFull: 'wait' } });
    await ref.tell('a');
    await settle();
    const accepted: string[] = [];
    for (const message of ['b', 'c', 'd']) void ref.tell(message).then(() => accepted.push(message));
    await settle();
    expect(accepted).toEqual(['b']);
    expect(ref.statistics()).toMatchObject({ mailboxDepth: 1, waitingSenders: 2, state: 'busy' });
    await open();
    expect(accepted).toEqual(['b', 'c']);
    for (let i = 0; i < 3; i++) await open();
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
    expect(accepted).toEqual(['b', 'c', 'd']);
  });

  test('wait: stopping refuses those in line, and an ignored refusal crashes nothing', async () => {
    const { system, deadLetters } = recordedSystem();
    const seen: string[] = [];
    const { factory, open } = gated(seen);
    const ref = system.spawn(factory, { mailbox: { capacity: 1, whenFull: 'wait' } });
    void ref.tell('a');
    await settle();
    void ref.tell('b');
    const awaited = ref.tell('c');
    void ref.tell('ignored');
    const stopped = ref.stop();
    await expect(awaited).rejects.toThrow(ActorStoppedError);
    await expect(ref.tell('late')).rejects.toThrow(ActorStoppedError);
    void ref.tell('late and ignored');
    await open();
    await stopped;
    expect(seen).toEqual(['a']);
    expect(deadLetters()).toEqual(['b', 'c', 'ignored', 'late', 'late and ignored'].map((message) => `stopped:${message}`));
  });

  test('after stop: a dead letter, not an error', async () => {
    const { system, deadLetters } = recordedSystem();
    const ref = system.spawn<string>(() => ({ receive: () => {} }));
    await ref.stop();
    ref.tell('hello');
    expect(deadLetters()).toEqual(['stopped:hello']);
    expect(ref.statistics()).toMatchObject({ state: 'stopped', deadLetters: 1 });
    expect(system.statistics().deadLetters.stopped).toBe(1);
  });

  test('undefined is a message like any other', async () => {
    const { system } = recordedSystem();
    const ref = system.spawn<undefined>(() => ({ receive: () => {} }));
    ref.tell(undefined);
    await settle();
    expect(ref.statistics().processed).toBe(1);
  });
});

describe('batch receive', () => {
  test('takes everything that waits, at most maxBatch at a time', async () => {
    const { system } = recordedSystem();
    const batches: (readonly number[])[] = [];
    const receiveBatch = (messages: readonly number[]) => void batches.push(messages);
    const whole = system.spawn<number>(() => ({ receiveBatch }));
    const limited = system.spawn<number>(() => ({ receiveBatch, maxBatch: 2 }));
    for (const number of [1, 2, 3, 4, 5]) whole.tell(number);
    await settle();
    for (const number of [1, 2, 3, 4, 5]) limited.tell(number);
    await settle();
    expect(batches).toEqual([[1, 2, 3, 4, 5], [1, 2], [3, 4], [5]]);
    expect(limited.statistics().processed).toBe(5);
  });

  test('what comes during an asynchronous batch makes the next one', async () => {
    const { system } = recordedSystem();
    const batches: (readonly number[])[] = [];
    const ref = system.spawn<number>(() => ({
      async receiveBatch(messages: readonly number[]) {
        batches.push(messages);
        await settle();
      },
    }));
    ref.tell(1);
    await Promise.resolve();
    ref.tell(2);
    ref.tell(3);
    await settle();
    await settle();
    expect(batches).toEqual([[1], [2, 3]]);
  });

  test('asks in a batch are answered one by one; a failure fails those without an answer', async () => {
    const { system } = recordedSystem();
    type Question = { readonly text: string; readonly replyTo: ReplyTo<string> };
    const ref = system.spawn<Question>(
      () => ({
        receiveBatch(messages) {
          for (const { text, replyTo } of messages) {
            if (text === 'bad') throw new Error('bad question');
            replyTo.tell(text.toUpperCase());
          }
        },
      }),
      { supervision: { onFailure: 'resume' } },
    );
    const ask = (text: string) => ref.ask<string>((replyTo) => ({ text, replyTo }), { timeoutMs: 100 });
    const [first, bad, last] = await Promise.allSettled([ask('first'), ask('bad'), ask('last')]);
    expect(first).toEqual({ status: 'fulfilled', value: 'FIRST' });
    for (const result of [bad, last]) expect(result.status === 'rejected' && result.reason).toBeInstanceOf(AskFailedError);
  });
});

type Request = {
  readonly type: 'double' | 'forget' | 'throw' | 'refuse' | 'keep';
  readonly value: number;
  readonly replyTo: ReplyTo<number>;
};

describe('ask', () => {
  const calculator = (kept: ReplyTo<number>[] = []) => ({
    receive({ type, value, replyTo }: Request) {
      if (type === 'double') replyTo.tell(value * 2);
      if (type === 'throw') throw new Error('no idea');
      if (type === 'refuse') replyTo.fail(new RangeError('too far'));
      if (type === 'keep') kept.push(replyTo);
    },
  });
  const ask = (ref: ActorRef<Request>, type: Request['type'], value = 1, timeoutMs = 100) =>
    ref.ask<number>((replyTo) => ({ type, value, replyTo }), { timeoutMs });

  test('resolves with the reply and leaves no timer', async () => {
    const { system, clock } = recordedSystem();
    const ref = system.spawn(() => calculator());
    expect(await ask(ref, 'double', 21)).toBe(42);
    expect(clock.pendingTimers).toBe(0);
  });

  test('the deadline gives AskTimeoutError, and says that the handler had begun', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    const kept: ReplyTo<number>[] = [];
    const ref = system.spawn(() => calculator(kept), { id: 'calculator' });
    const asked = ask(ref, 'keep', 1, 50);
    const outcome = asked.catch((error: unknown) => error);
    await clock.advanceAsync(49);
    expect(clock.pendingTimers).toBe(1);
    await clock.advanceAsync(1);
    expect(await outcome).toBeInstanceOf(AskTimeoutError);
    expect(await outcome).toMatchObject({ code: 'ask-timeout', actorId: 'calculator', timeoutMs: 50, mayHaveHappened: true });
    kept[0]?.tell(7);
    kept[0]?.fail(new Error('sorry'));
    expect(deadLetters()).toEqual(['late-reply:7', 'late-reply:Error: sorry']);
    expect(system.statistics().deadLetters['late-reply']).toBe(2);
  });

  test('a message whose deadline passed in the mailbox is never handled', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    const values: number[] = [];
    const ref = system.spawn<Request | 'block'>(() => ({
      async receive(message) {
        if (message === 'block') await new Promise<void>((resolve) => void clock.schedule(100, resolve));
        else values.push(message.value);
      },
    }));
    ref.tell('block');
    const outcome = ref
      .ask<number>((replyTo) => ({ type: 'double', value: 1, replyTo }), { timeoutMs: 50 })
      .catch((error: unknown) => error);
    await clock.advanceAsync(200);
    expect(await outcome).toMatchObject({ code: 'ask-timeout', mayHaveHappened: false });
    expect(values).toEqual([]);
    expect(deadLetters()).toEqual(['expired:[object Object]']);
    expect(ref.statistics()).toMatchObject({ processed: 1, mailboxDepth: 0, deadLetters: 1 });
  });

  test('a second reply is a dead letter', async () => {
    const { system, deadLetters } = recordedSystem();
    const kept: ReplyTo<number>[] = [];
    const ref = system.spawn(() => calculator(kept));
    const asked = ask(ref, 'keep');
    await settle();
    kept[0]?.tell(1);
    kept[0]?.tell(2);
    expect(await asked).toBe(1);
    expect(deadLetters()).toEqual(['duplicate-reply:2']);
  });

  test('a handler that throws fails the ask at once; fail() gives its own error', async () => {
    const { system, clock } = recordedSystem();
    const ref = system.spawn(() => calculator(), { supervision: { onFailure: 'resume' } });
    const failed = await ask(ref, 'throw').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(AskFailedError);
    expect(failed).toMatchObject({ mayHaveHappened: true, cause: new Error('no idea') });
    await expect(ask(ref, 'refuse')).rejects.toThrow(new RangeError('too far'));
    expect(clock.pendingTimers).toBe(0);
  });

  test('an asynchronous handler that rejects fails the ask, and its late reply is a dead letter', async () => {
    const { system, deadLetters } = recordedSystem();
    let kept: ReplyTo<number> | undefined;
    const ref = system.spawn<Request>(() => ({
      async receive({ replyTo }) {
        kept = replyTo;
        await settle();
        throw new Error('late');
      },
    }));
    await expect(ask(ref, 'double')).rejects.toThrow(AskFailedError);
    kept?.tell(1);
    expect(deadLetters()).toEqual(['late-reply:1']);
  });

  test.each([false, true])(
    'a failure later fails nothing that was kept to be answered later (asynchronous: %s)',
    async (asynchronous) => {
      const { system } = recordedSystem();
      const kept: ReplyTo<number>[] = [];
      const inner = calculator(kept);
      const ref = system.spawn<Request>(
        () => ({ receive: asynchronous ? async (request) => inner.receive(request) : (request) => inner.receive(request) }),
        {
          supervision: { onFailure: 'resume' },
        },
      );
      const asked = ask(ref, 'keep');
      await settle();
      ref.tell({ type: 'throw', value: 0, replyTo: { tell: () => {}, fail: () => {} } });
      await settle();
      kept[0]?.tell(5);
      expect(await asked).toBe(5);
    },
  );

  test('to a stopped actor: fails at once, the message is a dead letter', async () => {
    const { system, clock } = recordedSystem();
    const ref = system.spawn(() => calculator());
    await ref.stop();
    const outcome = ask(ref, 'double').catch((error: unknown) => error);
    expect(clock.pendingTimers).toBe(0);
    expect(await outcome).toBeInstanceOf(ActorStoppedError);
    expect(await outcome).toMatchObject({ mayHaveHappened: false });
    expect(system.statistics().deadLetters.stopped).toBe(1);
  });

  test('waiting in the mailbox of an actor that stops: fails at once', async () => {
    const { system, clock } = recordedSystem();
    const ref = system.spawn<Request>(() => ({ receive: () => new Promise<void>(() => {}) }));
    void ask(ref, 'double').catch(() => {});
    await settle();
    const waiting = ask(ref, 'double');
    void ref.stop();
    await expect(waiting).rejects.toThrow(ActorStoppedError);
    expect(clock.pendingTimers).toBe(1);
  });

  test.each(['reject', 'drop-newest'] as const)('to a full mailbox (%s): MailboxFullError', async (whenFull) => {
    const { system } = recordedSystem();
    const ref = system.spawn(() => calculator(), { mailbox: { capacity: 1, whenFull } });
    const first = ask(ref, 'double', 1);
    await expect(ask(ref, 'double', 2)).rejects.toThrow(MailboxFullError);
    expect(await first).toBe(2);
  });

  test('to a full mailbox (drop-oldest): the oldest ask fails', async () => {
    const { system } = recordedSystem();
    const ref = system.spawn(() => calculator(), { mailbox: { capacity: 1, whenFull: 'drop-oldest' } });
    const first = ask(ref, 'double', 1).catch((error: unknown) => error);
    expect(await ask(ref, 'double', 2)).toBe(4);
    expect(await first).toBeInstanceOf(MailboxFullError);
  });

  test('to a full mailbox (wait): waits within its deadline', async () => {
    const { system, clock } = recordedSystem();
    const seen: number[] = [];
    const ref = system.spawn<Request>(
      () => ({
        async receive({ value, replyTo }) {
          seen.push(value);
          await new Promise<void>((resolve) => void clock.schedule(40, resolve));
          replyTo.tell(value);
        },
      }),
      { mailbox: { capacity: 1, whenFull: 'wait' } },
    );
    const asked = [1, 2, 3, 4].map((value) => ask(ref, 'double', value).catch((error: unknown) => error));
    await clock.advanceAsync(300);
    const [first, second, third, fourth] = await Promise.all(asked);
    expect([first, second]).toEqual([1, 2]);
    expect(third).toMatchObject({ code: 'ask-timeout', mayHaveHappened: true });
    expect(fourth).toMatchObject({ code: 'ask-timeout', mayHaveHappened: false });
    expect(seen).toEqual([1, 2, 3]);
  });

  test('inside a handler to itself: in vain when awaited, fine when not', async () => {
    const { system, clock } = recordedSystem();
    const outcomes: unknown[] = [];
    type Message = 'await' | 'not' | { readonly replyTo: ReplyTo<string> };
    const ref = system.spawn<Message>(() => ({
      async receive(message, { self }) {
        if (typeof message === 'object') return message.replyTo.tell('me');
        const asked = self
          .ask<string>((replyTo) => ({ replyTo }), { timeoutMs: 10 })
          .then((reply) => outcomes.push(reply))
          .catch((error: unknown) => outcomes.push((error as AskTimeoutError).code));
        if (message === 'await') await asked;
      },
    }));
    ref.tell('await');
    await clock.advanceAsync(10);
    ref.tell('not');
    await settle();
    expect(outcomes).toEqual(['ask-timeout', 'me']);
    expect(ref.statistics()).toMatchObject({ state: 'ready', failures: 0, mailboxDepth: 0 });
  });

  test('a message that cannot be made, or a senseless deadline, rejects and sends nothing', async () => {
    const { system } = recordedSystem();
    const ref = system.spawn(() => calculator());
    const unmade = ref.ask<number>(
      () => {
        throw new Error('no message');
      },
      { timeoutMs: 10 },
    );
    await expect(unmade).rejects.toThrow('no message');
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31]) {
      await expect(ask(ref, 'double', 1, timeoutMs)).rejects.toThrow(RangeError);
      await expect(ask(ref, 'double', 1, timeoutMs)).rejects.toThrow(String(timeoutMs));
    }
    expect(ref.statistics().processed).toBe(0);
  });

  test('replyTo can be handed to another actor, and tell and fail used as plain functions', async () => {
    const { system } = recordedSystem();
    const worker = system.spawn(() => calculator());
    const front = system.spawn<Request>(() => ({ receive: (request) => worker.tell(request) }));
    const slow = system.spawn<Request>(() => ({
      receive({ value, replyTo }) {
        void Promise.resolve(value + 1).then(replyTo.tell, replyTo.fail);
      },
    }));
    expect(await ask(front, 'double', 4)).toBe(8);
    expect(await ask(slow, 'double', 4)).toBe(5);
  });
});

test('the compiler refuses messages and replies of the wrong type', () => {
  const { system } = recordedSystem();
  const ref = system.spawn<Request>(() => ({ receive: () => {} }));
  const misuse = () => {
    // @ts-expect-error -- not a message of this actor
    ref.tell('hello');
    // @ts-expect-error -- the reply is a number
    void ref.ask<string>((replyTo) => ({ type: 'double', value: 1, replyTo }), { timeoutMs: 1 });
    // @ts-expect-error -- whoever accepts only strings cannot stand in for whoever accepts more
    const wider: ActorRef<string | number> = system.spawn<string>(() => ({ receive: () => {} }));
    // @ts-expect-error -- a reference that was looked up accepts nothing until its type is claimed
    system.lookup('x')?.tell('hello');
    // @ts-expect-error -- an actor receives one by one or in batches, not both
    system.spawn<string>(() => ({ receive: () => {}, receiveBatch: () => {} }));
    return wider;
  };
  const narrower: ActorRef<'a'> = system.spawn<string>(() => ({ receive: () => {} }));
  const plain: ActorRef<string> = system.spawn<string>(() => ({ receive: () => {} }), {
    mailbox: { capacity: 1, whenFull: 'wait' },
  });
  expect([typeof misuse, narrower.id, plain.id]).toEqual(['function', 'actor-2', 'actor-3']);
});
