// An operation, from its plan to its answer. The interface between what issues load and what carries it to a system.

import type { ValidAutocannon, ValidGrpc, ValidHttp } from '../scenario/valid-scenario.ts';

/** What an operation does. Values are integers that no other operation of the run has; keys and accounts count from 0. */
export type Action =
  | { readonly kind: 'registers'; readonly operation: 'read'; readonly key: number }
  | { readonly kind: 'registers'; readonly operation: 'write'; readonly key: number; readonly value: number }
  | {
      readonly kind: 'registers';
      readonly operation: 'cas';
      readonly key: number;
      readonly value: number;
      /** The value that must be there. */
      readonly expected: number;
    }
  | { readonly kind: 'set'; readonly operation: 'add'; readonly value: number }
  | { readonly kind: 'set'; readonly operation: 'read-all' }
  | { readonly kind: 'append'; readonly operation: 'append'; readonly key: number; readonly value: number }
  | { readonly kind: 'append'; readonly operation: 'read'; readonly key: number }
  | { readonly kind: 'bank'; readonly operation: 'transfer'; readonly from: number; readonly to: number; readonly amount: number }
  | { readonly kind: 'bank'; readonly operation: 'read-all' }
  | {
      readonly kind: 'sql';
      readonly operation: string;
      readonly sql: string;
      readonly params: readonly (number | string | null)[];
    }
  | { readonly kind: 'http'; readonly operation: string; readonly request: ValidHttp }
  | { readonly kind: 'grpc'; readonly operation: string; readonly request: ValidGrpc }
  | { readonly kind: 'function'; readonly operation: string; /** From 0, in the load. */ readonly iteration: number };

/** `load` is the name of the load it belongs to. */
export type PlannedOperation = Action & { readonly load: string };

/** Whether it only looks: its success says nothing about whether the target takes writes. */
export function isRead(action: Action): boolean {
  switch (action.kind) {
    case 'sql':
      return /^\s*(select|values|with|explain)\b/i.test(action.sql);
    case 'http':
      return action.request.method === 'GET' || action.request.method === 'HEAD';
    default:
      return action.operation === 'read' || action.operation === 'read-all';
  }
}

/**
 * The codes of a `fail` that is no error: what the operation asked for did not hold, and nothing was changed. A register held
 * another value; an account holds less than was to be moved.
 */
export const CAS_MISMATCH = 'cas-mismatch';
export const INSUFFICIENT_FUNDS = 'insufficient-funds';
export const EXPECTED_FAILURES: ReadonlySet<string | undefined> = new Set([CAS_MISMATCH, INSUFFICIENT_FUNDS]);

/** ok: done. fail: definitely not applied. info: maybe applied. */
export type Answer =
  | {
      readonly outcome: 'ok';
      /**
       * What a read found, as JSON. Of a register: its integer, null for nothing. Of a set: its elements. Of a list: its elements
       * in their order, null for a list that nobody appended to. Of a bank: the balances, in the order of the accounts.
       */
      readonly value?: number | null | readonly number[];
    }
  | { readonly outcome: 'fail' | 'info'; readonly code: string };

/**
 * Carries an operation out. It has a deadline of its own (`timeoutMs` instead of the usual one, when given), and rejects for bugs
 * only (recorded as `info`). When `signal` is aborted the answer is no longer waited for.
 */
export type Invoke = (operation: PlannedOperation, signal: AbortSignal, timeoutMs?: number) => Promise<Answer>;

/**
 * Sends the request of a load over and over on its connections, in a closed loop of its own. Resolves when it has closed them: `begin`
 * gave undefined and what was under way has ended, or `signal` was aborted.
 * @param begin is asked before each request; gives who is told what it came to, or undefined when no more are to be sent.
 */
export type Saturate = (
  name: string,
  load: ValidAutocannon,
  begin: () => ((answer: Answer) => void) | undefined,
  signal: AbortSignal,
) => Promise<void>;

/** A system under test, connected and prepared. */
export interface Target {
  readonly invoke: Invoke;
  /** For loads that have an engine of their own; absent when the target has none. */
  readonly saturate?: Saturate | undefined;
  /** Never rejects. */
  close(): Promise<void>;
}

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
  /** What a read found. */
  readonly value: number | null | readonly number[] | undefined;
  /** Why, with `fail` and `info`. */
  readonly code: string | undefined;
  /** A `fail` that is no error: see EXPECTED_FAILURES. */
  readonly expected: boolean;
  /** Its trace, when it has one: see OperationTrace. */
  readonly trace?: number | undefined;
}

export type LoadEvent = InvokeEvent | EndEvent;
