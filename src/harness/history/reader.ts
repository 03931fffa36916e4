// Reads histories in Windtunnel's own format: a header, then one event a line.

import type { HistoryEvent, HistoryHeader } from './event.ts';
import { HISTORY_MODELS, HistoryFormatError, whyNotAnEvent } from './event.ts';
import type { Line } from './lines.ts';
import { readLineBatches } from './lines.ts';

/** The header of a history in Windtunnel's format. Throws HistoryFormatError when the file does not begin with one. */
export async function readHistoryHeader(path: string): Promise<HistoryHeader> {
  for await (const batch of readLineBatches(path)) return headerOf(path, batch[0] as Line);
  throw new HistoryFormatError(path, 1, '', 'the file is empty; a history begins with a header');
}

/**
 * The events of a history in Windtunnel's format, in order, in constant memory.
 * Throws HistoryFormatError, naming file, line and text, at the first line that is malformed or cut off; what came
 * before it has been delivered.
 */
export async function* readHistory(path: string): AsyncGenerator<HistoryEvent> {
  for await (const batch of readHistoryBatches(path)) yield* batch;
}

/** The same, about a megabyte at a time: a generator's step costs as much as reading a line. */
export async function* readHistoryBatches(path: string): AsyncGenerator<readonly HistoryEvent[]> {
  let begun = false;
  let expected = 0;
  for await (const batch of readLineBatches(path)) {
    const events: HistoryEvent[] = [];
    let damage: unknown;
    for (const line of batch) {
      try {
        if (!begun) headerOf(path, line);
        else if (line.text !== '') events.push(eventOf(path, line, expected++));
        begun = true;
      } catch (error) {
        damage = error;
        break;
      }
    }
    if (events.length > 0) yield events;
    if (damage !== undefined) throw damage;
  }
  if (!begun) throw new HistoryFormatError(path, 1, '', 'the file is empty; a history begins with a header');
}

function eventOf(path: string, line: Line, expected: number): HistoryEvent {
  const value = parse(path, line);
  const reason = whyNotAnEvent(value);
  if (reason !== undefined) throw new HistoryFormatError(path, line.number, line.text, reason);
  const event = value as HistoryEvent;
  // A gap means that lines were lost, and a lost write would look like a violation of the system under test.
  if (event.index !== expected) throw new HistoryFormatError(path, line.number, line.text, `index ${expected} expected`);
  return event;
}

function headerOf(path: string, line: Line): HistoryHeader {
  const refuse = (reason: string) => new HistoryFormatError(path, line.number, line.text, reason);
  const value = parse(path, line);
  if (typeof value !== 'object' || value === null) throw refuse('a history begins with a header object');
  const header = value as Partial<Record<'windtunnel' | 'version' | 'model' | 'seed' | 'initial', unknown>>;
  if (header.windtunnel !== 'history') throw refuse('a history begins with { "windtunnel": "history", ... }');
  if (header.version !== 1) throw refuse('this Windtunnel reads version 1 of the history format');
  const model = HISTORY_MODELS.find((known) => known === header.model);
  if (model === undefined) throw refuse(`model must be one of ${HISTORY_MODELS.join(', ')}`);
  return {
    model,
    ...(typeof header.seed === 'number' ? { seed: header.seed } : {}),
    ...(header.initial === undefined ? {} : { initial: header.initial }),
  };
}

function parse(path: string, line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch {
    const reason = line.terminated ? 'not JSON' : 'the last line is cut off';
    throw new HistoryFormatError(path, line.number, line.text, reason);
  }
}
