// The breaker against a reference model that was written from the documentation: both are driven by the same random events, and after each of
// them the whole visible state must agree.

import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { BreakerOpenError, CallTimeoutError } from './errors.ts';
import type { Permit } from './permit.ts';
import type { BreakerState } from './state.ts';

interface Settings {
  readonly failureThreshold: number;
  readonly threshold: number;
  readonly windowMs: number;
  readonly minimumCalls: number;
  readonly buckets: number;
  readonly resetTimeoutMs: number;
  readonly maxResetTimeoutMs: number;
  readonly successThreshold: number;
  readonly maxProbes: number;
  readonly probeTimeoutMs: number;
}

interface ModelCall {
  readonly epoch: number;
  readonly beganMs: number;
  settled: boolean;
}

/** Keeps the history of the present epoch and derives everything from it, where the breaker keeps counters. Slow and plain. */
class Model {
  phase: 'closed' | 'open' | 'forced' | 'half-open' = 'closed';
  epoch = 0;
  openings = 0;
  untilMs = 0;
  calls: ModelCall[] = [];
  results: { atMs: number; ok: boolean }[] = [];
  late = 0;
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  move(phase: Model['phase'], openings: number) {
    this.phase = phase;
    this.openings = openings;
    this.epoch++;
    this.calls = [];
    this.results = [];
  }

  trip(nowMs: number) {
    let waitMs = this.settings.resetTimeoutMs;
    for (let i = 0; i < this.openings; i++) waitMs = Math.min(this.settings.maxResetTimeoutMs, waitMs * 2);
    this.move('open', this.openings + 1);
    this.untilMs = nowMs + waitMs;
  }

  get outstanding() {
    return this.calls.filter((call) => !call.settled);
  }

  acquire(nowMs: number): ModelCall | undefined {
    if (this.phase === 'forced') return undefined;
    if (this.phase === 'open') {
      if (nowMs < this.untilMs) return undefined;
      this.move('half-open', this.openings);
    }
    if (this.phase === 'half-open' && this.outstanding.length === this.settings.maxProbes) {
      const lost = this.outstanding.every((call) => nowMs - call.beganMs >= this.settings.probeTimeoutMs);
      if (lost) this.trip(nowMs);
      return undefined;
    }
    const call = { epoch: this.epoch, beganMs: nowMs, settled: false };
    this.calls.push(call);
    return call;
  }

  settle(call: ModelCall, result: 'success' | 'failure' | 'ignore', nowMs: number) {
    if (call.settled) return;
    call.settled = true;
    if (call.epoch !== this.epoch) {
      this.late++;
      return;
    }
    if (result === 'ignore') return;
    this.results.push({ atMs: nowMs, ok: result === 'success' });
    if (this.phase === 'half-open') {
      if (result === 'failure') this.trip(nowMs);
      else if (this.results.length === this.settings.successThreshold) this.move('closed', 0);
    } else if (result === 'failure') {
      const recent = this.recent();
      const failures = recent.filter((each) => !each.ok).length;
      const tooMany = recent.length >= this.settings.minimumCalls && failures / recent.length >= this.settings.threshold;
      if (tooMany || this.consecutiveFailures() >= this.settings.failureThreshold) this.trip(nowMs);
    }
  }

  consecutiveFailures() {
    return this.results.length - 1 - this.results.findLastIndex((result) => result.ok);
  }

  /** The results in the window as of the last one. */
  recent() {
    const bucketMs = this.settings.windowMs / this.settings.buckets;
    const bucketOf = (atMs: number) => Math.floor(atMs / bucketMs);
    const newest = bucketOf(this.results.at(-1)?.atMs ?? 0);
    return this.results.filter((result) => bucketOf(result.atMs) > newest - this.settings.buckets);
  }

  get state(): BreakerState {
    switch (this.phase) {
      case 'closed': {
        const recent = this.recent();
        return {
          kind: 'closed',
          consecutiveFailures: this.consecutiveFailures(),
          windowCalls: recent.length,
          windowFailures: recent.filter((result) => !result.ok).length,
        };
      }
      case 'open':
        return { kind: 'open', forced: false, untilMs: this.untilMs, openings: this.openings };
      case 'forced':
        return { kind: 'open', forced: true, untilMs: Number.POSITIVE_INFINITY, openings: 0 };
      case 'half-open':
        return {
          kind: 'half-open',
          probesInFlight: this.outstanding.length,
          successes: this.results.length,
          openings: this.openings,
        };
    }
  }
}

function randomSettings(random: Random): Settings {
  const resetTimeoutMs = random.integer(1, 200);
  return {
    failureThreshold: random.integer(1, 6),
    threshold: random.integer(1, 10) / 10,
    windowMs: random.integer(1, 400),
    minimumCalls: random.integer(1, 12),
    buckets: random.integer(1, 10),
    resetTimeoutMs,
    maxResetTimeoutMs: resetTimeoutMs * random.integer(1, 5),
    successThreshold: random.integer(1, 4),
    maxProbes: random.integer(1, 4),
    probeTimeoutMs: random.integer(1, 300),
  };
}

function makeReal(settings: Settings, clock: VirtualClock): CircuitBreaker {
  const { threshold, windowMs, minimumCalls, buckets, ...rest } = settings;
  return new CircuitBreaker({ ...rest, failureRate: { threshold, windowMs, minimumCalls, buckets }, clock });
}

describe('agrees with the model', () => {
  const visited = new Set<string>();

  test.each(Array.from({ length: 100 }, (_, seed) => seed))('seed %d', (seed) => {
    const random = new Random(seed);
    const settings = randomSettings(random);
    const clock = new VirtualClock();
    const real = makeReal(settings, clock);
    const model = new Model(settings);
    const open: { permit: Permit; call: ModelCall }[] = [];
    const failureShare = random.float();
    for (let step = 0; step < 300; step++) {
      const event = random.float();
      let admitted = { real: false, model: false };
      if (event < 0.45) {
        const permit = real.tryAcquire();
        const call = model.acquire(clock.now());
        admitted = { real: permit !== undefined, model: call !== undefined };
        if (permit !== undefined && call !== undefined) open.push({ permit, call });
      } else if (event < 0.85 && open.length > 0) {
        const at = random.integer(0, open.length - 1);
        const { permit, call } = open[at] as (typeof open)[number];
        const result = random.chance(0.1) ? 'ignore' : random.chance(failureShare) ? 'failure' : 'success';
        if (result === 'failure') permit.failure(new Error('down'));
        else permit[result]();
        model.settle(call, result, clock.now());
        // Now and then it stays, to be settled a second time.
        if (random.chance(0.9)) open.splice(at, 1);
      } else if (event < 0.98) {
        clock.advance(random.chance(0.2) ? random.integer(0, 500) : random.integer(0, 20));
      } else if (random.chance(0.5)) {
        real.open();
        if (model.phase !== 'forced') model.move('forced', 0);
      } else {
        real.close();
        if (model.phase !== 'closed') model.move('closed', 0);
      }
      expect(admitted.real, `step ${step}: admitted`).toBe(admitted.model);
      expect(real.state, `step ${step}`).toEqual(model.state);
      expect(real.statistics.late, `step ${step}: late`).toBe(model.late);
      visited.add(model.phase);
    }
    for (const { permit } of open) permit.ignore();
    expect(real.statistics.inFlight).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test('and the seeds reached every state', () => {
    expect([...visited].sort()).toEqual(['closed', 'forced', 'half-open', 'open']);
  });
});

describe('many concurrent calls with a timeout', () => {
  test.each([1, 2, 3, 4, 5])('every one settles with its own outcome, and no timer is left (seed %d)', async (seed) => {
    const random = new Random(seed);
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failureThreshold: 8, resetTimeoutMs: 100, maxProbes: 3, callTimeoutMs: 40, clock });
    const tally = { ok: 0, failed: 0, timedOut: 0, refused: 0 };
    const pending: Promise<void>[] = [];
    const foreign: unknown[] = [];
    for (let i = 0; i < 400; i++) {
      const plan = random.pick(['ok', 'failed', 'timedOut'] as const);
      // Never just 40: at the same instant either may come first.
      const delayMs = plan === 'timedOut' ? random.integer(41, 200) : random.integer(0, 39);
      const error = new Error(`call ${i}`);
      const rejects = plan === 'failed' || random.chance(0.5 * Number(plan === 'timedOut'));
      const call = () =>
        new Promise<number>((resolve, reject) => {
          clock.schedule(delayMs, () => (rejects ? reject(error) : resolve(i)));
        });
      const outcome = (settled: unknown): keyof typeof tally | undefined => {
        if (settled instanceof BreakerOpenError) return 'refused';
        if (settled instanceof CallTimeoutError) return plan === 'timedOut' ? 'timedOut' : undefined;
        return settled === (plan === 'failed' ? error : i) ? plan : undefined;
      };
      const count = (settled: unknown) => {
        const kind = outcome(settled);
        if (kind === undefined) foreign.push(settled);
        else tally[kind]++;
      };
      pending.push(breaker.execute(call).then(count, count));
      if (random.chance(0.3)) await clock.advanceAsync(random.integer(1, 60));
    }
    await clock.advanceAsync(1_000);
    await Promise.all(pending);
    await settle();
    expect(foreign).toEqual([]);
    const { succeeded, failed, timedOut, rejected, inFlight } = breaker.statistics;
    expect({ ok: succeeded, failed: failed - timedOut, timedOut, refused: rejected }).toEqual(tally);
    expect(inFlight).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    expect(Math.min(tally.ok, tally.failed, tally.timedOut, tally.refused)).toBeGreaterThan(0);
  });
});
