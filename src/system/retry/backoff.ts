// How long to wait before the next attempt: exponential backoff with jitter. Pure but for the random numbers it is handed.

import { assert, unreachable } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';

/** How a delay is spread so that callers who failed together do not return together. */
export type Jitter = 'none' | 'full' | 'equal' | 'decorrelated';

export interface BackoffOptions {
  /** The delay before the first retry, before jitter, in milliseconds (> 0). Every further one doubles it. */
  readonly baseMs: number;
  /** No delay is longer, in milliseconds (baseMs to 2^31 - 1). */
  readonly capMs: number;
  /** Default 'full', which puts the least load on the service. */
  readonly jitter?: Jitter;
}

/** Beyond this Node's timers fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

const JITTERS: readonly string[] = ['none', 'full', 'equal', 'decorrelated'] satisfies Jitter[];

/** BackoffOptions with the default filled in. Throws AssertionError that names the offending value. */
export function checkedBackoff({ baseMs, capMs, jitter = 'full' }: BackoffOptions): Required<BackoffOptions> {
  assert(Number.isFinite(baseMs) && baseMs > 0, `baseMs is a number of milliseconds above 0, not ${baseMs}`);
  assert(capMs >= baseMs && capMs <= LONGEST_TIMER_MS, `capMs is baseMs (${baseMs}) to ${LONGEST_TIMER_MS}, not ${capMs}`);
  assert(JITTERS.includes(jitter), `jitter is one of ${JITTERS.join(', ')}, not ${jitter}`);
  return { baseMs, capMs, jitter };
}

/**
 * Milliseconds to wait before the next attempt, 0 to capMs (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015):
 * with ceiling = min(cap, base * 2^(retry - 1)), 'none' is the ceiling, 'full' uniform in 0..ceiling, 'equal' uniform in ceiling/2..ceiling,
 * and 'decorrelated' min(cap, uniform in base..3 * previous).
 *
 * @param backoff checked options.
 * @param retry 1 for the first retry.
 * @param previousMs what this function answered for the retry before; baseMs for the first.
 */
export function nextDelayMs(backoff: Required<BackoffOptions>, retry: number, previousMs: number, random: Random): number {
  const { baseMs, capMs, jitter } = backoff;
  if (jitter === 'decorrelated') {
    return Math.min(capMs, baseMs + random.float() * (3 * previousMs - baseMs));
  }
  const ceilingMs = Math.min(capMs, baseMs * 2 ** (retry - 1));
  switch (jitter) {
    case 'none':
      return ceilingMs;
    case 'full':
      return random.float() * ceilingMs;
    case 'equal':
      return ceilingMs / 2 + (random.float() * ceilingMs) / 2;
    default:
      return unreachable(jitter);
  }
}

/** The endless sequence of delays of one operation, in milliseconds. Throws AssertionError, on the first `next`, for options out of range. */
export function* backoffDelays(options: BackoffOptions, random: Random): Generator<number, never, void> {
  const backoff = checkedBackoff(options);
  let delayMs = backoff.baseMs;
  for (let retry = 1; ; retry++) {
    delayMs = nextDelayMs(backoff, retry, delayMs, random);
    yield delayMs;
  }
}
