// Histories of a bank in which every transfer takes effect at one instant, and broken variants of it.

import type { HistoryEvent, NewHistoryEvent } from '../../history/event.ts';
import { MISMATCH } from '../../history/event.ts';
import type { Random } from '../../../runtime/random.ts';

export interface BankSimulationOptions {
  readonly random: Random;
  readonly operations: number;
  readonly clients: number;
  readonly accounts: number;
  readonly balance: number;
  readonly unknownRate?: number;
  /** `torn`: a read may come between the two halves. `lost`: some acknowledged transfers do nothing. `overdraw`: no check. */
  readonly bug?: 'torn' | 'lost' | 'overdraw';
}

interface Running {
  readonly f: 'transfer' | 'read-all';
  readonly value: { readonly from: number; readonly to: number; readonly amount: number } | null;
  answer: Partial<NewHistoryEvent> | undefined;
  /** Only the first half of a torn transfer has taken effect. */
  half: boolean;
}

export function simulateBank(options: BankSimulationOptions): HistoryEvent[] {
  const { random, operations, clients, accounts, balance, unknownRate = 0, bug } = options;
  const events: HistoryEvent[] = [];
  const balances = Array.from({ length: accounts }, () => balance);
  const places = Array.from({ length: clients }, (_, process) => ({ process, running: undefined as Running | undefined }));
  const abandoned: Running[] = [];
  let nextProcess = clients;
  let invoked = 0;
  const change = (account: number, amount: number) => {
    balances[account] = (balances[account] as number) + amount;
  };
  const apply = (running: Running) => {
    if (running.value === null) {
      running.answer = { type: 'ok', value: [...balances] };
      return;
    }
    const { from, to, amount } = running.value;
    if (running.half) {
      change(to, amount);
      running.answer = { type: 'ok' };
    } else if ((balances[from] as number) < amount && bug !== 'overdraw') {
      running.answer = { type: 'fail', error: MISMATCH };
    } else if (bug === 'lost' && random.chance(0.1)) {
      running.answer = { type: 'ok' };
    } else {
      change(from, -amount);
      if (bug === 'torn') running.half = true;
      else {
        change(to, amount);
        running.answer = { type: 'ok' };
      }
    }
  };
  const emit = (process: number, { f, value }: Running, event: Partial<NewHistoryEvent> & Pick<NewHistoryEvent, 'type'>) => {
    events.push({ index: events.length, process, f, value, timeNs: events.length * 1_000, ...event });
  };
  while (invoked < operations || places.some(({ running }) => running !== undefined)) {
    if (abandoned.length > 0 && random.chance(0.05)) apply(abandoned.pop() as Running);
    const place = random.pick(places);
    const { running, process } = place;
    if (running === undefined) {
      if (invoked++ >= operations) continue;
      const f = random.chance(0.3) ? 'read-all' : 'transfer';
      const account = () => random.integer(0, accounts - 1);
      const value = f === 'read-all' ? null : { from: account(), to: account(), amount: random.integer(1, balance) };
      place.running = { f, value, answer: undefined, half: false };
      emit(process, place.running, { type: 'invoke' });
    } else if (running.f === 'transfer' && random.chance(unknownRate)) {
      emit(process, running, { type: 'info', error: 'timeout' });
      if (running.answer === undefined) abandoned.push(running);
      place.running = undefined;
      place.process = nextProcess++;
    } else if (running.answer === undefined) apply(running);
    else {
      emit(process, running, { type: 'ok', ...running.answer });
      place.running = undefined;
    }
  }
  return events;
}
