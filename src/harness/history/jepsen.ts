// Histories of Jepsen and Knossos: EDN, either one vector (or list) of operation maps, or one map after another. The
// recorded key-value histories of Porcupine have the same form.

import { breathe } from '../../runtime/breathe.ts';
import type { EventType, HistoryEvent, HistoryModel } from './event.ts';
import { HistoryFormatError } from './event.ts';
import type { EdnValue } from './edn.ts';
import { EdnError, EdnKeyword, EdnReader, EdnSymbol, EdnTagged } from './edn.ts';

/** Events read between two turns of the event loop: some ten milliseconds. */
const BREATHE_AFTER_EVENTS = 2_000;

export interface JepsenHistory {
  readonly model: HistoryModel;
  readonly events: readonly HistoryEvent[];
}

/** What tells the workloads apart: the functions that their clients call. */
const FAMILIES: readonly { readonly model: HistoryModel; readonly functions: readonly string[] }[] = [
  { model: 'register', functions: ['read', 'write', 'cas'] },
  { model: 'kv', functions: ['get', 'put', 'append'] },
  { model: 'append', functions: ['append', 'read'] },
  { model: 'set', functions: ['add', 'read', 'read-all'] },
  { model: 'list-append', functions: ['txn', 'append', 'read'] },
];

/**
 * Reads a whole history. `path` is for messages only. Throws HistoryFormatError for text that is not EDN, for an
 * operation without what it needs, and for a workload that no checker here understands; the signal's reason when aborted.
 */
export async function readJepsenHistory(path: string, text: string, signal?: AbortSignal): Promise<JepsenHistory> {
  const events: HistoryEvent[] = [];
  try {
    for (const { offset, value } of forms(text)) {
      if (events.push(eventOf(value, events.length, offset)) % BREATHE_AFTER_EVENTS === 0) await breathe(signal);
    }
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    throw locate(path, text, error);
  }
  return classify(path, events);
}

function* forms(text: string): Generator<{ offset: number; value: EdnValue }> {
  const reader = new EdnReader(text);
  const close = reader.enter();
  for (;;) {
    if (close !== undefined && reader.leave(close)) break;
    const offset = reader.next();
    if (offset === undefined) return;
    yield { offset, value: reader.read() };
  }
  const more = reader.next();
  if (more !== undefined) throw new EdnError('something follows the history', more);
}

function locate(path: string, text: string, error: EdnError): HistoryFormatError {
  const at = Math.min(error.offset, text.length - 1);
  const begin = text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\n', begin);
  const line = text.slice(0, begin).split('\n').length;
  return new HistoryFormatError(path, line, text.slice(begin, end < 0 ? undefined : end).slice(0, 300), error.message);
}

function eventOf(form: EdnValue, position: number, offset: number): HistoryEvent {
  // Jepsen since 0.3 prints records: #jepsen.history.Op{...}.
  const map = form instanceof EdnTagged ? form.value : form;
  if (!(map instanceof Map)) throw new EdnError('an operation is a map', offset);
  const fields = new Map([...map].flatMap(([key, value]) => (key instanceof EdnKeyword ? [[key.name, value] as const] : [])));
  const time = fields.get('time');
  const key = fields.get('key');
  const error = fields.get('error');
  return {
    // Positions, not :index, which a filtered history no longer numbers without gaps.
    index: position,
    process: processOf(fields.get('process'), offset),
    type: typeOf(fields.get('type'), offset),
    f: nameOf(fields.get('f'), ':f', offset),
    ...(key === undefined || key === null ? {} : { key: textOf(plain(key)) }),
    value: plain(fields.get('value') ?? null),
    timeNs: typeof time === 'number' || typeof time === 'bigint' ? Number(time) : Number.NaN,
    ...(error === undefined || error === null ? {} : { error: textOf(plain(error)) }),
  };
}

function processOf(value: EdnValue | undefined, offset: number): number | string {
  return typeof value === 'number' ? value : nameOf(value, ':process', offset);
}

function typeOf(value: EdnValue | undefined, offset: number): EventType {
  const name = nameOf(value, ':type', offset);
  if (name === 'invoke' || name === 'ok' || name === 'fail' || name === 'info') return name;
  throw new EdnError(`:type must be :invoke, :ok, :fail or :info, not :${name}`, offset);
}

function nameOf(value: EdnValue | undefined, field: string, offset: number): string {
  if (value instanceof EdnKeyword || value instanceof EdnSymbol) return value.name;
  if (typeof value === 'string' && value !== '') return value;
  throw new EdnError(`an operation needs ${field}`, offset);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What JSON can hold. Keywords keep their colon, so that :a and "a" stay different values. */
function plain(value: EdnValue): unknown {
  if (value instanceof EdnKeyword) return `:${value.name}`;
  if (value instanceof EdnSymbol) return value.name;
  if (value instanceof EdnTagged) return { [`#${value.tag}`]: plain(value.value) };
  if (value instanceof Set) return [...value].map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, entry]) => [textOf(plain(key)), plain(entry)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'bigint') return `${value}N`;
  // JSON knows no infinity.
  if (typeof value === 'number' && !Number.isFinite(value)) return `##${value}`;
  return value;
}

function classify(path: string, events: readonly HistoryEvent[]): JepsenHistory {
  const clients = events.filter((event) => typeof event.process === 'number');
  const functions = new Set(clients.map((event) => event.f));
  const family = FAMILIES.find((candidate) => [...functions].every((f) => candidate.functions.includes(f)));
  if (family === undefined) {
    const known = FAMILIES.map(({ functions }) => functions.join('/')).join(', ');
    const names = [...functions].join('/');
    throw new HistoryFormatError(path, 1, names, `no checker for a history with these functions (known: ${known})`);
  }
  const isTuples = (family.model === 'register' || family.model === 'append') && isIndependent(clients);
  if (isTuples) {
    const model = family.model === 'register' ? 'register-map' : 'append';
    return { model, events: events.map((event) => withTupleKey(path, event)) };
  }
  if (family.model === 'register' && clients.some((event) => event.key !== undefined)) return { model: 'register-map', events };
  if (family.model !== 'set') return { model: family.model, events };
  return { model: 'set', events: events.map((event) => (event.f === 'read' ? { ...event, f: 'read-all' } : event)) };
}

/** jepsen.independent makes many objects of one: every value becomes a tuple [key value], also those of reads. */
function isIndependent(clients: readonly HistoryEvent[]): boolean {
  const invocations = clients.filter((event) => event.type === 'invoke');
  const tuple = ({ f, value }: HistoryEvent) => isPair(value) && (f !== 'cas' || isPair(value[1]));
  return invocations.length > 0 && invocations.every(tuple);
}

function isPair(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && value.length === 2;
}

function withTupleKey(path: string, event: HistoryEvent): HistoryEvent {
  if (typeof event.process !== 'number') return event;
  // An :info may carry no value; the pairing takes key and argument from the invocation.
  if (isPair(event.value)) return { ...event, key: textOf(event.value[0]), value: event.value[1] };
  if (event.type === 'ok') {
    const reason = `event ${event.index}: a value of jepsen.independent is a tuple [key value]`;
    throw new HistoryFormatError(path, 1, JSON.stringify(event.value), reason);
  }
  return { ...event, value: null };
}
