// Known-bad nodes, for tests only: proof that the checkers find what they are there to find. A node says on its standard
// output that it is one.

import type { Clock } from '../../runtime/clock.ts';

/**
 * `stale-reads`: answers reads from local state without asking whether it is up to date, through a cache that no write
 * invalidates. Without the cache a canary that happens to lead would be right all the time.
 */
export type Canary = 'stale-reads';

const CANARIES: readonly string[] = ['stale-reads'] satisfies Canary[];

/** Which canary this process is, from WINDTUNNEL_CANARY; undefined for a good node. @throws RangeError for an unknown name. */
export function canaryOf(environment: NodeJS.ProcessEnv): Canary | undefined {
  const name = environment['WINDTUNNEL_CANARY'];
  if (name === undefined || name === '') return undefined;
  if (!CANARIES.includes(name)) throw new RangeError(`WINDTUNNEL_CANARY is one of ${CANARIES.join(', ')}, not '${name}'`);
  return name as Canary;
}

const LIFETIME_MS = 2_000;

/** Answers that were right up to two seconds ago. */
export class StaleCache<T> {
  readonly #answers = new Map<string, { readonly answer: T; readonly fromMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const cached = this.#answers.get(key);
    if (cached !== undefined && this.#clock.now() - cached.fromMs < LIFETIME_MS) return cached.answer;
    const answer = await ask();
    this.#answers.set(key, { answer, fromMs: this.#clock.now() });
    return answer;
  }
}
