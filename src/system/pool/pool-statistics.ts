// What a pool tells about itself: numbers to read at any time, and events as they happen.

/** Why a resource was destroyed. */
export type DestroyReason = 'idle' | 'lifetime' | 'recycle' | 'discarded' | 'leaked' | 'late' | 'closed';

export type PoolEvent =
  /** A resource was handed out; `waitedMs` is 0 when one lay ready. */
  | { readonly type: 'acquired'; readonly waitedMs: number }
  | { readonly type: 'created'; readonly tookMs: number }
  | { readonly type: 'create-failed'; readonly error: unknown }
  | { readonly type: 'recycle-failed'; readonly error: unknown }
  /** A resource left the pool. `detail` is what `discard` was given. 'late': it came after its create had timed out. */
  | { readonly type: 'destroyed'; readonly reason: DestroyReason; readonly detail?: unknown }
  | { readonly type: 'destroy-failed'; readonly error: unknown }
  /** A caller gave up: its time was over, or its signal was aborted. */
  | { readonly type: 'timed-out'; readonly waitedMs: number }
  | { readonly type: 'aborted'; readonly waitedMs: number }
  /** A caller was refused because `maxWaiters` others waited. */
  | { readonly type: 'refused' };

/** A moment's picture. The first group are levels, the second counts since the pool was made. */
export interface PoolStatistics {
  /** All resources: idle, leased, being checked, being made and being destroyed. Never above `max`. */
  readonly size: number;
  readonly idle: number;
  readonly leased: number;
  readonly recycling: number;
  readonly creating: number;
  readonly destroying: number;
  /** Callers inside `acquire`. */
  readonly waiting: number;

  readonly acquired: number;
  readonly created: number;
  readonly createFailures: number;
  readonly destroyed: number;
  readonly destroyFailures: number;
  readonly recycleFailures: number;
  readonly timeouts: number;
  readonly aborted: number;
  readonly refused: number;
  /** Leases that were garbage-collected without having been released. Each is a bug in the caller. */
  readonly leaked: number;
  /** Time that callers spent waiting for a resource they then got, milliseconds. */
  readonly waitTotalMs: number;
  /** Errors thrown by `onEvent`. */
  readonly listenerErrors: number;
}

type Counts = Omit<PoolStatistics, 'size' | 'idle' | 'leased' | 'recycling' | 'creating' | 'destroying' | 'waiting'>;

const COUNTED_AS = {
  created: 'created',
  'create-failed': 'createFailures',
  'recycle-failed': 'recycleFailures',
  destroyed: 'destroyed',
  'destroy-failed': 'destroyFailures',
  'timed-out': 'timeouts',
  aborted: 'aborted',
  refused: 'refused',
} as const satisfies Record<Exclude<PoolEvent['type'], 'acquired'>, keyof Counts>;

/** Counts what happens in a pool and tells its listener. */
export class Ledger {
  readonly #listener: ((event: PoolEvent) => void) | undefined;
  readonly #counts: { -readonly [K in keyof Counts]: number } = {
    acquired: 0,
    created: 0,
    createFailures: 0,
    destroyed: 0,
    destroyFailures: 0,
    recycleFailures: 0,
    timeouts: 0,
    aborted: 0,
    refused: 0,
    leaked: 0,
    waitTotalMs: 0,
    listenerErrors: 0,
  };

  constructor(listener: ((event: PoolEvent) => void) | undefined) {
    this.#listener = listener;
  }

  get counts(): Counts {
    return { ...this.#counts };
  }

  /** Apart from `record`, because it is on the fast path: nothing is allocated when nobody listens. */
  acquired(waitedMs: number): void {
    this.#counts.acquired++;
    this.#counts.waitTotalMs += waitedMs;
    if (this.#listener !== undefined) this.#tell({ type: 'acquired', waitedMs });
  }

  record(event: Exclude<PoolEvent, { type: 'acquired' }>): void {
    this.#counts[COUNTED_AS[event.type]]++;
    if (event.type === 'destroyed' && event.reason === 'leaked') this.#counts.leaked++;
    this.#tell(event);
  }

  #tell(event: PoolEvent): void {
    try {
      this.#listener?.(event);
    } catch {
      this.#counts.listenerErrors++;
    }
  }
}

/** What `close` left behind when its time was over; all zero after a complete close. */
export interface CloseReport {
  readonly leased: number;
  readonly creating: number;
  readonly destroying: number;
}
