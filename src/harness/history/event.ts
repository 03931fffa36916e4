// One event of an operation, as it is recorded: Jepsen's model. An operation is an `invoke` followed by `ok` (it
// happened), `fail` (it definitely did not happen) or `info` (nobody knows), or by nothing when the run ended first.

export type EventType = 'invoke' | 'ok' | 'fail' | 'info';

/**
 * A compare-and-set that found another value did not change anything, but it did observe something: that the value was
 * not the expected one. A `fail` with this `error` tells a checker so. Any other `fail` says only that nothing happened.
 */
export const MISMATCH = 'mismatch';

/** What the recorder is given. The writer adds the index. */
export interface NewHistoryEvent {
  /** A process does one operation at a time. Text names what is not a client ('nemesis'); checkers pass over it. */
  readonly process: number | string;
  readonly type: EventType;
  /** The function: 'read', 'write', 'cas', 'get', 'put', 'append', 'add', 'read-all', 'transfer', 'txn'. */
  readonly f: string;
  /** Which of many independent objects. Absent when there is only one. */
  readonly key?: string;
  /** Argument when invoked, result when `ok`. JSON only. `cas`: [from, to]. */
  readonly value: unknown;
  /** Nanoseconds since the start of the run, on the recorder's monotonic clock. For people; the order is the file's. */
  readonly timeNs: number;
  readonly node?: string;
  /** The stable code of what went wrong, with `fail` and `info`. */
  readonly error?: string;
}

export interface HistoryEvent extends NewHistoryEvent {
  /** Position in the history, from 0. */
  readonly index: number;
}

/** Which objects the operations worked on, and so which checker applies. */
export type HistoryModel = 'register' | 'register-map' | 'kv' | 'set' | 'append' | 'bank' | 'list-append';

/**
 * The models, and their functions. `register`: read, write, cas. `register-map`: the same, by key. `kv`: get, put, append of
 * texts, by key. `set`: add, read-all. `append`: append-only lists by key: append (a unique element), read. `bank`:
 * transfer ({ from, to, amount }), read-all (all balances). `list-append`: transactions over append-only lists: txn.
 */
export const HISTORY_MODELS: readonly HistoryModel[] = ['register', 'register-map', 'kv', 'set', 'append', 'bank', 'list-append'];

export interface HistoryHeader {
  readonly model: HistoryModel;
  /** The seed of the run, where it had one. */
  readonly seed?: number;
  /** What a register holds before the first write; absent means null. A bank needs { accounts, balance }. */
  readonly initial?: unknown;
}

/** A history file that cannot be read. Says where. */
export class HistoryFormatError extends Error {
  override readonly name = 'HistoryFormatError';
  readonly code = 'history_format';
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** The offending line, shortened. */
  readonly text: string;

  constructor(path: string, line: number, text: string, reason: string) {
    const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text;
    super(`${path}:${line}: ${reason}: ${JSON.stringify(shown)}`);
    this.path = path;
    this.line = line;
    this.text = shown;
  }
}

const TYPES: ReadonlySet<unknown> = new Set<EventType>(['invoke', 'ok', 'fail', 'info']);

/** The reason why `value` is not an event, or undefined when it is one. */
export function whyNotAnEvent(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'an event is a JSON object';
  const event = value as Partial<Record<keyof HistoryEvent, unknown>>;
  if (!Number.isSafeInteger(event.index) || (event.index as number) < 0) return 'index must be an integer >= 0';
  if (!isProcess(event.process)) return 'process must be an integer or a name';
  if (!TYPES.has(event.type)) return "type must be 'invoke', 'ok', 'fail' or 'info'";
  if (typeof event.f !== 'string' || event.f === '') return 'f must be the name of a function';
  if (event.key !== undefined && typeof event.key !== 'string') return 'key must be text';
  if (event.value === undefined) return 'value is missing (null is a value)';
  if (typeof event.timeNs !== 'number' || !Number.isFinite(event.timeNs)) return 'timeNs must be a number';
  if (event.node !== undefined && typeof event.node !== 'string') return 'node must be text';
  if (event.error !== undefined && typeof event.error !== 'string') return 'error must be text';
  return undefined;
}

function isProcess(process: unknown): boolean {
  return Number.isSafeInteger(process) || (typeof process === 'string' && process !== '');
}
