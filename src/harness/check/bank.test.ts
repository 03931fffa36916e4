import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { HistoryEvent } from '../history/event.ts';
import { bankStartOf, checkBank } from './bank.ts';
import { HistoryStructureError, pairOperations } from './operation.ts';
import type { BankSimulationOptions } from './testing/simulated-bank.ts';
import { simulateBank } from './testing/simulated-bank.ts';
import { transcript } from './testing/transcript.ts';

const START = { accounts: 3, balance: 10 };

async function check(text: string) {
  return checkBank(await pairOperations(transcript(text)), START);
}

const transfer = (from: number, to: number, amount: number) => JSON.stringify({ from, to, amount });

describe('a bank', () => {
  const done = `0 invoke transfer ${transfer(0, 1, 4)} \n 0 ok`;
  test.each([
    ['before any transfer', 'valid', '1 invoke read-all \n 1 ok [10, 10, 10]'],
    ['after a transfer', 'valid', `${done} \n 1 invoke read-all \n 1 ok [6, 14, 10]`],
    ['balances by account', 'valid', `${done} \n 1 invoke read-all \n 1 ok {"0": 6, "1": 14, "2": 10}`],
    [
      'a transfer under way, seen',
      'valid',
      `0 invoke transfer ${transfer(0, 1, 4)} \n 1 invoke read-all \n 1 ok [6, 14, 10] \n 0 ok`,
    ],
    [
      'a transfer under way, not seen',
      'valid',
      `0 invoke transfer ${transfer(0, 1, 4)} \n 1 invoke read-all \n 1 ok [10, 10, 10] \n 0 ok`,
    ],
    [
      'an unknown transfer that happened',
      'valid',
      `0 invoke transfer ${transfer(2, 0, 1)} \n 0 info \n 1 invoke read-all \n 1 ok [11, 10, 9]`,
    ],
    ['no read', 'unknown', done],
    ['a failed read', 'unknown', `${done} \n 1 invoke read-all \n 1 fail busy`],
    ['nothing', 'unknown', ''],
  ])('%s: %s', async (_, verdict, text) => {
    expect(await check(text)).toMatchObject({ checker: 'bank', verdict });
  });

  test.each([
    ['money from nowhere', `${done} \n 1 invoke read-all \n 1 ok [6, 15, 10]`, 'the total is 31, not 30'],
    ['a negative balance', '1 invoke read-all \n 1 ok [-1, 21, 10]', 'account 0 holds -1'],
    ['a missing account', '1 invoke read-all \n 1 ok [20, 10]', 'account 2 is missing'],
    ['another account', '1 invoke read-all \n 1 ok [10, 10, 10, 0]', 'there is an account "3", which nobody made'],
    ['half a unit', '1 invoke read-all \n 1 ok [9.5, 10.5, 10]', 'account 0 holds 9.5'],
    [
      'a lost transfer',
      `${done} \n 1 invoke read-all \n 1 ok [10, 10, 10]`,
      'no choice among the 0 transfers under way explains the balances after 1 that had succeeded',
    ],
    [
      'a failed transfer that happened',
      `0 invoke transfer ${transfer(0, 1, 4)} \n 0 fail mismatch \n 1 invoke read-all \n 1 ok [6, 14, 10]`,
      'no choice among the 0 transfers under way explains the balances after 0 that had succeeded',
    ],
  ])('%s is violated', async (_, text, reason) => {
    const result = await check(text);
    expect(result).toMatchObject({ verdict: 'violated', reason });
    expect(result.verdict === 'violated' && result.explanation.at(-1)).toContain('process 1: read-all -> ');
  });

  test('of which every read is explained has lost nothing', async () => {
    expect((await check(`${done} \n 1 invoke read-all \n 1 ok [6, 14, 10]`)).counts).toMatchObject({ unexplained: 0, lost: 0 });
    const violated = await check(`${done} \n 1 invoke read-all \n 1 ok [10, 10, 10]`);
    expect(violated.verdict).toBe('violated');
    expect(violated.counts).not.toHaveProperty('lost');
  });

  test('refuses what is no bank', async () => {
    for (const text of [
      '0 invoke add 1',
      '0 invoke transfer 5',
      `0 invoke transfer ${transfer(0, 3, 1)}`,
      '0 invoke read-all \n 0 ok 3',
    ]) {
      await expect(check(text), text).rejects.toBeInstanceOf(HistoryStructureError);
    }
    expect(() => bankStartOf(null)).toThrow('the header of a bank needs initial: { accounts, balance }, integers, not nil');
    expect(() => bankStartOf({ accounts: 0, balance: 1 })).toThrow(HistoryStructureError);
    expect(bankStartOf({ accounts: 2, balance: 7 })).toEqual({ accounts: 2, balance: 7 });
  });
});

const OPTIONS = { operations: 300, clients: 6, accounts: 4, balance: 20, unknownRate: 0.01 };

async function simulated(seed: number, options: Partial<BankSimulationOptions>, change = (events: HistoryEvent[]) => events) {
  const events = change(simulateBank({ ...OPTIONS, random: new Random(seed), ...options }));
  return checkBank(await pairOperations(events), OPTIONS);
}

describe('simulated banks', () => {
  test('that are correct are valid, with every read explained', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const result = await simulated(seed, {});
      expect(result, `seed ${seed}`).toMatchObject({ verdict: 'valid' });
      expect(result.counts['unexplained']).toBe(0);
      expect(result.counts['reads']).toBeGreaterThan(40);
    }
  });

  test('with very many transfers of unknown outcome, reads that were not explained are counted', async () => {
    const result = await simulated(1, { operations: 3_000, clients: 10, unknownRate: 0.2 });
    expect(result).toMatchObject({ verdict: 'valid' });
    expect(result.counts['unexplained']).toBeGreaterThan(0);
  });

  test.each(['torn', 'lost', 'overdraw'] as const)('that are %s are caught', async (bug) => {
    for (let seed = 0; seed < 20; seed++)
      expect(await simulated(seed, { bug }), `seed ${seed}`).toMatchObject({ verdict: 'violated' });
  });

  test('with an acknowledged transfer that never was are caught', async () => {
    const forge = (events: HistoryEvent[]) => {
      const chosen = events.find(({ type, error, value }) => {
        const { from, to } = (value ?? {}) as { from?: number; to?: number };
        return type === 'fail' && error === 'mismatch' && from !== to;
      }) as HistoryEvent;
      return events.map(({ error, ...event }) =>
        event.index === chosen.index ? { ...event, type: 'ok' as const } : { ...event, ...(error !== undefined && { error }) },
      );
    };
    for (let seed = 0; seed < 20; seed++)
      expect(await simulated(seed, { unknownRate: 0 }, forge)).toMatchObject({ verdict: 'violated' });
  });
});
