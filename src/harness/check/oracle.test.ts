// The checker against a second opinion, on thousands of small histories, right and wrong ones.

import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { HistoryEvent } from '../history/event.ts';
import { kvModel } from './kv.ts';
import type { LinearizabilityResult } from './linearizability.ts';
import { checkLinearizability } from './linearizability.ts';
import type { Model } from './model.ts';
import { pairOperations } from './operation.ts';
import { registerModel } from './register.ts';
import { isLinearizable, naiveKv, naiveRegister } from './testing/oracle.ts';
import { simulateRegisters } from './testing/simulated-register.ts';

/** More on demand. */
const SEEDS = Number(process.env['CHECK_SEEDS'] ?? 1_000);

const F = { register: ['read', 'write', 'cas'], kv: ['get', 'put', 'append'] };

/** Events without rhyme or reason, except that they fit together. */
function chaos(random: Random, family: 'register' | 'kv', operations: number, clients: number, values: number): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  const running: (HistoryEvent | undefined)[] = Array.from({ length: clients });
  const text = () => Array.from({ length: random.integer(0, 2) }, () => 'ab'[random.integer(0, 1)]).join('');
  const unknownRate = random.pick([0, 0.1, 0.5]);
  const number = () => (random.chance(0.1) ? null : random.integer(1, values));
  let invoked = 0;
  while (invoked < operations || running.some((event) => event !== undefined)) {
    const client = random.integer(0, clients - 1);
    const current = running[client];
    const base = { index: events.length, process: client, timeNs: events.length };
    if (current === undefined) {
      if (invoked++ >= operations) continue;
      const f = random.pick(F[family]);
      const value = family === 'kv' ? text() : f === 'cas' ? [number(), number()] : number();
      running[client] = { ...base, type: 'invoke', f, value };
      events.push(running[client]);
      continue;
    }
    running[client] = undefined;
    const { f } = current;
    const value = f === 'read' ? number() : f === 'get' ? text() : current.value;
    const fate = random.float();
    if (fate < unknownRate) events.push({ ...base, type: 'info', f, value: current.value });
    else if (fate < 0.2)
      events.push({ ...base, type: 'fail', f, value: current.value, ...(f === 'cas' ? { error: 'mismatch' } : {}) });
    else if (fate < 0.95) events.push({ ...base, type: 'ok', f, value });
    // Otherwise it never completes, and the client stops.
    else if (invoked >= operations) return events;
    else running[client] = current;
  }
  return events;
}

/** Compares; returns the verdict for statistics. */
async function compare(events: HistoryEvent[], family: 'register' | 'kv', remember: boolean, seed: number): Promise<string> {
  const operations = await pairOperations(events);
  const model: Model = family === 'kv' ? kvModel() : registerModel();
  const result = await checkLinearizability(operations, { model });
  const nothingToCheck = operations.every((operation) => model.role(operation) !== 'required');
  expect(result.verdict === 'unknown', `seed ${seed}`).toBe(nothingToCheck);
  if (result.verdict === 'unknown') return 'unknown';
  const step = family === 'kv' ? naiveKv : naiveRegister;
  const initial = family === 'kv' ? '' : null;
  const expected = isLinearizable(operations, step, initial, remember) ? 'valid' : 'violated';
  expect(result.verdict, `seed ${seed}: ${JSON.stringify(events)}`).toBe(expected);
  if (result.verdict === 'violated') expectProof(result, step, initial, seed);
  return result.verdict;
}

/** What the explanation calls impossible must be, also in the second opinion. */
function expectProof(
  result: LinearizabilityResult & { verdict: 'violated' },
  step: typeof naiveKv,
  initial: unknown,
  seed: number,
) {
  const { witness, selfContained, prefix, note } = result.explanation;
  const operations = witness.map(({ operation, required }) =>
    required ? operation : { ...operation, returnedAt: Number.POSITIVE_INFINITY, outcome: 'unknown' as const },
  );
  const starts = selfContained ? [initial, 1, 2, 3, 4, 'other'] : [initial];
  for (const start of starts) {
    expect(isLinearizable(operations, step, start, true), `witness of seed ${seed} from ${String(start)}`).toBe(false);
  }
  expect(witness.length).toBeGreaterThan(0);
  // Found by search, the violation has a beginning that is in order.
  expect(note !== undefined || prefix !== undefined).toBe(true);
}

describe.each(['register', 'kv'] as const)('%s', (family) => {
  test('agrees with trying all orders, up to 7 operations', async () => {
    const seen: Record<string, number> = {};
    for (let seed = 0; seed < 3 * SEEDS; seed++) {
      const random = new Random(seed).fork(family);
      const events = chaos(random, family, random.integer(1, 7), random.integer(1, 4), 2);
      const verdict = await compare(events, family, false, seed);
      seen[verdict] = (seen[verdict] ?? 0) + 1;
    }
    // The comparison is worth something only when both verdicts occur often.
    expect(seen['valid']).toBeGreaterThan(300);
    expect(seen['violated']).toBeGreaterThan(300);
  });

  test('agrees with an exhaustive search, up to 14 operations', async () => {
    const verdicts = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed).fork(`${family} long`);
      const events = chaos(random, family, random.integer(8, 14), random.integer(2, 6), 3);
      verdicts.add(await compare(events, family, true, seed));
    }
    expect([...verdicts]).toEqual(expect.arrayContaining(['valid', 'violated']));
  });
});

function violated(result: LinearizabilityResult, seed: number) {
  if (result.verdict !== 'violated') throw new Error(`seed ${seed}: a stale read was not found`);
  return result;
}

describe('simulated registers', () => {
  test('are valid; with one read changed, as the second opinion says', async () => {
    const seen = { valid: 0, violated: 0 };
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed);
      const values = random.pick([2, 4, Number.POSITIVE_INFINITY]);
      const rates = random.pick([{}, { unknownRate: 0.1 }, { failRate: 0.1, unknownRate: 0.05 }]);
      const events = simulateRegisters({ random, operations: 16, clients: random.integer(1, 5), values, ...rates });
      expect(await compare(events, 'register', true, seed), `seed ${seed}`).not.toBe('violated');
      const reads = events.filter(({ type, f }) => type === 'ok' && f === 'read');
      if (reads.length === 0) continue;
      const read = random.pick(reads);
      const stale = random.pick(reads).value;
      if (stale === read.value) continue;
      const corrupted = events.map((event) => (event === read ? { ...event, value: stale } : event));
      seen[(await compare(corrupted, 'register', true, seed)) as 'valid' | 'violated']++;
    }
    expect(seen.violated).toBeGreaterThan(200);
  });

  test('long ones with many keys are valid, and violated once a read returns what was overwritten', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const random = new Random(seed);
      const options = { random, operations: 3_000, clients: 20, keys: 10, values: Number.POSITIVE_INFINITY, unknownRate: 0.02 };
      const events = simulateRegisters(options);
      const model = registerModel();
      expect(await checkLinearizability(await pairOperations(events), { model })).toMatchObject({
        verdict: 'valid',
        partitions: 10,
      });
      const reads = events.filter(({ type, f, value }) => type === 'ok' && f === 'read' && value !== null);
      const late = reads.at(-1) as HistoryEvent;
      const early = reads.find(({ key, value }) => key === late.key && value !== late.value) as HistoryEvent;
      const corrupted = events.map((event) => (event === late ? { ...late, value: early.value } : event));
      const result = await checkLinearizability(await pairOperations(corrupted), { model });
      const { explanation } = violated(result, seed);
      expect(explanation.key).toBe(late.key);
      expect(explanation.witness.length).toBeLessThanOrEqual(4);
    }
  });
});
