import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { kvModel } from './kv.ts';
import type { LinearizabilityOptions, LinearizabilityProgress } from './linearizability.ts';
import { checkLinearizability } from './linearizability.ts';
import { HistoryStructureError, pairOperations } from './operation.ts';
import { registerModel } from './register.ts';
import { simulateRegisters } from './testing/simulated-register.ts';
import { transcript } from './testing/transcript.ts';

async function check(text: string, options: Partial<LinearizabilityOptions> = {}) {
  return checkLinearizability(await pairOperations(transcript(text)), { model: registerModel(), ...options });
}

describe('a register', () => {
  test.each([
    ['one after another', 'valid', '0 invoke write 1 \n 0 ok \n 1 invoke read \n 1 ok 1'],
    ['a stale read', 'violated', '0 invoke write 1 \n 0 ok \n 0 invoke write 2 \n 0 ok \n 1 invoke read \n 1 ok 1'],
    ['a read of what nobody wrote', 'violated', '0 invoke write 1 \n 0 ok \n 1 invoke read \n 1 ok 7'],
    ['a read of the future', 'violated', '1 invoke read \n 1 ok 1 \n 0 invoke write 1 \n 0 ok'],
    ['a read concurrent with the write sees the old value', 'valid', '0 invoke write 1 \n 1 invoke read \n 1 ok null \n 0 ok'],
    ['a read concurrent with the write sees the new value', 'valid', '0 invoke write 1 \n 1 invoke read \n 1 ok 1 \n 0 ok'],
    [
      'the initial value, gone and written again',
      'valid',
      '0 invoke read \n 0 ok null \n 0 invoke write 1 \n 0 ok \n 0 invoke write null \n 0 ok \n 0 invoke read \n 0 ok null',
    ],
    ['the initial value, gone', 'violated', '0 invoke write 1 \n 0 ok \n 0 invoke read \n 0 ok null'],
    ['an unknown write seen before it was called', 'violated', '1 invoke read \n 1 ok 1 \n 0 invoke write 1 \n 0 info'],
    ['new and then old', 'violated', '0 invoke write 1 \n 1 invoke read \n 1 ok 1 \n 2 invoke read \n 2 ok null \n 0 ok'],
    [
      'two reads that disagree on the order of two writes',
      'violated',
      `0 invoke write 1 \n 1 invoke write 2 \n 0 ok \n 1 ok
       2 invoke read \n 2 ok 1 \n 2 invoke read \n 2 ok 2`,
    ],
    [
      'a lost update: both compare-and-sets succeed',
      'violated',
      '0 invoke write 1 \n 0 ok \n 1 invoke cas [1, 2] \n 2 invoke cas [1, 3] \n 1 ok \n 2 ok',
    ],
    [
      'one compare-and-set succeeds, the other finds another value',
      'valid',
      '0 invoke write 1 \n 0 ok \n 1 invoke cas [1, 2] \n 2 invoke cas [1, 3] \n 1 ok \n 2 fail mismatch',
    ],
    ['a mismatch that was a match', 'violated', '0 invoke write 1 \n 0 ok \n 1 invoke cas [1, 2] \n 1 fail mismatch'],
    ['a failure for another reason says nothing', 'valid', '0 invoke write 1 \n 0 ok \n 1 invoke cas [1, 2] \n 1 fail busy'],
    ['a failed write that is seen', 'violated', '0 invoke write 1 \n 0 fail refused \n 1 invoke read \n 1 ok 1'],
    ['a failed read', 'valid', '0 invoke write 1 \n 0 ok \n 1 invoke read \n 1 fail timeout'],
    ['an unknown write seen at once', 'valid', '0 invoke write 1 \n 0 info \n 1 invoke read \n 1 ok 1'],
    [
      'an unknown write seen much later',
      'valid',
      '0 invoke write 1 \n 0 info \n 1 invoke read \n 1 ok null \n 1 invoke write 2 \n 1 ok \n 1 invoke read \n 1 ok 1',
    ],
    ['an unknown write never seen', 'valid', '0 invoke write 1 \n 0 info \n 1 invoke read \n 1 ok null'],
    [
      'an unknown write seen, gone, and seen again',
      'violated',
      `0 invoke write 1 \n 0 info \n 1 invoke read \n 1 ok 1 \n 1 invoke write 2 \n 1 ok
       1 invoke read \n 1 ok 2 \n 1 invoke read \n 1 ok 1`,
    ],
    [
      'two unknown writes of the same value explain both sightings',
      'valid',
      `0 invoke write 1 \n 0 info \n 5 invoke write 1 \n 5 info \n 1 invoke read \n 1 ok 1 \n 1 invoke write 2 \n 1 ok
       1 invoke read \n 1 ok 2 \n 1 invoke read \n 1 ok 1`,
    ],
    ['a write that never completed', 'valid', '0 invoke write 1 \n 1 invoke read \n 1 ok 1'],
    [
      'an unknown compare-and-set applies only to its value',
      'violated',
      '0 invoke cas [5, 6] \n 0 info \n 1 invoke read \n 1 ok 6',
    ],
    [
      'a chain of unknown compare-and-sets',
      'valid',
      `0 invoke cas [1, 2] \n 0 info \n 1 invoke cas [2, 3] \n 1 info \n 2 invoke write 1 \n 2 ok \n 3 invoke read \n 3 ok 3`,
    ],
  ])('%s is %s', async (_, verdict, text) => expect(await check(text)).toMatchObject({ verdict }));

  test('begins with what it is told, and null means nothing where that is customary', async () => {
    const text = '0 invoke read \n 0 ok 0 \n 1 invoke write 1 \n 1 ok \n 0 invoke read \n 0 ok null';
    expect(await check(text)).toMatchObject({ verdict: 'violated' });
    const knossos = registerModel({ initial: 0, nilReadIsUnknown: true });
    expect(await check(text, { model: knossos })).toMatchObject({ verdict: 'valid' });
  });

  test('holds any JSON, compared by content', async () => {
    const good = '0 invoke write {"a":1,"b":[2]} \n 0 ok \n 1 invoke read \n 1 ok {"b":[2],"a":1}';
    expect(await check(good)).toMatchObject({ verdict: 'valid' });
    expect(await check('0 invoke write 1 \n 0 ok \n 1 invoke read \n 1 ok "1"')).toMatchObject({ verdict: 'violated' });
  });

  test('refuses what it does not know, naming the event', async () => {
    await expect(check('0 invoke increment 1 \n 0 ok')).rejects.toThrow(
      'event 0: a register has read, write and cas, not increment',
    );
    await expect(check('0 invoke read \n 0 ok null \n 0 invoke cas 4 \n 0 ok')).rejects.toThrow(
      'event 2: cas needs [from, to], not 4',
    );
    await expect(check('0 invoke cas 4 \n 0 ok')).rejects.toBeInstanceOf(HistoryStructureError);
  });
});

describe('a key of texts', () => {
  const model = kvModel();
  test.each([
    ['empty before the first append', 'valid', '0 invoke get \n 0 ok ""'],
    ['appends in one order', 'valid', '0 invoke append "a" \n 1 invoke append "b" \n 0 ok \n 1 ok \n 0 invoke get \n 0 ok "ba"'],
    ['an append lost', 'violated', '0 invoke append "a" \n 0 ok \n 1 invoke append "b" \n 1 ok \n 0 invoke get \n 0 ok "b"'],
    ['an append applied twice', 'violated', '0 invoke append "a" \n 0 ok \n 0 invoke get \n 0 ok "aa"'],
    ['a put over all', 'valid', '0 invoke append "a" \n 0 ok \n 0 invoke put "c" \n 0 ok \n 0 invoke get \n 0 ok "c"'],
    ['an unknown append', 'valid', '0 invoke append "a" \n 0 info \n 1 invoke get \n 1 ok "" \n 1 invoke get \n 1 ok "a"'],
    [
      'an unknown append seen and gone',
      'violated',
      '0 invoke append "a" \n 0 info \n 1 invoke get \n 1 ok "a" \n 1 invoke get \n 1 ok ""',
    ],
  ])('%s is %s', async (_, verdict, text) => expect(await check(text, { model })).toMatchObject({ verdict }));
});

describe('keys', () => {
  test('are independent; the one that is wrong is named', async () => {
    const result = await check(`
      0 invoke write 1 @a
      1 invoke write 2 @b
      0 ok
      1 ok
      0 invoke read @a
      1 invoke read @b
      0 ok 1
      1 ok 1`);
    expect(result).toMatchObject({ verdict: 'violated', partitions: 2, operations: 4, explanation: { key: 'b' } });
  });
});

/** Each value is written twice, all at once, and then read one after the other: 3^20 sets of writes to try. */
const HARD = (() => {
  const values = Array.from({ length: 20 }, (_, value) => value);
  const writes = values.flatMap((value) => [`${2 * value} invoke write ${value}`, `${2 * value + 1} invoke write ${value}`]);
  const returns = values.flatMap((value) => [`${2 * value} ok`, `${2 * value + 1} ok`]);
  const reads = values.flatMap((value) => ['100 invoke read', `100 ok ${value}`]);
  return [...writes, ...returns, ...reads].join('\n');
})();

/** Time passes with every look at it. */
class TickingClock extends VirtualClock {
  override now(): number {
    this.advance(1);
    return super.now();
  }
}

describe('unknown', () => {
  test('an empty history', async () => {
    expect(await check('')).toMatchObject({ verdict: 'unknown', reason: 'the history has no operations', operations: 0 });
  });

  test('a history without success', async () => {
    const text = '0 invoke write 1 \n 0 info \n 1 invoke read \n 1 fail \n 2 invoke write 2';
    expect(await check(text)).toMatchObject({ verdict: 'unknown', reason: 'no operation succeeded', operations: 3 });
  });

  test('the time is up', async () => {
    const result = await check(HARD, { clock: new TickingClock(), timeLimitMs: 20 });
    expect(result).toMatchObject({ verdict: 'unknown', reason: 'no answer within 20.0ms for 1 of 1 keys' });
  });

  test('the memory is used up', async () => {
    const result = await check(HARD, { maxCacheBytes: 1_000_000 });
    expect(result).toMatchObject({ verdict: 'unknown', reason: 'key (only one): more configurations than fit in 1 MiB' });
  });

  test('but a violation of another key is found all the same', async () => {
    const text = `${HARD} \n 200 invoke write 1 @z \n 200 ok \n 200 invoke write 2 @z \n 200 ok \n 200 invoke read @z \n 200 ok 1`;
    const result = await check(text, { maxCacheBytes: 1_000_000 });
    expect(result).toMatchObject({ verdict: 'violated', partitions: 2, explanation: { key: 'z' } });
    expect(await check(text, { clock: new TickingClock(), timeLimitMs: 5 })).toMatchObject({ verdict: 'violated' });
  });
});

describe('the short cuts of the search', () => {
  // Steps, not time: the same on every machine. Without one of the short cuts these grow by orders of magnitude.
  test.each([
    ['many clients, every value unique', 30, { clients: 64, values: Number.POSITIVE_INFINITY, operations: 5_000 }],
    ['few values, some outcomes unknown', 6, { clients: 10, values: 5, operations: 5_000, unknownRate: 0.01 }],
    ['few values, many outcomes unknown', 4, { clients: 20, values: 5, operations: 2_000, unknownRate: 0.3 }],
    ['unique values, many unknown', 25, { clients: 20, values: Number.POSITIVE_INFINITY, operations: 2_000, unknownRate: 0.3 }],
  ])('%s: at most %d steps an operation', async (_, limit, options) => {
    for (const seed of [1, 2, 3]) {
      const operations = await pairOperations(simulateRegisters({ random: new Random(seed), ...options }));
      const result = await checkLinearizability(operations, { model: registerModel() });
      expect(result.verdict).toBe('valid');
      expect(result.steps / operations.length).toBeLessThan(limit);
    }
  });
});

describe('a long check', () => {
  test('reports its progress and lets others work meanwhile', async () => {
    const events = simulateRegisters({ random: new Random(1), operations: 60_000, clients: 10, keys: 100, values: 5 });
    const reports: LinearizabilityProgress[] = [];
    let turns = 0;
    let busy = true;
    const count = () => {
      turns++;
      if (busy) setImmediate(count);
    };
    count();
    const operations = await pairOperations(events);
    turns = 0;
    const result = await checkLinearizability(operations, {
      model: registerModel(),
      onProgress: (progress) => reports.push(progress),
    });
    busy = false;
    expect(result).toMatchObject({ verdict: 'valid', operations: 60_000, partitions: 100 });
    expect(reports.at(-1)).toEqual({
      partitionsDone: 100,
      partitions: 100,
      operationsDone: 60_000,
      operations: 60_000,
      steps: result.steps,
    });
    expect(reports.length).toBeGreaterThan(1);
    expect(turns).toBeGreaterThan(1);
  });

  test('can be aborted', async () => {
    const controller = new AbortController();
    const checking = check(HARD, { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
    await expect(checking).rejects.toThrow('enough');
  });

  test('refuses budgets that are none', async () => {
    await expect(check('', { timeLimitMs: 0 })).rejects.toThrow('timeLimitMs must be > 0, not 0');
    await expect(check('', { maxCacheBytes: Number.NaN })).rejects.toThrow('maxCacheBytes must be > 0, not NaN');
  });
});
