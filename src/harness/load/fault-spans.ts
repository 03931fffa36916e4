// From when to when the faults of a run lasted, and how many operations they met; known while the run is under way.

/** A fault, told from others by identity. */
export interface FaultName {
  readonly kind: string;
  readonly target: string;
}

/** All instants are milliseconds from the start of the scenario. */
export interface FaultSpan extends FaultName {
  readonly startMs: number;
  /** When it was carried out: to kill a container takes some 30 ms, in which it still answers. Undefined until then. */
  readonly carriedOutMs: number | undefined;
  /** Undefined while it lasts. */
  readonly endMs: number | undefined;
  /** Operations that were due between its start and the end of recovery, as far as they have ended. */
  readonly operations: number;
  /** Those of them that failed, fails that are no errors left out. */
  readonly errors: number;
}

/** Operations that end later than this behind the end of a recovery are not counted among its own. */
const LONGEST_OPERATION_MS = 600_000;

export class FaultSpans {
  readonly #recoveryMs: number;
  readonly #spans = new Map<FaultName, { -readonly [K in keyof FaultSpan]: FaultSpan[K] }>();
  /** Those that operations may still have met. */
  #open: { -readonly [K in keyof FaultSpan]: FaultSpan[K] }[] = [];

  /** @param recoveryMs how long recovery lasts behind the end of a fault. */
  constructor(recoveryMs: number) {
    this.#recoveryMs = recoveryMs;
  }

  began(fault: FaultName, atMs: number): void {
    const { kind, target } = fault;
    const span = { kind, target, startMs: atMs, carriedOutMs: undefined, endMs: undefined, operations: 0, errors: 0 };
    this.#spans.set(fault, span);
    this.#open = this.#open.filter((open) => atMs < this.windowEndOf(open, Number.POSITIVE_INFINITY) + LONGEST_OPERATION_MS);
    this.#open.push(span);
  }

  /** One that `began`. */
  carriedOut(fault: FaultName, atMs: number): void {
    const span = this.#spans.get(fault);
    if (span !== undefined) span.carriedOutMs = atMs;
  }

  /** One that `began`. */
  ended(fault: FaultName, atMs: number): void {
    const span = this.#spans.get(fault);
    if (span !== undefined) span.endMs = atMs;
  }

  /** An operation that was due at `scheduledMs` has ended. */
  count(scheduledMs: number, isError: boolean): void {
    for (const span of this.#open) {
      if (scheduledMs < span.startMs || scheduledMs >= this.windowEndOf(span, Number.POSITIVE_INFINITY)) continue;
      span.operations++;
      if (isError) span.errors++;
    }
  }

  /** The end of its recovery, or of the run. @param untilMs where the run has come to. */
  windowEndOf({ endMs }: FaultSpan, untilMs: number): number {
    return endMs === undefined ? untilMs : Math.min(untilMs, endMs + this.#recoveryMs);
  }

  /** In the order of their beginnings. */
  all(): readonly FaultSpan[] {
    return [...this.#spans.values()];
  }
}
