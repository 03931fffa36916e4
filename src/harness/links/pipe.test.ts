import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { DirectionState } from './direction-state.ts';
import { Pipe } from './pipe.ts';
import type { LinkRule } from './rule.ts';

interface Seen {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

function world(seed = 1) {
  const clock = new VirtualClock();
  const state = new DirectionState({ from: 'n1', to: 'n2' }, clock, new Random(seed));
  const seen: Seen[] = [];
  const events: string[] = [];
  const source = { paused: false };
  const sink = { full: false };
  const pipe = new Pipe({
    direction: state,
    counters: state.counters,
    source: { pause: () => (source.paused = true), resume: () => (source.paused = false) },
    sink: {
      write(bytes) {
        seen.push({ atMs: clock.now(), bytes });
        return !sink.full;
      },
      end: () => events.push(`end@${clock.now()}`),
      abort: () => events.push(`abort@${clock.now()}`),
    },
    clock,
    sinkReady: true,
  });
  const out = () => Buffer.concat(seen.map(({ bytes }) => bytes)).toString();
  return { clock, state, pipe, seen, events, source, sink, out };
}

const bytes = (text: string) => Buffer.from(text);

describe('a pipe', () => {
  test('without rules lets everything through at once', () => {
    const { clock, pipe, out, state, events } = world();
    pipe.push(bytes('abc'));
    pipe.push(bytes('def'));
    pipe.end();
    expect(out()).toBe('abcdef');
    expect(events).toEqual(['end@0']);
    expect(state.counters).toMatchObject({ bytesIn: 6, bytesForwarded: 6, bytesHeld: 0, chunksDelayed: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('holds what comes while it is blocked, its end too, and lets it go in order', () => {
    const { clock, state, pipe, out, events } = world();
    pipe.push(bytes('a'));
    state.setRule('x', { block: 'hold' });
    pipe.push(bytes('b'));
    pipe.push(bytes('c'));
    pipe.end();
    clock.advance(60_000);
    expect(out()).toBe('a');
    expect(events).toEqual([]);
    expect(state.counters).toMatchObject({ bytesForwarded: 1, bytesHeld: 2 });
    state.liftRule('x');
    expect(out()).toBe('abc');
    expect(events).toEqual(['end@60000']);
    expect(state.counters).toMatchObject({ bytesForwarded: 3, bytesHeld: 0 });
  });

  test('delays every chunk, and what is under way keeps its time when the rule is lifted', () => {
    const { clock, state, pipe, seen } = world();
    state.setRule('x', { delayMs: 100 });
    pipe.push(bytes('a'));
    clock.advance(50);
    pipe.push(bytes('b'));
    state.liftRule('x');
    pipe.push(bytes('c'));
    clock.advance(1_000);
    expect(seen.map(({ atMs, bytes: chunk }) => [atMs, Buffer.from(chunk).toString()])).toEqual([
      [100, 'a'],
      [150, 'b'],
      [150, 'c'],
    ]);
  });

  test('shares the bandwidth of its direction with others, in turn', () => {
    const { clock, state, pipe, seen } = world();
    const others: number[] = [];
    const other = new Pipe({
      direction: state,
      counters: state.counters,
      source: { pause() {}, resume() {} },
      sink: { write: (chunk) => others.push(chunk.length) > 0, end() {}, abort() {} },
      clock,
      sinkReady: true,
    });
    state.setRule('x', { bytesPerSecond: 10_000 });
    pipe.push(Buffer.alloc(20_000));
    other.push(Buffer.alloc(20_000));
    clock.advance(2_000);
    const sum = (lengths: readonly number[]) => lengths.reduce((total, length) => total + length, 0);
    const mine = sum(seen.map(({ bytes: chunk }) => chunk.length));
    expect(mine + sum(others)).toBe(20_000);
    expect(Math.abs(mine - sum(others))).toBeLessThanOrEqual(200);
    state.liftRule('x');
    expect(state.counters).toMatchObject({ bytesForwarded: 40_000, bytesHeld: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('a lost packet comes a retransmission later, and so does all behind it', () => {
    const { clock, state, pipe, seen } = world(3);
    state.setRule('x', { lossProbability: 0.3, retransmitMs: 200 });
    for (let chunk = 0; chunk < 100; chunk++) {
      pipe.push(Buffer.alloc(100, chunk));
      clock.advance(10);
    }
    clock.advance(60_000);
    expect(seen.map(({ bytes: chunk }) => chunk[0])).toEqual(Array.from({ length: 100 }, (_, at) => at));
    expect(state.counters.chunksLost).toBeGreaterThan(10);
    expect(state.counters.chunksLost).toBeLessThan(60);
    // Those behind a lost one wait with it.
    expect(state.counters.chunksDelayed).toBeGreaterThan(state.counters.chunksLost);
  });

  test('tells of the end later than of the bytes before it, where closes are slow', () => {
    const { clock, state, pipe, seen, events } = world();
    state.setRule('x', { closeDelayMs: 500 });
    pipe.push(bytes('a'));
    pipe.end();
    pipe.abort();
    clock.advance(2_000);
    expect(seen[0]?.atMs).toBe(0);
    expect(events).toEqual(['end@500', 'abort@500']);
    expect(state.counters.closesDelayed).toBe(2);
  });

  test('makes the sender wait while the receiver does not read, and holds little meanwhile', () => {
    const { state, pipe, source, sink, out } = world();
    sink.full = true;
    pipe.push(Buffer.alloc(10, 'a'));
    let pushed = 0;
    for (; !source.paused && pushed < 1_000; pushed++) pipe.push(Buffer.alloc(8_192, 'b'));
    expect(pushed).toBe(8);
    sink.full = false;
    pipe.sinkReady();
    expect(source.paused).toBe(false);
    expect(out().length).toBe(10 + 8 * 8_192);
    expect(state.counters.bytesHeld).toBe(0);
  });

  test('makes the sender wait during a hold', () => {
    const { state, pipe, source } = world();
    state.setRule('x', { block: 'hold' });
    let pushed = 0;
    for (; !source.paused && pushed < 1_000; pushed++) pipe.push(Buffer.alloc(65_536));
    expect(pushed).toBe(16);
    state.liftRule('x');
    expect(source.paused).toBe(false);
  });

  test('forgets what waits when the receiver is gone, and says so', () => {
    const { clock, state, pipe, source } = world();
    state.setRule('x', { delayMs: 100 });
    pipe.push(bytes('abc'));
    pipe.destroy();
    pipe.push(bytes('d'));
    expect(state.counters).toMatchObject({ bytesIn: 4, bytesForwarded: 0, bytesHeld: 0, bytesDiscarded: 4 });
    expect(source.paused).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('under any rules', () => {
  const seeds = Array.from({ length: 300 }, (_, at) => at + 1);

  test.each(seeds)('bytes come out as they went in: seed %i', (seed) => {
    const { clock, state, pipe, seen, events, source, sink } = world(seed);
    const random = new Random(seed).fork('test');
    const sent: number[] = [];
    /** Of every byte sent: when it went in, and the least time it had to take. */
    const entered: { readonly atMs: number; readonly delayMs: number }[] = [];
    let checkedBytes = 0;
    let limited: { readonly sinceMs: number; readonly bytesPerSecond: number; bytes: number } | undefined;
    let blocked = false;

    const check = () => {
      const chunks = seen.splice(0);
      if (blocked) expect(chunks.length).toBe(0);
      for (const { atMs, bytes: chunk } of chunks) {
        for (const byte of chunk) {
          const { atMs: inMs, delayMs } = entered[checkedBytes] as { atMs: number; delayMs: number };
          // An `expect` for every byte would take most of the test's time.
          if (byte !== sent[checkedBytes]) expect.fail(`byte ${checkedBytes} is ${byte}, not ${sent[checkedBytes]}`);
          if (atMs < inMs + delayMs - 1e-6)
            expect.fail(`byte ${checkedBytes} of ${inMs} came at ${atMs}, before its ${delayMs} ms`);
          checkedBytes++;
        }
        if (limited) limited.bytes += chunk.length;
      }
      if (limited) {
        const allowed = ((clock.now() - limited.sinceMs) / 1_000) * limited.bytesPerSecond;
        expect(limited.bytes).toBeLessThanOrEqual(allowed + 1e-6);
      }
    };

    for (let step = 0; step < 200; step++) {
      const draw = random.float();
      if (draw < 0.45 && !source.paused) {
        const chunk = Buffer.from(Array.from({ length: random.integer(1, 60) }, () => random.integer(0, 255)));
        for (const byte of chunk) {
          sent.push(byte);
          entered.push({ atMs: clock.now(), delayMs: state.rule.delayMs ?? 0 });
        }
        pipe.push(chunk);
      } else if (draw < 0.6) {
        check();
        const name = `layer ${random.integer(1, 2)}`;
        const before = state.rule.bytesPerSecond;
        if (random.chance(0.4)) state.liftRule(name);
        else state.setRule(name, anyRule(random));
        // Lifting lets go what waited: that is checked under the new rule.
        blocked = state.rule.block !== undefined;
        const { bytesPerSecond } = state.rule;
        if (bytesPerSecond !== before)
          limited = bytesPerSecond === undefined ? undefined : { sinceMs: clock.now(), bytesPerSecond, bytes: 0 };
      } else if (draw < 0.7) {
        sink.full = !sink.full;
        if (!sink.full) pipe.sinkReady();
      } else {
        clock.advance(random.float() * 100);
      }
      check();
      const { bytesIn, bytesForwarded, bytesHeld, bytesDiscarded } = state.counters;
      expect(bytesIn).toBe(bytesForwarded + bytesHeld + bytesDiscarded);
      expect(bytesDiscarded).toBe(0);
    }
    pipe.end();
    state.setRule('layer 1', {});
    state.setRule('layer 2', {});
    [limited, blocked] = [undefined, false];
    sink.full = false;
    pipe.sinkReady();
    clock.advance(600_000);
    check();
    expect(checkedBytes).toBe(sent.length);
    expect(events.length).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  function anyRule(random: Random): LinkRule {
    return {
      ...(random.chance(0.3) && { block: 'hold' as const }),
      ...(random.chance(0.5) && { delayMs: random.float() * 200 }),
      ...(random.chance(0.3) && { jitterMs: random.float() * 100 }),
      ...(random.chance(0.4) && { bytesPerSecond: random.integer(10, 5_000) }),
      ...(random.chance(0.3) && { lossProbability: random.float() * 0.9, retransmitMs: random.float() * 100 }),
      ...(random.chance(0.2) && { closeDelayMs: random.float() * 500 }),
    };
  }
});
