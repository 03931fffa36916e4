// Histories of append-only lists that are linearizable by construction, as simulated-register.ts makes them of registers.

import type { HistoryEvent, NewHistoryEvent } from '../../history/event.ts';
import type { Random } from '../../../runtime/random.ts';

export interface ListSimulationOptions {
  readonly random: Random;
  readonly operations: number;
  readonly clients: number;
  readonly keys?: number;
  /** Probabilities at each step of an operation. Defaults 0. */
  readonly unknownRate?: number;
  readonly failRate?: number;
}

interface Running {
  readonly key: string;
  readonly f: 'append' | 'read';
  readonly value: number | null;
  answer: unknown;
}

/** The events of a run, in order. */
export function simulateLists({ random, operations, clients, keys = 1, ...rates }: ListSimulationOptions): HistoryEvent[] {
  const { unknownRate = 0, failRate = 0 } = rates;
  const events: HistoryEvent[] = [];
  const lists = new Map<string, number[]>();
  const abandoned: Running[] = [];
  const places = Array.from({ length: clients }, (_, process) => ({ process, running: undefined as Running | undefined }));
  let nextProcess = clients;
  let element = 0;
  let invoked = 0;
  const emit = (process: number, { f, key, value }: Running, event: Partial<NewHistoryEvent> & Pick<NewHistoryEvent, 'type'>) => {
    events.push({ index: events.length, process, f, key, value, timeNs: events.length * 1_000, ...event });
  };
  const apply = (running: Running) => {
    const list = lists.get(running.key) ?? [];
    if (running.f === 'append') lists.set(running.key, [...list, running.value as number]);
    running.answer = running.f === 'append' ? running.value : list.length === 0 ? null : list;
  };
  while (invoked < operations || places.some(({ running }) => running !== undefined)) {
    if (abandoned.length > 0 && random.chance(0.05))
      apply(abandoned.splice(random.integer(0, abandoned.length - 1), 1)[0] as Running);
    const place = random.pick(places);
    const { running, process } = place;
    if (running === undefined) {
      if (invoked++ >= operations) continue;
      const f = random.chance(0.5) ? 'read' : 'append';
      place.running = { key: `k${random.integer(1, keys)}`, f, value: f === 'read' ? null : ++element, answer: undefined };
      emit(process, place.running, { type: 'invoke' });
    } else if (running.answer === undefined && random.chance(failRate)) {
      emit(process, running, { type: 'fail', error: 'refused' });
      place.running = undefined;
    } else if (random.chance(unknownRate)) {
      emit(process, running, { type: 'info', error: 'timeout' });
      if (running.answer === undefined) abandoned.push(running);
      place.running = undefined;
      place.process = nextProcess++;
    } else if (running.answer === undefined) apply(running);
    else {
      emit(process, running, { type: 'ok', value: running.answer });
      place.running = undefined;
    }
  }
  return events;
}
