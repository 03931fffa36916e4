// Histories as short texts, for tests: one event a line, '<process> <type> <f> <value> [@key]'. A completion names only
// what is new: '0 ok 3' (a result), '0 ok', '0 fail', '0 fail mismatch', '0 info'. Times are the line numbers in microseconds.

import type { EventType, HistoryEvent } from '../../history/event.ts';
import { known } from '../../../runtime/assert.ts';

export function transcript(text: string): HistoryEvent[] {
  const underWay = new Map<number, HistoryEvent>();
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .map((line, index) => {
      const [who, type, ...rest] = line.split(/\s+/) as [string, EventType, ...string[]];
      const process = Number(who);
      const timeNs = index * 1_000;
      if (type === 'invoke') {
        const at = rest.findIndex((word) => word.startsWith('@'));
        const key = at < 0 ? undefined : (rest[at] as string).slice(1);
        const [f, ...value] = at < 0 ? rest : rest.toSpliced(at, 1);
        const event = {
          index,
          process,
          type,
          f: known(f, line),
          value: valueOf(value),
          timeNs,
          ...(key === undefined ? {} : { key }),
        };
        underWay.set(process, event);
        return event;
      }
      const invoked = known(underWay.get(process), `nothing under way: ${line}`);
      if (type === 'ok') return { ...invoked, index, type, value: rest.length === 0 ? invoked.value : valueOf(rest), timeNs };
      return { ...invoked, index, type, timeNs, ...(rest[0] === undefined ? {} : { error: rest[0] }) };
    });
}

function valueOf(words: readonly string[]): unknown {
  return words.length === 0 ? null : JSON.parse(words.join(' '));
}
