// An operation, from its plan to its answer. The interface between what issues load and what carries it to a system.

/** read, write and cas work on one register; add puts an element into the set. */
export const OPERATION_NAMES = ['read', 'write', 'cas', 'add'] as const;
export type OperationName = (typeof OPERATION_NAMES)[number];

export interface PlannedOperation {
  /** The name of the load it belongs to. */
  readonly load: string;
  readonly operation: OperationName;
  /** Which register, from 0. Absent for `add`. */
  readonly key?: number;
  /** What to write, to swap in or to add: an integer that no other operation of the run has. Absent for `read`. */
  readonly value?: number;
  /** `cas` only: the value that must be there. */
  readonly expected?: number;
}

/** The code of a `fail` that says: the register held another value, and nothing was changed. */
export const CAS_MISMATCH = 'cas-mismatch';

/** ok: done. fail: definitely not applied. info: maybe applied. */
export type Answer =
  | { readonly outcome: 'ok'; /** Of a `read`: what was there, null for nothing. */ readonly value?: number | null }
  | { readonly outcome: 'fail' | 'info'; readonly code: string };

/**
 * Carries an operation out. It has a deadline of its own, and rejects for bugs only (recorded as `info`). When `signal` is
 * aborted the answer is no longer waited for.
 */
export type Invoke = (operation: PlannedOperation, signal: AbortSignal) => Promise<Answer>;

/** All instants are milliseconds from the start of the scenario. */
export interface InvokeEvent {
  readonly type: 'invoke';
  /** As in Jepsen: does one operation at a time, and none any more after an `info`. */
  readonly process: number;
  /** When it was sent. */
  readonly atMs: number;
  /** When the schedule wanted it to start; for a closed loop, when the virtual user became free. */
  readonly scheduledMs: number;
  readonly operation: PlannedOperation;
}

export interface EndEvent {
  readonly type: 'ok' | 'fail' | 'info';
  readonly process: number;
  readonly atMs: number;
  readonly operation: PlannedOperation;
  readonly scheduledMs: number;
  readonly sentMs: number;
  /** What a `read` found. */
  readonly value: number | null | undefined;
  /** Why, with `fail` and `info`. */
  readonly code: string | undefined;
  /** A `fail` that is no error: a cas that found another value. */
  readonly expected: boolean;
}

export type LoadEvent = InvokeEvent | EndEvent;
