// The logs of Jepsen's etcd test of 2014, as Porcupine keeps them: one operation event a line,
// 'INFO  jepsen.util - <process> :invoke|:ok|:fail|:info :read|:write|:cas <value>'.

import type { EventType, HistoryEvent } from './event.ts';
import { HistoryFormatError, MISMATCH } from './event.ts';
import type { EdnValue } from './edn.ts';
import { EdnError, EdnKeyword, EdnReader } from './edn.ts';

const PREFIX = /^INFO\s+jepsen\.util\s+-\s+/;
const EVENT = /^(\d+|:[\w-]+)\s+:(invoke|ok|fail|info)\s+:([\w-]+)(?:\s+(.*))?$/;

/** Whether a line could begin such a log. */
export function isEtcdLogLine(line: string): boolean {
  return /^(INFO|WARN|ERROR|DEBUG)\s/.test(line) || EVENT.test(line);
}

/**
 * The events of a log. Lines of other loggers are passed over; a line of jepsen.util that is not an event throws
 * HistoryFormatError.
 */
export function readEtcdLog(path: string, text: string): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  text.split('\n').forEach((raw, at) => {
    const line = raw.trimEnd();
    const body = line.replace(PREFIX, '');
    if (body === line && !EVENT.test(line)) return;
    const match = EVENT.exec(body);
    if (match === null) throw new HistoryFormatError(path, at + 1, line, 'not an operation');
    try {
      events.push(eventOf(match, events.length));
    } catch (error) {
      if (!(error instanceof EdnError)) throw error;
      throw new HistoryFormatError(path, at + 1, line, error.message);
    }
  });
  return events;
}

function eventOf(match: RegExpExecArray, index: number): HistoryEvent {
  const [, who, type, f, rest] = match as unknown as [string, string, EventType, string, string | undefined];
  const first = rest === undefined ? null : new EdnReader(rest).read();
  const error = first instanceof EdnKeyword ? first.name : undefined;
  const outcome = outcomeOf(type, f, error);
  return {
    index,
    process: who.startsWith(':') ? who.slice(1) : Number(who),
    ...outcome,
    f,
    value: first instanceof EdnKeyword ? null : valueOf(first),
    timeNs: Number.NaN,
  };
}

/** A `:fail` without an error is etcd's answer that the comparison failed; with one it is only the client's opinion. */
function outcomeOf(type: EventType, f: string, error: string | undefined): { type: EventType; error?: string } {
  if (type === 'fail' && f === 'cas' && error === undefined) return { type, error: MISMATCH };
  if (type === 'fail' && f !== 'read' && error === 'timed-out') return { type: 'info', error };
  return error === undefined ? { type } : { type, error };
}

function valueOf(value: EdnValue): unknown {
  const plain = value === null || typeof value === 'number' || typeof value === 'string';
  if (plain || (Array.isArray(value) && value.every((part) => part === null || typeof part === 'number'))) return value;
  throw new EdnError('the value of a register is a number, text or nil', 0);
}
