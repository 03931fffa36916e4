// Systems under test that live in the thread that loads them, each an export that connects as `connectTarget` does.

import { workerData } from 'node:worker_threads';
import { type Clock, sleep } from '../../../runtime/clock.ts';
import type { Answer, Invoke, Target } from '../../load/operation.ts';
import type { ConnectOptions } from '../../target/connect.ts';
import type { GeneratorData } from '../protocol.ts';
import { WARM_UP_NAMESPACE } from '../warm-up.ts';

export const DELAY_MS = 50;
export const FROZEN_FROM_MS = 4_000;
export const FROZEN_TO_MS = 6_000;

/** A read finds how long its answer took on the way through here, microseconds: what timers made of the delay. */
async function answerAfter(clock: Clock, delayMs: number): Promise<Answer> {
  const startMs = clock.now();
  await sleep(clock, delayMs);
  return { outcome: 'ok', value: Math.round((clock.now() - startMs) * 1_000) };
}

function targetOf(invoke: Invoke): Promise<Target> {
  return Promise.resolve({ invoke, close: () => Promise.resolve() });
}

export function constantDelay({ clock }: ConnectOptions): Promise<Target> {
  return targetOf(() => answerAfter(clock, DELAY_MS));
}

/** Holds what comes in the fifth and sixth second after its first request, until they are over. */
export function freezing({ clock }: ConnectOptions): Promise<Target> {
  let firstMs: number | undefined;
  return targetOf(() => {
    const atMs = clock.now() - (firstMs ??= clock.now());
    const frozen = atMs >= FROZEN_FROM_MS && atMs < FROZEN_TO_MS;
    return answerAfter(clock, 5 + (frozen ? FROZEN_TO_MS - atMs : 0));
  });
}

/** Works for a second, and then does something to its thread: to the first one only, where there are several. */
function workingUntil(then: () => void) {
  return ({ clock }: ConnectOptions): Promise<Target> => {
    const isFirst = (workerData as GeneratorData).share.index === 0;
    let firstMs: number | undefined;
    let done = false;
    return targetOf(() => {
      if (isFirst && !done && clock.now() - (firstMs ??= clock.now()) > 1_000) {
        done = true;
        then();
      }
      return answerAfter(clock, 5);
    });
  };
}

export const crashing = workingUntil(() => {
  setImmediate(() => {
    throw new Error('a bug of the target');
  });
});

export const exiting = workingUntil(() => process.exit(3));

export const blocked = workingUntil(() => {
  for (;;);
});

let warmUps = 0;

/** A read finds how many operations there were of another connection, with tables of other names. */
export function sayingWhereAndHowOften({ namespace }: ConnectOptions): Promise<Target> {
  return targetOf(() => {
    if (namespace === WARM_UP_NAMESPACE) warmUps++;
    return Promise.resolve({ outcome: 'ok', value: warmUps });
  });
}

/** Never answers a final read. */
export function silentAtTheEnd({ clock }: ConnectOptions): Promise<Target> {
  return targetOf(async (_, __, timeoutMs) => {
    if (timeoutMs === undefined) return answerAfter(clock, 5);
    await sleep(clock, timeoutMs);
    return { outcome: 'fail', code: 'deadline-exceeded' };
  });
}

export function refusing(): Promise<Target> {
  return Promise.reject(new Error('nobody is there'));
}

export async function neverConnecting({ clock }: ConnectOptions): Promise<Target> {
  await sleep(clock, 3_600_000);
  return refusing();
}
