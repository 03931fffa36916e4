import { describe, expect, test } from 'vitest';
import { settle } from '../../runtime/virtual-clock.ts';
import { type ActorContext, ActorStoppedError, type ActorRef, DuplicateActorError } from './system.ts';
import { recordedSystem, until } from './testing/recorder.ts';

const idle = () => ({ receive: () => {} });

/** Logs its hooks and messages; spawns the children it is told to. */
const logging = (log: string[], name: string) => () => ({
  started: () => void log.push(`${name} started`),
  stopped: () => void log.push(`${name} stopped`),
  receive: (message: string) => void log.push(`${name} ${message}`),
});

describe('stop', () => {
  test('an asynchronous handler finishes its message; the rest are dead letters', async () => {
    const { system, deadLetters } = recordedSystem();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const ref = system.spawn<string>(() => ({
      stopped: () => void log.push('stopped'),
      async receive(message) {
        log.push(`begin ${message}`);
        await gate.promise;
        log.push(`end ${message}`);
      },
    }));
    ref.tell('a');
    ref.tell('b');
    await settle();
    const stopped = ref.stop().then(() => log.push('promise'));
    ref.tell('c');
    await settle();
    expect(log).toEqual(['begin a']);
    expect(deadLetters()).toEqual(['stopped:b', 'stopped:c']);
    gate.resolve();
    await stopped;
    expect(log).toEqual(['begin a', 'end a', 'stopped', 'promise']);
    expect(ref.statistics().state).toBe('stopped');
    await ref.stop();
    await ref.stop({ drain: true });
  });

  test('a message that fails when the actor is about to stop is reported, and nothing more is made of it', async () => {
    const { system, story } = recordedSystem();
    const restarting = system.spawn<string>(
      () => ({
        receive(_, { stop }) {
          stop();
          throw new Error('boom');
        },
      }),
      { id: 'a', supervision: { onFailure: 'restart', backoffBaseMs: 0 } },
    );
    restarting.tell('x');
    await settle();
    expect(story()).toEqual(['spawned a', 'failed a in receive of a: Error: boom -> ignored', 'stopped a']);
    expect(restarting.statistics()).toMatchObject({ failures: 1, restarts: 0 });
  });

  test('drain: what was told before is handled, what comes later is a dead letter', async () => {
    const { system, deadLetters } = recordedSystem();
    const log: string[] = [];
    const ref = system.spawn(logging(log, 'a'));
    for (const message of ['1', '2', '3']) ref.tell(message);
    const stopped = ref.stop({ drain: true });
    ref.tell('late');
    await stopped;
    expect(log).toEqual(['a started', 'a 1', 'a 2', 'a 3', 'a stopped']);
    expect(deadLetters()).toEqual(['stopped:late']);
  });

  test('drain also serves the senders in line', async () => {
    const { system, deadLetters } = recordedSystem();
    const seen: number[] = [];
    const ref = system.spawn<number>(() => ({ receive: (message) => void seen.push(message) }), {
      mailbox: { capacity: 1, whenFull: 'wait' },
    });
    const told = [1, 2, 3].map((message) => ref.tell(message));
    await ref.stop({ drain: true });
    await Promise.all(told);
    expect(seen).toEqual([1, 2, 3]);
    expect(deadLetters()).toEqual([]);
  });

  test('a stop without drain cuts a drain short; a drain does not undo a stop', async () => {
    const { system, deadLetters } = recordedSystem();
    const seen: string[] = [];
    const gates: PromiseWithResolvers<void>[] = [];
    const spawn = () =>
      system.spawn<string>(() => ({
        receive(message) {
          seen.push(message);
          const gate = Promise.withResolvers<void>();
          gates.push(gate);
          return gate.promise;
        },
      }));
    for (const [first, second] of [
      [true, false],
      [false, true],
    ]) {
      const ref = spawn();
      ref.tell('handled');
      ref.tell('lost');
      await settle();
      const stops = [ref.stop({ drain: first === true }), ref.stop({ drain: second === true })];
      gates.shift()?.resolve();
      await Promise.all(stops);
    }
    expect(seen).toEqual(['handled', 'handled']);
    expect(deadLetters()).toEqual(['stopped:lost', 'stopped:lost']);
  });

  test('an actor stops itself from its handler, and from its factory', async () => {
    const { system, deadLetters } = recordedSystem();
    const log: string[] = [];
    const ref = system.spawn<string>(() => ({
      stopped: () => void log.push('stopped'),
      receive(message, { stop }) {
        log.push(message);
        stop();
      },
    }));
    ref.tell('a');
    ref.tell('b');
    const born = system.spawn<string>(({ stop }) => {
      stop();
      return { receive: () => {}, stopped: () => void log.push('never lived') };
    });
    born.tell('c');
    await settle();
    expect(log).toEqual(['a', 'stopped', 'never lived']);
    expect(deadLetters()).toEqual(['stopped:c', 'stopped:b']);
    expect(system.statistics()).toMatchObject({ actors: 0, spawned: 2, stopped: 2 });
  });

  test('a draining actor may drain itself to the end, and a stop inside a batch loses the rest', async () => {
    const { system, deadLetters } = recordedSystem();
    const batches: (readonly number[])[] = [];
    const ref = system.spawn<number>(() => ({
      maxBatch: 2,
      receiveBatch(messages, { stop }) {
        batches.push(messages);
        stop({ drain: messages.includes(1) });
      },
    }));
    for (const message of [1, 2, 3, 4, 5]) ref.tell(message);
    await until(() => ref.statistics().state === 'stopped');
    expect(batches).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(deadLetters()).toEqual(['stopped:5']);
  });
});

describe('hooks', () => {
  test('no message is handled before an asynchronous started has settled', async () => {
    const { system } = recordedSystem();
    const log: string[] = [];
    const ready = Promise.withResolvers<void>();
    const ref = system.spawn<string>(() => ({
      async started() {
        await ready.promise;
        log.push('started');
      },
      receive: (message) => void log.push(message),
    }));
    ref.tell('a');
    await settle();
    expect([log, ref.statistics().state]).toEqual([[], 'busy']);
    ready.resolve();
    await settle();
    expect(log).toEqual(['started', 'a']);
  });

  test('stop waits for an asynchronous stopped; the id is taken until then', async () => {
    const { system } = recordedSystem();
    const gate = Promise.withResolvers<void>();
    const ref = system.spawn<string>(() => ({ receive: () => {}, stopped: () => gate.promise }), { id: 'a' });
    const stopped = ref.stop();
    await settle();
    expect(ref.statistics().state).toBe('stopping');
    expect(() => system.spawn(idle, { id: 'a' })).toThrow(DuplicateActorError);
    gate.resolve();
    await stopped;
    expect(system.lookup('a')).toBeUndefined();
    expect(system.spawn(idle, { id: 'a' }).id).toBe('a');
  });

  test.each([
    [
      'thrown',
      () => {
        throw new Error('cannot close');
      },
    ],
    ['rejected', () => Promise.reject(new Error('cannot close'))],
  ])('an error %s in stopped is reported and stops nothing', async (_, stopped) => {
    const { system, story } = recordedSystem();
    const ref = system.spawn(() => ({ receive: () => {}, stopped }), { id: 'a' });
    await ref.stop();
    expect(story()).toEqual(['spawned a', 'failed a in stopped of a: Error: cannot close -> ignored', 'stopped a']);
    expect(ref.statistics()).toMatchObject({ state: 'stopped', failures: 1 });
  });
});

describe('children', () => {
  test('stop with their parent, before its stopped hook, and deeper ones first', async () => {
    const { system } = recordedSystem();
    const log: string[] = [];
    const spawnTree = ({ spawn }: ActorContext<string>, depth: number) => {
      if (depth > 0) spawn((context) => (spawnTree(context, depth - 1), logging(log, `depth ${depth}`)()));
    };
    const ref = system.spawn<string>((context) => (spawnTree(context, 2), logging(log, 'top')()));
    await settle();
    expect(system.statistics().actors).toBe(3);
    log.length = 0;
    await ref.stop();
    expect(log).toEqual(['depth 1 stopped', 'depth 2 stopped', 'top stopped']);
    expect(system.statistics().actors).toBe(0);
  });

  test('are drained after their parent has drained, so that it can still tell them', async () => {
    const { system, deadLetters } = recordedSystem();
    const log: string[] = [];
    const parent = system.spawn<string>(({ spawn }) => {
      const child = spawn(logging(log, 'child'));
      return { receive: (message) => child.tell(message) };
    });
    for (const message of ['1', '2']) parent.tell(message);
    await parent.stop({ drain: true });
    expect(log).toEqual(['child started', 'child 1', 'child 2', 'child stopped']);
    expect(deadLetters()).toEqual([]);
  });

  test('that stop on their own are forgotten; a stopping parent gets no new ones', async () => {
    const { system } = recordedSystem();
    const outcomes: unknown[] = [];
    const parent = system.spawn<string>(({ spawn }) => {
      const child = spawn(idle, { id: 'child' });
      return {
        receive: () => child.stop(),
        stopped() {
          try {
            spawn(idle);
          } catch (error) {
            outcomes.push(error);
          }
        },
      };
    });
    expect(parent.statistics().children).toBe(1);
    parent.tell('stop your child');
    await settle();
    expect(system.lookup('child')).toBeUndefined();
    expect(parent.statistics().children).toBe(0);
    await parent.stop();
    expect(outcomes).toEqual([expect.any(ActorStoppedError)]);
    expect(system.statistics()).toMatchObject({ actors: 0, spawned: 2, stopped: 2 });
  });

  test('a context kept beyond the life of its actor spawns nothing', async () => {
    const { system } = recordedSystem();
    let kept: ActorContext<string> | undefined;
    const ref = system.spawn<string>((context) => {
      kept = context;
      return { receive: () => {} };
    });
    await ref.stop();
    expect(() => kept?.spawn(idle)).toThrow(ActorStoppedError);
  });

  test('cutting a drain short reaches the children that drain', async () => {
    const { system, deadLetters } = recordedSystem();
    const gate = Promise.withResolvers<void>();
    let child: ActorRef<string> | undefined;
    const parent = system.spawn<string>(({ spawn }) => {
      child = spawn<string>(() => ({ receive: () => gate.promise }));
      return { receive: () => {} };
    });
    child?.tell('in hand');
    child?.tell('lost');
    await settle();
    const drained = parent.stop({ drain: true });
    await settle();
    expect(deadLetters()).toEqual([]);
    const stopped = parent.stop();
    expect(deadLetters()).toEqual(['stopped:lost']);
    gate.resolve();
    await Promise.all([drained, stopped]);
  });
});

describe('ids and look-up', () => {
  test('an actor is found by its id, children included, until it has stopped', async () => {
    const { system } = recordedSystem();
    const ref = system.spawn<string>(({ spawn }) => (spawn(idle, { id: 'child' }), { receive: () => {} }), { id: 'top' });
    expect(system.lookup('top')).toBe(ref);
    expect(system.lookup('child')?.id).toBe('child');
    expect(system.lookup('nobody')).toBeUndefined();
    await ref.stop();
    expect([system.lookup('top'), system.lookup('child')]).toEqual([undefined, undefined]);
  });

  test('an id in use is refused and the first actor lives on', async () => {
    const { system, story } = recordedSystem();
    const ref = system.spawn<string>(idle, { id: 'a' });
    expect(() => system.spawn(idle, { id: 'a' })).toThrow("already an actor with id 'a'");
    expect(system.lookup('a')).toBe(ref);
    expect(story()).toEqual(['spawned a']);
    ref.tell('still there?');
    await settle();
    expect(ref.statistics().processed).toBe(1);
  });

  test('an actor cannot give its own id to a child; generated ids avoid those in use', () => {
    const { system } = recordedSystem();
    const own = () => system.spawn(({ spawn }) => (spawn(idle, { id: 'a' }), { receive: () => {} }), { id: 'a' });
    expect(own).toThrow(DuplicateActorError);
    system.spawn(idle, { id: 'actor-1' });
    expect(system.spawn(idle).id).toBe('actor-2');
    expect(() => system.spawn(idle, { id: '' })).toThrow(RangeError);
  });
});

describe('a spawn that fails', () => {
  test('throws the factory’s error, leaves no actor, and stops the children spawned until then', async () => {
    const { system, story, deadLetters } = recordedSystem();
    const spawn = () =>
      system.spawn<string>(
        (context) => {
          context.spawn(idle, { id: 'child' });
          context.self.tell('to myself');
          context.stop();
          throw new Error('no luck');
        },
        { id: 'a' },
      );
    expect(spawn).toThrow('no luck');
    await settle();
    expect(system.statistics().actors).toBe(0);
    expect(deadLetters()).toEqual(['stopped:to myself']);
    expect(story()).toEqual([
      'spawned a',
      'spawned child',
      'failed a in create of a: Error: no luck -> stop',
      'stopped child',
      'stopped a',
    ]);
  });

  test('what is no actor, and bad options, are refused by name', () => {
    const { system } = recordedSystem();
    expect(() => system.spawn(() => ({}) as ReturnType<typeof idle>)).toThrow(TypeError);
    expect(() => system.spawn(() => ({ receiveBatch: () => {}, maxBatch: 0 }))).toThrow('maxBatch is an integer >= 1, not 0');
    expect(() => system.spawn(idle, { mailbox: { capacity: 0, whenFull: 'reject' } })).toThrow('not 0');
    expect(() => system.spawn(idle, { supervision: { windowMs: -1 } })).toThrow('-1');
    expect(system.statistics().actors).toBe(0);
    expect(() => recordedSystem({ messagesPerTurn: 0 })).toThrow('messagesPerTurn is an integer >= 1, not 0');
    expect(() => recordedSystem({ defaults: { mailbox: { capacity: 1, whenFull: 'wait' as 'reject' } } })).toThrow("'wait'");
  });
});
