import { describe, expect, test } from 'vitest';
import { settle } from '../../runtime/virtual-clock.ts';
import type { Actor, ActorContext, ActorRef, SupervisionOptions } from './system.ts';
import { recordedSystem, until } from './testing/recorder.ts';

/** Counts what one instance handled, and fails on 'fail'. */
function fragile(log: string[], name = 'actor') {
  let generation = 0;
  return (): Actor<string> => {
    const instance = `${name}#${++generation}`;
    let handled = 0;
    return {
      receive(message) {
        if (message.startsWith('fail')) throw new Error(message);
        log.push(`${instance} ${message} ${++handled}`);
      },
    };
  };
}

describe('directives', () => {
  test('resume: the instance carries on with its state; the failed message is not delivered again', async () => {
    const { system, story } = recordedSystem();
    const log: string[] = [];
    const ref = system.spawn(fragile(log), { id: 'a', supervision: { onFailure: 'resume' } });
    for (const message of ['x', 'fail', 'y']) ref.tell(message);
    await settle();
    expect(log).toEqual(['actor#1 x 1', 'actor#1 y 2']);
    expect(story()).toEqual(['spawned a', 'failed a in receive of a: Error: fail -> resume']);
    expect(ref.statistics()).toMatchObject({ processed: 3, failures: 1, restarts: 0 });
  });

  test('restart: after the backoff a fresh instance takes over the mailbox', async () => {
    const { system, clock, story } = recordedSystem();
    const log: string[] = [];
    const ref = system.spawn(fragile(log), { id: 'a', supervision: { backoffBaseMs: 100 } });
    for (const message of ['x', 'fail', 'y']) ref.tell(message);
    await clock.advanceAsync(99);
    expect(log).toEqual(['actor#1 x 1']);
    expect(ref.statistics()).toMatchObject({ state: 'backoff', mailboxDepth: 1 });
    ref.tell('z');
    await clock.advanceAsync(1);
    expect(log).toEqual(['actor#1 x 1', 'actor#2 y 1', 'actor#2 z 2']);
    expect(story()).toEqual(['spawned a', 'failed a in receive of a: Error: fail -> restart', 'restarted a']);
    expect(system.statistics()).toMatchObject({ failures: 1, restarts: 1, processed: 4 });
  });

  test('stop: the rest are dead letters, and other actors notice nothing', async () => {
    const { system, deadLetters, story } = recordedSystem();
    const log: string[] = [];
    const ref = system.spawn(fragile(log), { id: 'a', supervision: { onFailure: 'stop' } });
    const other = system.spawn(fragile(log, 'other'), { id: 'b' });
    for (const message of ['fail', 'x']) ref.tell(message);
    other.tell('y');
    await settle();
    expect(log).toEqual(['other#1 y 1']);
    expect(deadLetters()).toEqual(['stopped:x']);
    expect(story().slice(2)).toEqual(['failed a in receive of a: Error: fail -> stop', 'stopped a']);
    expect(other.statistics()).toMatchObject({ state: 'ready', failures: 0 });
  });

  test('a decider chooses by error and is told where it came from', async () => {
    const { system } = recordedSystem();
    const failures: unknown[] = [];
    const ref = system.spawn(fragile([]), {
      id: 'a',
      supervision: {
        onFailure: (error, { phase, originId }) => {
          failures.push([(error as Error).message, phase, originId]);
          return (error as Error).message === 'fail softly' ? 'resume' : 'stop';
        },
      },
    });
    ref.tell('fail softly');
    ref.tell('fail hard');
    await settle();
    expect(failures).toEqual([
      ['fail softly', 'receive', 'a'],
      ['fail hard', 'receive', 'a'],
    ]);
    expect(ref.statistics().state).toBe('stopped');
  });

  test('an asynchronous handler that rejects fails like one that throws', async () => {
    const { system, clock } = recordedSystem();
    const seen: string[] = [];
    const ref = system.spawn<string>(() => ({
      async receive(message) {
        await settle();
        if (message === 'fail') throw new Error('later');
        seen.push(message);
      },
    }));
    ref.tell('fail');
    ref.tell('next');
    await settle();
    await clock.advanceAsync(100);
    await until(() => seen.length === 1);
    expect(ref.statistics()).toMatchObject({ restarts: 1, failures: 1 });
  });
});

describe('restart', () => {
  test('each instance gets one start hook and one stopped hook; children are stopped and spawned anew', async () => {
    const { system, clock } = recordedSystem();
    const log: string[] = [];
    let generation = 0;
    const ref = system.spawn<string>(({ spawn }) => {
      const me = ++generation;
      spawn(() => ({ receive: () => {}, stopped: () => void log.push(`child of ${me} stopped`) }), { id: 'child' });
      return {
        started: () => void log.push(`started ${me}`),
        restarted: (error) => void log.push(`restarted ${me} after ${(error as Error).message}`),
        stopped: () => void log.push(`stopped ${me}`),
        receive() {
          throw new Error('boom');
        },
      };
    });
    ref.tell('fail');
    await clock.advanceAsync(100);
    await ref.stop();
    expect(log).toEqual([
      'started 1',
      'child of 1 stopped',
      'stopped 1',
      'restarted 2 after boom',
      'child of 2 stopped',
      'stopped 2',
    ]);
  });

  test('started stands in for a missing restarted', async () => {
    const { system, clock } = recordedSystem();
    let starts = 0;
    const ref = system.spawn<string>(() => ({
      started: () => void starts++,
      receive() {
        throw new Error('boom');
      },
    }));
    ref.tell('fail');
    await clock.advanceAsync(100);
    expect([starts, ref.statistics().state]).toEqual([2, 'ready']);
  });

  test('with senders in line (wait): they keep their places and lose nothing', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    const log: string[] = [];
    const ref = system.spawn(fragile(log), { mailbox: { capacity: 1, whenFull: 'wait' } });
    const told = ['fail', 'b', 'c', 'd'].map((message) => ref.tell(message));
    await settle();
    expect(ref.statistics()).toMatchObject({ state: 'backoff', mailboxDepth: 1, waitingSenders: 2 });
    const late = ref.tell('e');
    await clock.advanceAsync(100);
    await Promise.all([...told, late]);
    expect(log).toEqual(['actor#2 b 1', 'actor#2 c 2', 'actor#2 d 3', 'actor#2 e 4']);
    expect(deadLetters()).toEqual([]);
  });

  test('beyond the limit: stop, or escalate', async () => {
    for (const onLimit of ['stop', 'escalate'] as const) {
      const { system, clock, story } = recordedSystem();
      const ref = system.spawn(fragile([]), { id: 'a', supervision: { maxRestarts: 1, backoffBaseMs: 10, onLimit } });
      ref.tell('fail 1');
      ref.tell('fail 2');
      await clock.advanceAsync(1_000);
      expect(story()).toEqual([
        'spawned a',
        'failed a in receive of a: Error: fail 1 -> restart',
        'restarted a',
        `failed a in receive of a: Error: fail 2 -> ${onLimit}`,
        ...(onLimit === 'escalate' ? ['escalated-to-root a from a'] : []),
        'stopped a',
      ]);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  test('errors in hooks and in the factory are failures: supervised, limited, and followed by stopped', async () => {
    const { system, clock, story } = recordedSystem();
    const log: string[] = [];
    let generation = 0;
    const ref = system.spawn<string>(
      () => {
        const me = ++generation;
        if (me === 2) throw new Error('no instance');
        return {
          started() {
            if (me === 1) throw new Error('no start');
          },
          restarted() {
            if (me === 3) return Promise.reject(new Error('no restart'));
            return undefined;
          },
          stopped: () => void log.push(`stopped ${me}`),
          receive: (message) => void log.push(`${me} ${message}`),
        };
      },
      { id: 'a', supervision: { backoffBaseMs: 10 } },
    );
    ref.tell('hello');
    await clock.advanceAsync(100);
    expect(story()).toEqual([
      'spawned a',
      'failed a in started of a: Error: no start -> restart',
      'failed a in create of a: Error: no instance -> restart',
      'restarted a',
      'failed a in restarted of a: Error: no restart -> restart',
      'restarted a',
    ]);
    expect(log).toEqual(['stopped 1', 'stopped 3', '4 hello']);
  });

  test('there is nothing to resume when the factory failed: the actor stops', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    let generation = 0;
    const ref = system.spawn<string>(
      () => {
        if (++generation > 1) throw new Error('no instance');
        return {
          receive() {
            throw new Error('boom');
          },
        };
      },
      { supervision: { onFailure: (_, { phase }) => (phase === 'create' ? 'resume' : 'restart') } },
    );
    ref.tell('fail');
    ref.tell('lost');
    await clock.advanceAsync(100);
    expect(ref.statistics().state).toBe('stopped');
    expect(deadLetters()).toEqual(['stopped:lost']);
  });

  test('stop during backoff: the timer is cancelled, the messages are dead letters', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    const ref = system.spawn(fragile([]));
    for (const message of ['fail', 'lost']) ref.tell(message);
    await settle();
    expect(clock.pendingTimers).toBe(1);
    await ref.stop();
    expect(clock.pendingTimers).toBe(0);
    expect(deadLetters()).toEqual(['stopped:lost']);
  });

  test('drain during backoff: the timer is cancelled, the restart comes at once, the messages are handled', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    const log: string[] = [];
    const newInstance = fragile(log);
    const timersSeen = new Set<number>();
    const ref = system.spawn(() => {
      const inner = newInstance();
      return {
        receive(message: string, context: ActorContext<string>) {
          timersSeen.add(clock.pendingTimers);
          return inner.receive?.(message, context);
        },
      };
    });
    for (const message of ['fail', 'a', 'fail again', 'b']) ref.tell(message);
    await settle();
    await ref.stop({ drain: true });
    expect([clock.now(), clock.pendingTimers, timersSeen]).toEqual([0, 0, new Set([0])]);
    expect(log).toEqual(['actor#2 a 1', 'actor#3 b 1']);
    expect(deadLetters()).toEqual([]);
  });

  test('a draining actor that can no longer start is stopped instead of restarted without end', async () => {
    const { system, clock, deadLetters } = recordedSystem();
    let generation = 0;
    const ref = system.spawn<string>(
      () => {
        if (++generation > 1) throw new Error('no instance');
        return {
          receive() {
            throw new Error('boom');
          },
        };
      },
      { supervision: { maxRestarts: Number.MAX_SAFE_INTEGER } },
    );
    ref.tell('fail');
    ref.tell('lost');
    await ref.stop({ drain: true });
    expect([generation, clock.pendingTimers]).toEqual([2, 0]);
    expect(deadLetters()).toEqual(['stopped:lost']);
  });

  test('stop while the old instance takes its leave: no new one is made', async () => {
    const { system, clock } = recordedSystem();
    const gate = Promise.withResolvers<void>();
    let instances = 0;
    const ref = system.spawn<string>(() => {
      instances++;
      return {
        receive() {
          throw new Error('boom');
        },
        stopped: () => gate.promise,
      };
    });
    ref.tell('fail');
    await settle();
    expect(ref.statistics().state).toBe('restarting');
    const stopped = ref.stop();
    gate.resolve();
    await stopped;
    expect([instances, clock.pendingTimers]).toEqual([1, 0]);
  });
});

describe('escalate', () => {
  /** A parent with one child that escalates; returns both, and what they logged. */
  function family(supervision: SupervisionOptions, parentReceive?: (message: string) => Promise<void>) {
    const recorded = recordedSystem();
    const log: string[] = [];
    const newChild = fragile(log, 'child');
    let generation = 0;
    const parent = recorded.system.spawn<string>(
      ({ spawn }: ActorContext<string>) => {
        const me = ++generation;
        spawn(newChild, { id: 'child', supervision: { onFailure: 'escalate' } });
        return { receive: parentReceive ?? ((message) => void log.push(`parent#${me} ${message}`)) };
      },
      { id: 'parent', supervision },
    );
    const child = () => recorded.system.lookup<string>('child');
    return { ...recorded, log, parent, child };
  }

  test('the parent resumes: the child carries on', async () => {
    const { log, child, story, parent } = family({ onFailure: 'resume' });
    for (const message of ['a', 'fail', 'b']) child()?.tell(message);
    await settle();
    expect(log).toEqual(['child#1 a 1', 'child#1 b 2']);
    expect(story().slice(2)).toEqual([
      'failed child in receive of child: Error: fail -> escalate',
      'failed parent in child of child: Error: fail -> resume',
    ]);
    expect(parent.statistics().failures).toBe(1);
  });

  test('the parent restarts: the child is replaced, its messages are dead letters', async () => {
    const { log, child, clock, deadLetters, parent } = family({ onFailure: 'restart' });
    for (const message of ['fail', 'lost']) child()?.tell(message);
    await clock.advanceAsync(100);
    child()?.tell('hello');
    parent.tell('hello');
    await settle();
    expect(log).toEqual(['child#2 hello 1', 'parent#2 hello']);
    expect(deadLetters()).toEqual(['stopped:lost']);
  });

  test.each(['stop', 'escalate'] as const)('the parent says %s: the subtree stops', async (onFailure) => {
    const { child, story, system } = family({ onFailure });
    child()?.tell('fail');
    await settle();
    expect(story().slice(2)).toEqual([
      'failed child in receive of child: Error: fail -> escalate',
      `failed parent in child of child: Error: fail -> ${onFailure}`,
      ...(onFailure === 'escalate' ? ['escalated-to-root parent from child'] : []),
      'stopped child',
      'stopped parent',
    ]);
    expect(system.statistics().actors).toBe(0);
  });

  test('a parent in the middle of a message decides after it; the child waits, suspended', async () => {
    const gate = Promise.withResolvers<void>();
    const { child, parent, log } = family({ onFailure: 'resume' }, () => gate.promise);
    parent.tell('long work');
    await settle();
    for (const message of ['fail', 'b']) child()?.tell(message);
    await settle();
    expect([child()?.statistics().state, log]).toEqual(['suspended', []]);
    gate.resolve();
    await settle();
    expect([child()?.statistics().state, log]).toEqual(['ready', ['child#1 b 1']]);
  });

  test('the decision about a child goes before the messages that wait', async () => {
    const gate = Promise.withResolvers<void>();
    const { child, parent, deadLetters } = family({ onFailure: 'stop' }, () => gate.promise);
    parent.tell('long work');
    await settle();
    child()?.tell('fail');
    parent.tell('waits');
    await settle();
    gate.resolve();
    await settle();
    expect(deadLetters()).toEqual(['stopped:waits']);
    expect(parent.statistics()).toMatchObject({ state: 'stopped', processed: 1 });
  });

  test('a suspended child can be stopped, and its failure is forgotten', async () => {
    const gate = Promise.withResolvers<void>();
    const { child, parent, story } = family({ onFailure: 'stop' }, () => gate.promise);
    parent.tell('long work');
    await settle();
    child()?.tell('fail');
    await settle();
    await child()?.stop();
    gate.resolve();
    await settle();
    expect(story().slice(2)).toEqual(['failed child in receive of child: Error: fail -> escalate', 'stopped child']);
    expect(parent.statistics()).toMatchObject({ state: 'ready', failures: 0 });
  });

  test('passed on twice and resumed at the top, the whole line carries on', async () => {
    const { system } = recordedSystem();
    const log: string[] = [];
    const escalate = { supervision: { onFailure: 'escalate' } } as const;
    const forward = (name: string) => ({ receive: (message: string) => void log.push(`${name} ${message}`) });
    system.spawn<string>(
      (top) => {
        top.spawn<string>(
          (middle) => {
            middle.spawn(fragile(log, 'bottom'), { id: 'bottom', ...escalate });
            return forward('middle');
          },
          { id: 'middle', ...escalate },
        );
        return forward('top');
      },
      { id: 'top', supervision: { onFailure: 'resume' } },
    );
    const ref = (id: string) => system.lookup<string>(id) as ActorRef<string>;
    ref('bottom').tell('fail');
    for (const id of ['bottom', 'middle', 'top']) ref(id).tell('hello');
    await settle();
    expect(log.sort()).toEqual(['bottom#1 hello 1', 'middle hello', 'top hello']);
    expect(['bottom', 'middle', 'top'].map((id) => ref(id).statistics().failures)).toEqual([1, 1, 1]);
  });

  test('a child that fails while its parent drains it is stopped: there is no one left to decide', async () => {
    const { system, deadLetters, story } = recordedSystem();
    const work = Promise.withResolvers<void>();
    const parent = system.spawn<string>(
      ({ spawn }) => {
        const child = spawn<string>(() => ({ receive: () => work.promise }), {
          id: 'child',
          supervision: { onFailure: 'escalate' },
        });
        return { receive: (message) => child.tell(message) };
      },
      { id: 'parent', supervision: { onFailure: 'resume' } },
    );
    for (const message of ['work', 'lost']) parent.tell(message);
    const drained = parent.stop({ drain: true });
    await settle();
    expect(parent.statistics().state).toBe('stopping');
    work.reject(new Error('boom'));
    await drained;
    expect(deadLetters()).toEqual(['stopped:lost']);
    expect(story().slice(2)).toEqual([
      'failed child in receive of child: Error: boom -> escalate',
      'stopped child',
      'stopped parent',
    ]);
  });
});
