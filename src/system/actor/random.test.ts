// Hundreds of random lives of small actor systems: whatever happens, every message has exactly one fate, senders are
// served in their order, every promise settles, and nothing is left behind. A failing run names its seed.

import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import {
  type Actor,
  type ActorContext,
  ActorError,
  type ActorRef,
  ActorSystem,
  MailboxFullError,
  type ReplyTo,
  type SpawnOptions,
} from './system.ts';

type Action = 'nothing' | 'delay' | 'microtask' | 'throw' | 'throw-later' | 'forward' | 'stop' | 'drain';

interface Message {
  readonly sender: string;
  readonly number: number;
  readonly action: Action;
  readonly delayMs: number;
  replyTo?: ReplyTo<number>;
}

/** What became of a message, and of the promise its sender got. */
interface Fate {
  readonly message: Message;
  readonly actorId: string;
  processed: number;
  dead: number;
  rejected: number;
  promise: 'none' | 'pending' | 'fulfilled' | 'certainly-not' | 'maybe';
}

class World {
  readonly random: Random;
  readonly clock = new VirtualClock();
  readonly system: ActorSystem;
  readonly fates: Fate[] = [];
  readonly handled: Message[] = [];
  readonly surprises: string[] = [];
  readonly #fateOf = new Map<Message, Fate>();
  readonly #refs: ActorRef<Message>[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.system = new ActorSystem({
      clock: this.clock,
      messagesPerTurn: this.random.integer(1, 64),
      onEvent: (event) => {
        if (event.type !== 'dead-letter' || event.reason.endsWith('reply')) return;
        this.#fate(event.message as Message).dead++;
      },
    });
    this.#spawnMissing();
  }

  /** Tells, asks, stops, or lets time pass. */
  async step(): Promise<void> {
    const { random } = this;
    const dice = random.float();
    if (dice < 0.03 && this.#refs.length > 0) void random.pick(this.#refs).stop({ drain: random.chance(0.5) });
    else if (dice < 0.2) await this.clock.advanceAsync(random.integer(0, 20));
    else if (dice < 0.3) await settle();
    else if (dice < 0.4) this.#spawnMissing();
    else for (let burst = random.integer(1, 6); burst > 0; burst--) this.#send(`s${random.integer(1, 3)}`);
  }

  #spawnMissing(): void {
    for (const id of ['a', 'b', 'c']) if (this.system.lookup(id) === undefined) this.#spawn(this.system, id, 2);
  }

  #spawn(spawner: Pick<ActorContext<Message>, 'spawn'>, id: string, depth: number): void {
    const options: SpawnOptions = {
      id,
      mailbox: {
        capacity: this.random.integer(1, 8),
        whenFull: this.random.pick(['wait', 'reject', 'drop-newest', 'drop-oldest']),
      },
      supervision: {
        onFailure: this.random.pick(['resume', 'restart', 'restart', 'stop', 'escalate']),
        backoffBaseMs: this.random.integer(0, 10),
        maxRestarts: this.random.integer(0, 6),
        windowMs: 100,
        onLimit: this.random.pick(['stop', 'escalate']),
      },
    };
    const inBatches = this.random.chance(0.3);
    const children = depth > 0 ? this.random.integer(0, 2) : 0;
    const factory = (context: ActorContext<Message>): Actor<Message> => {
      for (let at = 0; at < children; at++) this.#spawn(context, `${id}.${at}`, depth - 1);
      if (this.random.chance(0.05)) throw new Error('no instance');
      const hook = () => (this.random.chance(0.5) ? settle() : undefined);
      const started = () => {
        if (this.random.chance(0.05)) throw new Error('no start');
        return hook();
      };
      return inBatches
        ? { started, stopped: hook, maxBatch: 3, receiveBatch: (messages) => this.#receive(messages, context) }
        : { started, stopped: hook, receive: (message) => this.#receive([message], context) };
    };
    try {
      this.#refs.push(spawner.spawn(factory, options));
    } catch (error) {
      // The parent's factory, or the test itself, may ignore a child that could not be made.
      if ((error as Error).message !== 'no instance' && !(error instanceof ActorError)) throw error;
    }
  }

  #receive(messages: readonly Message[], { self, stop }: ActorContext<Message>): void | Promise<void> {
    for (const message of messages) {
      this.#fate(message).processed++;
      this.handled.push(message);
    }
    const { action, delayMs } = messages[0] as Message;
    if (action === 'throw') throw new Error('thrown');
    if (action === 'forward') this.#send(self.id);
    if (action === 'stop' || action === 'drain') stop({ drain: action === 'drain' });
    for (const message of messages) message.replyTo?.tell(message.number);
    if (action === 'delay' || action === 'throw-later') {
      return new Promise((resolve, reject) => {
        this.clock.schedule(delayMs, () => (action === 'delay' ? resolve() : reject(new Error('thrown later'))));
      });
    }
    return action === 'microtask' ? Promise.resolve() : undefined;
  }

  #send(sender: string): void {
    const { random } = this;
    if (this.#refs.length === 0) return;
    // Mostly actors that live; the others must not mind either.
    const ref = random.pick(random.chance(0.9) ? this.#refs.slice(-6) : this.#refs);
    const action: Action = random.chance(0.5)
      ? 'nothing'
      : random.pick([
          'delay',
          'microtask',
          'throw',
          'throw-later',
          'forward',
          ...(random.chance(0.1) ? ['stop' as const, 'drain' as const] : []),
        ]);
    const message: Message = { sender, number: this.fates.length, action, delayMs: random.integer(0, 30) };
    const fate: Fate = { message, actorId: ref.id, processed: 0, dead: 0, rejected: 0, promise: 'none' };
    this.fates.push(fate);
    this.#fateOf.set(message, fate);
    if (random.chance(0.3)) this.#ask(ref, fate);
    else this.#tell(ref, fate);
  }

  #tell(ref: ActorRef<Message>, fate: Fate): void {
    try {
      // A waiting mailbox returns a promise through the plain ActorRef too.
      const accepted = ref.tell(fate.message) as unknown as Promise<void> | undefined;
      if (accepted !== undefined) this.#follow(accepted, fate);
    } catch (error) {
      if (!(error instanceof MailboxFullError)) throw error;
      fate.rejected++;
    }
  }

  #ask(ref: ActorRef<Message>, fate: Fate): void {
    const rejectedBefore = ref.statistics().rejected;
    const reply = ref.ask<number>((replyTo) => Object.assign(fate.message, { replyTo }), {
      timeoutMs: this.random.integer(1, 40),
    });
    fate.rejected += ref.statistics().rejected - rejectedBefore;
    this.#follow(
      reply.then((number) => {
        if (number !== fate.message.number) this.surprises.push(`${number} answers ${fate.message.number}`);
      }),
      fate,
    );
  }

  #follow(promise: Promise<unknown>, fate: Fate): void {
    fate.promise = 'pending';
    void promise
      .then(() => (fate.promise = 'fulfilled'))
      .catch((error: unknown) => {
        if (!(error instanceof ActorError)) this.surprises.push(String(error));
        fate.promise = (error as ActorError).mayHaveHappened ? 'maybe' : 'certainly-not';
      });
  }

  #fate(message: Message): Fate {
    const fate = this.#fateOf.get(message);
    if (fate === undefined) throw new Error('an unknown message');
    return fate;
  }
}

async function live(seed: number): Promise<World> {
  const world = new World(seed);
  for (let step = 0; step < 120; step++) await world.step();
  const progress = { outcome: 'none' };
  void world.system.shutdown({ timeoutMs: 100_000 }).then(({ outcome }) => (progress.outcome = outcome));
  for (let round = 0; round < 1_000 && progress.outcome === 'none'; round++) await world.clock.advanceAsync(50);
  if (progress.outcome !== 'drained') world.surprises.push(`shutdown: ${progress.outcome}`);
  // Lets the deadlines of asks pass whose handler went away without an answer.
  await world.clock.advanceAsync(100);
  return world;
}

/** What is wrong with a life that has ended; empty when nothing is. */
function complaints({ fates, handled, system, clock, surprises }: World): string[] {
  const found = [...surprises];
  for (const { message, processed, dead, rejected, promise } of fates) {
    const fate = `message ${message.number}: processed ${processed}, dead ${dead}, rejected ${rejected}, promise ${promise}`;
    if (processed + dead + rejected !== 1) found.push(fate);
    if (promise === 'pending' || (promise === 'certainly-not' && processed > 0) || (promise === 'maybe' && processed === 0))
      found.push(fate);
  }
  const last = new Map<string, number>();
  for (const { sender, number } of handled) {
    const line = `${sender} -> ${fates[number]?.actorId}`;
    if (number <= (last.get(line) ?? -1)) found.push(`${line}: ${number} after ${last.get(line)}`);
    last.set(line, number);
  }
  const { actors, mailboxDepth, processed, spawned, stopped, listenerFailures } = system.statistics();
  if (actors !== 0 || mailboxDepth !== 0 || spawned !== stopped) found.push('actors left');
  if (processed !== handled.length) found.push(`statistics say ${processed} processed, handlers ${handled.length}`);
  if (listenerFailures > 0) found.push('an event for an unknown message');
  if (clock.pendingTimers > 0) found.push(`${clock.pendingTimers} timers left`);
  return found;
}

describe('every message has exactly one fate', () => {
  const total = { processed: 0, dead: 0, rejected: 0, restarts: 0 };

  test.each([0, 50, 100, 150, 200, 250])('50 seeds from %d', async (first) => {
    for (let seed = first; seed < first + 50; seed++) {
      const world = await live(seed);
      expect({ seed, complaints: complaints(world) }).toEqual({ seed, complaints: [] });
      for (const fate of world.fates) {
        total.processed += fate.processed;
        total.dead += fate.dead;
        total.rejected += fate.rejected;
      }
      total.restarts += world.system.statistics().restarts;
    }
  });

  test('and all fates were met', () => {
    expect(total.processed).toBeGreaterThan(1_000);
    expect(total.dead).toBeGreaterThan(1_000);
    expect(total.rejected).toBeGreaterThan(100);
    expect(total.restarts).toBeGreaterThan(100);
  });
});
