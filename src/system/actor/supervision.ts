// What to do when an actor fails: decided here, carried out by its cell. The four directives are those of Erlang/OTP
// supervisors as Akka names them.

/**
 * - `resume`: carry on with the next message; the instance keeps its state.
 * - `restart`: a fresh instance takes over the mailbox, after a backoff. Children are stopped.
 * - `stop`: stop the actor and its children.
 * - `escalate`: the parent fails in its place, and the parent's supervision decides. Above a top-level actor there is
 *   nobody left to decide: it is stopped with its children.
 */
export type Directive = 'resume' | 'restart' | 'stop' | 'escalate';

/** Where the error came from: the factory, a hook, a message handler, or a child that escalated. */
export type FailurePhase = 'create' | 'started' | 'restarted' | 'receive' | 'stopped' | 'child';

export interface Failure {
  readonly error: unknown;
  /** The actor that threw: the supervised one, or the descendant that escalated. */
  readonly originId: string;
  readonly phase: FailurePhase;
}

export interface SupervisionOptions {
  /** The directive, or a function that chooses one by error. Default `restart`. A function that throws means `stop`. */
  readonly onFailure?: Directive | ((error: unknown, failure: Failure) => Directive);
  /** Milliseconds before the first restart within the window; doubles with every further one. >= 0, default 100. */
  readonly backoffBaseMs?: number;
  /** The longest backoff in milliseconds. From backoffBaseMs to 2^31 - 1, default 10,000. */
  readonly backoffCapMs?: number;
  /** Restarts allowed within `windowMs`; one more is not made, see `onLimit`. An integer >= 0, default 10. */
  readonly maxRestarts?: number;
  /** Milliseconds over which restarts are counted. > 0, default 60,000. */
  readonly windowMs?: number;
  /** What to do instead of one restart too many. Default `stop`. */
  readonly onLimit?: 'stop' | 'escalate';
}

export type Supervision = Required<SupervisionOptions>;

const DEFAULTS: Supervision = {
  onFailure: 'restart',
  backoffBaseMs: 100,
  backoffCapMs: 10_000,
  maxRestarts: 10,
  windowMs: 60_000,
  onLimit: 'stop',
};
/** Node fires a timer with a longer delay at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const DIRECTIVES: readonly unknown[] = ['resume', 'restart', 'stop', 'escalate'];

/** Fills in what is not given from `defaults`. Throws RangeError, naming the value, for what makes no sense. */
export function resolveSupervision(options: SupervisionOptions = {}, defaults: Supervision = DEFAULTS): Supervision {
  const supervision = { ...defaults, ...options };
  const { onFailure, backoffBaseMs, backoffCapMs, maxRestarts, windowMs, onLimit } = supervision;
  const demand = (valid: boolean, rule: string, value: unknown) => {
    if (!valid) throw new RangeError(`supervision.${rule}, not ${String(value)}`);
  };
  const finite = (value: number, low: number) => Number.isFinite(value) && value >= low;
  demand(typeof onFailure === 'function' || DIRECTIVES.includes(onFailure), 'onFailure is a directive or a function', onFailure);
  demand(finite(backoffBaseMs, 0), 'backoffBaseMs is >= 0', backoffBaseMs);
  demand(
    finite(backoffCapMs, backoffBaseMs) && backoffCapMs <= MAX_TIMER_MS,
    `backoffCapMs is from backoffBaseMs (${backoffBaseMs}) to ${MAX_TIMER_MS}`,
    backoffCapMs,
  );
  demand(Number.isSafeInteger(maxRestarts) && maxRestarts >= 0, 'maxRestarts is an integer >= 0', maxRestarts);
  demand(finite(windowMs, Number.MIN_VALUE), 'windowMs is > 0', windowMs);
  demand(onLimit === 'stop' || onLimit === 'escalate', "onLimit is 'stop' or 'escalate'", onLimit);
  return supervision;
}

export interface Circumstances {
  /** Monotonic time, for the window. */
  readonly nowMs: number;
  readonly draining: boolean;
  /** False after the factory failed: there is nothing to resume. */
  readonly hasInstance: boolean;
}

export type Decision =
  { readonly directive: 'restart'; readonly delayMs: number } | { readonly directive: 'resume' | 'stop' | 'escalate' };

/** Decides for one actor, and remembers its restarts. */
export class Supervisor {
  readonly #supervision: Supervision;
  #restartedAt: readonly number[] = [];

  constructor(supervision: Supervision) {
    this.#supervision = supervision;
  }

  /** A decision to restart counts as a restart. */
  decide(failure: Failure, { nowMs, draining, hasInstance }: Circumstances): Decision {
    const directive = this.#choose(failure);
    if (directive === 'resume' && !hasInstance) return { directive: 'stop' };
    if (directive !== 'restart') return { directive };
    // While draining there is no backoff. Each restart after a message leaves one message less, but an instance that cannot
    // start could go on for ever.
    const startFailed = failure.phase === 'create' || failure.phase === 'started' || failure.phase === 'restarted';
    return draining && startFailed ? { directive: 'stop' } : this.#restart(nowMs);
  }

  #choose(failure: Failure): Directive {
    const { onFailure } = this.#supervision;
    if (typeof onFailure !== 'function') return onFailure;
    try {
      const directive = onFailure(failure.error, failure);
      return DIRECTIVES.includes(directive) ? directive : 'stop';
    } catch {
      return 'stop';
    }
  }

  #restart(nowMs: number): Decision {
    const { backoffBaseMs, backoffCapMs, maxRestarts, windowMs, onLimit } = this.#supervision;
    const recent = this.#restartedAt.filter((at) => nowMs - at < windowMs);
    this.#restartedAt = recent;
    if (recent.length >= maxRestarts) return { directive: onLimit };
    this.#restartedAt = [...recent, nowMs];
    // The exponent is bounded because 0 * Infinity is not 0.
    return { directive: 'restart', delayMs: Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(recent.length, 52)) };
  }
}
