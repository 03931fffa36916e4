// Many concurrent operations with random outcomes, deadlines and aborts: what must hold of every one of them, whatever happens.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import type { Classification } from './classify.ts';
import { RetryBudget } from './retry-budget.ts';
import { RetryError } from './retry-error.ts';
import type { GiveUpReason } from './retry-error.ts';
import { RetryPolicy } from './retry-policy.ts';
import type { Attempt } from './retry-policy.ts';

interface Operation {
  readonly startedMs: number;
  readonly idempotent: boolean;
  readonly deadlineMs: number;
  abortedMs: number;
  /** Ends of the attempts in order; undefined while one is under way. */
  readonly attempts: { readonly beganMs: number; end: 'success' | Classification | undefined }[];
  settledMs: number;
  outcome: unknown;
}

const ENDS = ['success', 'definite', 'definite', 'maybe', 'maybe', 'fatal', 'fatal-maybe'] as const;
const ATTEMPTS = 4;

async function runMany(seed: number): Promise<Operation[]> {
  const random = new Random(seed);
  const clock = new VirtualClock();
  const policy = new RetryPolicy({
    attempts: ATTEMPTS,
    baseMs: 20,
    capMs: 200,
    jitter: random.pick(['none', 'full', 'equal', 'decorrelated']),
    random: random.fork('jitter'),
    budget: new RetryBudget({ ratio: 0.5, capacity: 10 }),
    classify: (error) => (error as { classification: Classification }).classification,
    clock,
  });
  const operations: Operation[] = [];
  const settled: Promise<unknown>[] = [];
  for (let i = 0; i < 150; i++) {
    const controller = new AbortController();
    const operation: Operation = {
      startedMs: clock.now(),
      idempotent: random.chance(0.7),
      deadlineMs: random.chance(0.5) ? random.integer(0, 400) : Number.POSITIVE_INFINITY,
      abortedMs: Number.POSITIVE_INFINITY,
      attempts: [],
      settledMs: Number.NaN,
      outcome: undefined,
    };
    operations.push(operation);
    if (random.chance(0.2)) {
      clock.schedule(random.integer(0, 300), () => {
        operation.abortedMs = clock.now();
        controller.abort(new Error('aborted'));
      });
    }
    const attempt = ({ number, signal }: Attempt) => {
      const record: Operation['attempts'][number] = { beganMs: clock.now(), end: undefined };
      operation.attempts.push(record);
      const end = random.pick(ENDS);
      const obedient = random.chance(0.5);
      return new Promise<number>((resolve, reject) => {
        const cancel = clock.schedule(random.integer(0, 100), () => {
          record.end = end;
          if (end === 'success') resolve(number);
          else reject(Object.assign(new Error(end), { classification: end }));
        });
        if (!obedient) return;
        signal.addEventListener('abort', () => {
          cancel();
          reject(signal.reason);
        });
      });
    };
    const { idempotent, deadlineMs } = operation;
    settled.push(
      policy
        .execute(attempt, { idempotent, deadlineMs, signal: controller.signal })
        .catch((error: unknown) => error)
        .then((outcome) => {
          operation.outcome = outcome;
          operation.settledMs = clock.now();
        }),
    );
    if (random.chance(0.3)) await clock.advanceAsync(random.integer(0, 50));
  }
  await clock.advanceAsync(10_000);
  await Promise.all(settled);
  await settle();
  expect(clock.pendingTimers).toBe(0);
  return operations;
}

/** What is wrong with one operation, in words; empty when nothing is. */
function faultsOf(operation: Operation): string[] {
  const { attempts, outcome, idempotent } = operation;
  const dueMs = operation.startedMs + operation.deadlineMs;
  const faults: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) faults.push(what);
  };
  must(attempts.length <= ATTEMPTS, 'too many attempts');
  must(operation.settledMs <= dueMs, 'settled after its deadline');
  for (const [at, { beganMs }] of attempts.entries()) {
    must(beganMs < dueMs, 'began an attempt at or after the deadline');
    must(beganMs <= operation.abortedMs, 'began an attempt after the abort');
    const before = attempts[at - 1];
    if (before === undefined) continue;
    must(before.end === 'definite' || (before.end === 'maybe' && idempotent), `tried again after ${before.end}`);
  }
  if (!(outcome instanceof RetryError)) {
    must(
      attempts.at(-1)?.end === 'success' && outcome === attempts.length,
      'resolved with something else than the last attempt`s result',
    );
    return faults;
  }
  must(outcome.attempts === attempts.length, 'counts attempts that were not made');
  const interrupted = attempts.length > 0 && (outcome.reason === 'deadline' || outcome.reason === 'aborted');
  const last = attempts.at(-1);
  const endedMaybe = attempts.some(({ end }) => end === 'maybe' || end === 'fatal-maybe');
  const underWay =
    interrupted && (last?.end === undefined || !(outcome.cause instanceof Error) || outcome.cause.message !== last.end);
  must(outcome.maybeApplied || !endedMaybe, 'forgot that an attempt may have been applied');
  must(outcome.maybeApplied || !underWay, 'forgot that an attempt was under way');
  must(!outcome.maybeApplied || endedMaybe || interrupted, 'claims that something may have been applied');
  must(outcome.reason !== 'attempts' || attempts.length === ATTEMPTS, 'gave up too early');
  must(outcome.reason !== 'not-idempotent' || (!idempotent && last?.end === 'maybe'), 'wrong reason: not-idempotent');
  must(
    (outcome.reason === 'fatal') === (outcome.cause instanceof Error && outcome.cause.message.startsWith('fatal')),
    'wrong reason: fatal',
  );
  must(outcome.reason !== 'aborted' || operation.abortedMs <= operation.settledMs, 'wrong reason: aborted');
  return faults;
}

const reasons = new Set<GiveUpReason>();

test.each(Array.from({ length: 30 }, (_, seed) => seed))('what must always hold, holds (seed %d)', async (seed) => {
  const operations = await runMany(seed);
  expect(operations.flatMap(faultsOf)).toEqual([]);
  for (const { outcome } of operations) if (outcome instanceof RetryError) reasons.add(outcome.reason);
});

test('and the seeds reached every reason to give up', () => {
  expect([...reasons].sort()).toEqual(['aborted', 'attempts', 'budget', 'deadline', 'fatal', 'not-idempotent']);
});
