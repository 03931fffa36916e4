import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { HistoryEvent } from '../history/event.ts';
import { checkAppendLists } from './append-lists.ts';
import { countsOf } from './check-file.ts';
import { HistoryStructureError, pairOperations } from './operation.ts';
import { ReadLists } from './read-lists.ts';
import { explain } from './render.ts';
import { isLinearizable, naiveList } from './testing/oracle.ts';
import { simulateLists } from './testing/simulated-lists.ts';
import { transcript } from './testing/transcript.ts';

const SEEDS = Number(process.env['CHECK_SEEDS'] ?? 1_000);

async function check(text: string) {
  return checkAppendLists(await pairOperations(transcript(text)));
}

describe('append-only lists', () => {
  const twoAppends = '0 invoke append 1 \n 0 ok \n 0 invoke append 2 \n 0 ok';
  test.each([
    ['one after another', 'valid', `${twoAppends} \n 1 invoke read \n 1 ok [1, 2]`],
    ['null is the empty list', 'valid', '1 invoke read \n 1 ok null \n 0 invoke append 1 \n 0 ok \n 1 invoke read \n 1 ok [1]'],
    ['a read concurrent with the append misses it', 'valid', '0 invoke append 1 \n 1 invoke read \n 1 ok [] \n 0 ok'],
    ['a read concurrent with the append sees it', 'valid', '0 invoke append 1 \n 1 invoke read \n 1 ok [1] \n 0 ok'],
    [
      'an unknown append appears late',
      'valid',
      `0 invoke append 9 \n 0 info \n ${twoAppends.replaceAll('0', '2')} \n 1 invoke read \n 1 ok [1, 2, 9]`,
    ],
    ['an unknown append never appears', 'valid', '0 invoke append 9 \n 0 info \n 1 invoke read \n 1 ok []'],
    ['keys are independent', 'valid', '0 invoke append 1 @a \n 0 ok \n 1 invoke read @b \n 1 ok []'],
    ['no read', 'unknown', twoAppends],
    ['nothing', 'unknown', ''],
  ])('%s: %s', async (_, verdict, text) => {
    expect(await check(text)).toMatchObject({ verdict });
  });

  test.each([
    [
      'a lost append',
      `${twoAppends} \n 1 invoke read \n 1 ok [1]`,
      '2 had been appended before the read began, and the read lacks it',
      2,
    ],
    [
      'a lost append, followed by another',
      `1 invoke read \n ${twoAppends} \n 0 invoke append 3 \n 0 ok \n 1 ok [1, 3]`,
      '2 had been appended before the append of 3 began, and the list has only 3',
      3,
    ],
    [
      'appends in the wrong order',
      `${twoAppends.replace(/^/, '1 invoke read \n ')} \n 1 ok [2, 1]`,
      '1 had been appended before the append of 2 began, and comes behind it in the list',
      3,
    ],
    [
      'a stale read',
      '0 invoke append 1 \n 1 invoke read \n 1 ok [1] \n 1 invoke read \n 1 ok [] \n 0 ok',
      'the later read saw 0 elements, fewer than the earlier one, which saw 1',
      2,
    ],
    [
      'a read of the future',
      '1 invoke read \n 1 ok [1] \n 0 invoke append 1 \n 0 ok',
      'the read saw 1 before its append was called',
      2,
    ],
    ['a duplicate', `${twoAppends} \n 1 invoke read \n 1 ok [1, 2, 1]`, '1 is in the list twice, as element 1 and 3', 2],
    ['an element from nowhere', `${twoAppends} \n 1 invoke read \n 1 ok [1, 2, 7]`, 'nothing appended 7', 1],
    ['a failed append', '0 invoke append 1 \n 0 fail refused \n 1 invoke read \n 1 ok [1]', 'the append of 1 failed', 2],
    [
      'two orders',
      '0 invoke append 1 \n 1 invoke append 2 \n 2 invoke read \n 3 invoke read \n 2 ok [1, 2] \n 3 ok [2, 1] \n 0 ok \n 1 ok',
      'they disagree about element 1: 2 or 1',
      2,
    ],
  ])('%s is violated, and explained', async (_, text, note, witness) => {
    const result = await check(text);
    expect(result).toMatchObject({ verdict: 'violated', explanation: { note } });
    expect(result.verdict === 'violated' && result.explanation.witness).toHaveLength(witness);
    expect(explain(result)).toContain(note);
  });

  test.each([
    ['none', 0, `${twoAppends} \n 1 invoke read \n 1 ok [1, 2]`],
    ['one that no later read saw', 1, `${twoAppends} \n 1 invoke read \n 1 ok [1]`],
    [
      'one under the list that another read contradicts',
      0,
      `${twoAppends} \n 1 invoke read \n 1 ok [1] \n 1 invoke read \n 1 ok [2]`,
    ],
    ['none that a later read sees again', 0, `${twoAppends} \n 1 invoke read \n 1 ok [] \n 1 invoke read \n 1 ok [1, 2]`],
    ['none that a read under way may have missed', 0, `1 invoke read \n ${twoAppends} \n 1 ok []`],
    ['none that may not have happened', 0, '0 invoke append 1 \n 0 info \n 1 invoke read \n 1 ok []'],
  ])('counts lost appends: %s', async (_, lost, text) => {
    expect(countsOf(await check(text))).toEqual({ keys: 1, lost });
  });

  test('refuses what is no list, and elements that are appended twice', async () => {
    for (const text of [
      '0 invoke write 1',
      '0 invoke read \n 0 ok 3',
      `${twoAppends} \n 1 invoke append 2`,
      '0 invoke append [1]',
    ]) {
      await expect(check(text), text).rejects.toBeInstanceOf(HistoryStructureError);
    }
  });

  test('is unknown when the time is over, and stops when told to', async () => {
    const operations = await pairOperations(simulateLists({ random: new Random(1), operations: 500, clients: 3, keys: 5 }));
    const clock = new VirtualClock();
    let calls = 0;
    const late = Object.assign(clock, { now: () => (calls++ > 2 ? 1_000 : 0) });
    expect(await checkAppendLists(operations, { clock: late, timeLimitMs: 10 })).toMatchObject({
      verdict: 'unknown',
      reason: 'no answer within 10.0ms for 3 of 5 keys',
    });
    const many = await pairOperations(simulateLists({ random: new Random(1), operations: 30_000, clients: 3, keys: 300 }));
    await expect(checkAppendLists(many, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
  });
});

/** One thing changed. Undefined where the history has nothing to change. */
const MUTANTS: Record<string, (events: readonly HistoryEvent[], random: Random) => HistoryEvent[] | undefined> = {
  'an acknowledged append that no later read shows': (events) => {
    const append = events.find(
      ({ type, f, value, key }) => type === 'ok' && f === 'append' && readers(events, key, value).length > 0,
    );
    if (append === undefined) return undefined;
    return events.map((event) =>
      isRead(event) && event.key === append.key
        ? { ...event, value: event.value.filter((each) => each !== append.value) }
        : event,
    );
  },
  'the results of two reads swapped': (events, random) => {
    const reads = events.filter(isRead);
    if (reads.length < 2) return undefined;
    const early = random.pick(reads);
    const late = reads.findLast(({ key, value }) => key === early.key && value.length > early.value.length + 5);
    if (late === undefined) return undefined;
    return events.map((event) =>
      event === early ? { ...early, value: late.value } : event === late ? { ...late, value: early.value } : event,
    );
  },
  'an element twice': (events, random) => changedRead(events, random, (list) => [...list, list[0] as number]),
  'two elements in the other order': (events, random) =>
    changedRead(events, random, (list) => [list[1] as number, list[0] as number, ...list.slice(2)]),
  'an element from nowhere': (events, random) => changedRead(events, random, (list) => [...list, 1_000_000]),
};

type ReadEvent = HistoryEvent & { readonly value: readonly number[] };

function isRead(event: HistoryEvent): event is ReadEvent {
  return event.type === 'ok' && event.f === 'read' && Array.isArray(event.value) && event.value.length >= 2;
}

function readers(events: readonly HistoryEvent[], key: string | undefined, element: unknown) {
  return events.filter((event) => isRead(event) && event.key === key && event.value.includes(element as number));
}

function changedRead(events: readonly HistoryEvent[], random: Random, change: (list: readonly number[]) => number[]) {
  const reads = events.filter(isRead);
  if (reads.length === 0) return undefined;
  const chosen = random.pick(reads);
  return events.map((event) => (event === chosen ? { ...chosen, value: change(chosen.value) } : event));
}

describe('simulated lists', () => {
  test('are valid; with something changed, as the second opinion says', async () => {
    const seen = { valid: 0, violated: 0 };
    for (let seed = 0; seed < 3 * SEEDS; seed++) {
      const random = new Random(seed);
      const rates = random.pick([{}, { unknownRate: 0.1 }, { failRate: 0.1, unknownRate: 0.1 }]);
      const events = simulateLists({ random, operations: random.integer(3, 12), clients: random.integer(1, 5), ...rates });
      const reads = events.filter(({ type, f }) => type === 'ok' && f === 'read');
      const operations = await pairOperations(events);
      if (reads.length > 0) expect(await checkAppendLists(operations), `seed ${seed}`).toMatchObject({ verdict: 'valid' });
      if (reads.length === 0) continue;
      // Lists of other reads, or with elements dropped, doubled, exchanged.
      const chosen = random.pick(reads);
      const list = [...((random.pick(reads).value ?? []) as number[])];
      if (random.chance(0.3)) list.pop();
      if (random.chance(0.3)) list.push(random.integer(1, 8));
      if (random.chance(0.3)) list.splice(random.integer(0, list.length), 1);
      if (random.chance(0.1)) list.reverse();
      const changed = await pairOperations(events.map((event) => (event === chosen ? { ...event, value: list } : event)));
      const expected = isLinearizable(changed, naiveList, [], true) ? 'valid' : 'violated';
      const result = await checkAppendLists(changed);
      expect(result.verdict, `seed ${seed}: ${JSON.stringify(changed)}`).toBe(expected);
      seen[expected]++;
      if (result.verdict !== 'violated') continue;
      const { witness } = result.explanation;
      expect(witness.length, `seed ${seed}`).toBeLessThanOrEqual(3);
    }
    expect(seen.valid).toBeGreaterThan(300);
    expect(seen.violated).toBeGreaterThan(300);
  });

  test.each(Object.entries(MUTANTS))('the mutant with %s is caught', async (_, mutate) => {
    let caught = 0;
    for (let seed = 0; seed < 50; seed++) {
      const random = new Random(seed);
      const events = simulateLists({ random, operations: 400, clients: 8, keys: 4, unknownRate: 0.01, failRate: 0.01 });
      const mutant = mutate(events, random);
      if (mutant === undefined) continue;
      const operations = await pairOperations(mutant);
      expect(await checkAppendLists(operations), `seed ${seed}`).toMatchObject({ verdict: 'violated' });
      // The same, however the lists are held.
      const short = await pairOperations(mutant, new ReadLists().shorten);
      expect(await checkAppendLists(short), `seed ${seed}`).toMatchObject({ verdict: 'violated' });
      caught++;
    }
    expect(caught).toBeGreaterThan(20);
  });
});
