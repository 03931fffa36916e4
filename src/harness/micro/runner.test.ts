import type { Microbenchmark } from '../result/schema.ts';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import type { Benchmark, Suite } from './benchmark.ts';
import { type MicroOptions, type MicroProgress, runSuites } from './runner.ts';

/** A suite that counts how often it was closed. */
function suiteOf(name: string, ...benchmarks: readonly Benchmark[]): Suite & { closed: number } {
  const suite = {
    name,
    closed: 0,
    prepare: () => ({
      benchmarks,
      close: () => {
        suite.closed++;
      },
    }),
  };
  return suite;
}

/** An operation that takes exactly `ms` of virtual time. */
function taking(clock: VirtualClock, ms: number, name = 'work', more: Partial<Benchmark> = {}): Benchmark {
  const operation = () => {
    clock.advance(ms);
    return clock.now();
  };
  return { name, kind: 'sync', operation, ...more };
}

const failing = (error: unknown, name = 'broken', kind: Benchmark['kind'] = 'sync'): Benchmark => ({
  name,
  kind,
  operation: () => {
    if (kind === 'async') return Promise.reject(error);
    throw error;
  },
});

async function run(suites: readonly Suite[], options: MicroOptions = {}) {
  return runSuites(suites, { clock: new VirtualClock(), timeBudgetMs: 100, ...options });
}

describe('measuring', () => {
  test('an operation of 0.1 ms is measured as 100,000 ns, in batches of 2 ms, within the budget', async () => {
    const clock = new VirtualClock();
    const [result] = await run([suiteOf('s', taking(clock, 0.1))], { clock, timeBudgetMs: 400 });
    expect(result).toMatchObject({ id: 's/work', status: 'ok', operationsPerSample: 20 });
    expect(result?.nanoseconds?.median).toBeCloseTo(100_000, 3);
    expect(result?.nanoseconds?.interval95[0]).toBeCloseTo(100_000, 3);
    expect(result?.nanoseconds?.mad).toBeLessThan(0.01);
    expect(result?.operationsPerSecond).toBeCloseTo(10_000, 3);
    // Three quarters of 400 ms in samples of 2 ms.
    expect(result?.samples).toBeGreaterThanOrEqual(149);
    expect(result?.samples).toBeLessThanOrEqual(151);
    expect(clock.now()).toBeLessThan(420);
    expect(clock.pendingTimers).toBe(0);
  });

  test('between the samples of a synchronous operation nothing else gets a turn', async () => {
    const clock = new VirtualClock();
    let [inTurn, most, goesOn] = [0, 0, false];
    const operation = () => {
      if (!goesOn) {
        inTurn = 0;
        queueMicrotask(() => (goesOn = false));
      }
      goesOn = true;
      most = Math.max(most, ++inTurn);
      clock.advance(0.1);
      return inTurn;
    };
    const [result] = await run([suiteOf('s', { name: 'work', kind: 'sync', operation })], { clock });
    expect(most).toBeGreaterThanOrEqual((result?.samples ?? NaN) * (result?.operationsPerSample ?? NaN));
  });

  test('asynchronous operations are awaited one after another', async () => {
    const clock = new VirtualClock();
    let underWay = 0;
    let most = 0;
    const operation = async () => {
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      clock.advance(0.5);
      underWay--;
      return most;
    };
    const [result] = await run([suiteOf('s', { name: 'work', kind: 'async', operation })], { clock });
    expect(result?.nanoseconds?.median).toBeCloseTo(500_000, 3);
    expect(result?.operationsPerSample).toBe(4);
    expect(most).toBe(1);
  });

  test('a call that performs 64 operations is divided among them', async () => {
    const clock = new VirtualClock();
    const [result] = await run([suiteOf('s', taking(clock, 0.64, 'batch', { operationsPerCall: 64 }))], { clock });
    expect(result?.nanoseconds?.median).toBeCloseTo(10_000, 3);
    expect(result?.operationsPerSample).toBe(3 * 64);
  });

  test('an operation slower than the budget is still sampled six times', async () => {
    const clock = new VirtualClock();
    const [result] = await run([suiteOf('s', taking(clock, 500))], { clock });
    expect(result).toMatchObject({ status: 'ok', samples: 6, operationsPerSample: 1 });
    expect(result?.nanoseconds?.median).toBeCloseTo(500e6, 0);
  });

  test('an operation that becomes ten times faster while it warms up is measured as it is then', async () => {
    const clock = new VirtualClock();
    let calls = 0;
    const operation = () => {
      clock.advance(calls++ < 500 ? 0.1 : 0.01);
      return calls;
    };
    const [result] = await run([suiteOf('s', { name: 'work', kind: 'sync', operation })], { clock, timeBudgetMs: 400 });
    expect(result?.nanoseconds?.median).toBeCloseTo(10_000, 3);
    expect(result?.operationsPerSample).toBe(200);
  });

  test('on the real clock, twenty times the work takes longer, and what is allocated is counted', async () => {
    const spin = (rounds: number) => () => {
      let x = rounds;
      for (let i = 0; i < rounds * 100; i++) x = (x * 1_103_515_245 + 12_345) & 0x7fffffff;
      return x;
    };
    const suite = suiteOf(
      'real',
      { name: 'short', kind: 'sync', operation: spin(1) },
      { name: 'long', kind: 'sync', operation: spin(20) },
      { name: 'allocating', kind: 'sync', operation: () => Array.from({ length: 100 }).fill(0) },
    );
    // On a busy machine it takes longer until there are enough samples: to tell what is allocated, and for medians of which neither
    // was taken while others had the core.
    const ratioOf = ([one, other]: readonly Microbenchmark[]) =>
      (other?.nanoseconds?.median ?? 0) / (one?.nanoseconds?.median ?? Infinity);
    let results: Microbenchmark[] = [];
    for (let timeBudgetMs = 100; timeBudgetMs <= 1_600; timeBudgetMs *= 2) {
      results = await runSuites([suite], { timeBudgetMs });
      if (results[2]?.heapBytesPerOperation !== undefined && ratioOf(results) > 4) break;
    }
    expect(results.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    const [short, long, allocating] = results;
    expect((long?.nanoseconds?.median as number) / (short?.nanoseconds?.median as number)).toBeGreaterThan(4);
    expect(short?.operationsPerSample).toBeGreaterThan(long?.operationsPerSample as number);
    // 100 elements of 8 bytes, the headers of the list and of its store.
    expect(allocating?.heapBytesPerOperation).toBeGreaterThanOrEqual(800);
    expect(allocating?.heapBytesPerOperation).toBeLessThan(2_500);
    expect(short?.heapBytesPerOperation ?? 0).toBeLessThan(16);
  });
});

describe('counts', () => {
  test('what a benchmark counts is in its result', async () => {
    const clock = new VirtualClock();
    const count = () => ({ operations: 10, counted: { messages: 40 } });
    const [result] = await run([suiteOf('s', taking(clock, 0.1, 'work', { count }))], { clock });
    expect(result).toMatchObject({ status: 'ok', counts: { operations: 10, counted: { messages: 40 } } });
  });

  test('one that comes out differently the second time fails', async () => {
    const clock = new VirtualClock();
    let messages = 40;
    const count = () => ({ operations: 10, counted: { messages: messages++ } });
    const [result] = await run([suiteOf('s', taking(clock, 0.1, 'work', { count }))], { clock });
    expect(result).toMatchObject({ status: 'failed', error: expect.stringContaining('what is counted must be deterministic') });
    expect(result?.error).toContain('{"messages":40}');
    expect(result?.error).toContain('{"messages":41}');
  });
});

describe('failures', () => {
  test('a benchmark that throws or rejects is failed with its message, and the others are measured', async () => {
    const clock = new VirtualClock();
    const suite = suiteOf(
      's',
      failing(new TypeError('no such thing')),
      failing(new Error('closed'), 'rejected', 'async'),
      taking(clock, 1),
    );
    const results = await run([suite], { clock });
    expect(results.map(({ id, status, error }) => ({ id, status, error }))).toEqual([
      { id: 's/broken', status: 'failed', error: 'TypeError: no such thing' },
      { id: 's/rejected', status: 'failed', error: 'closed' },
      { id: 's/work', status: 'ok', error: undefined },
    ]);
    expect(results[0]).not.toHaveProperty('nanoseconds');
    expect(suite.closed).toBe(1);
  });

  test('one that fails only while it is sampled is failed too', async () => {
    const clock = new VirtualClock();
    for (const kind of ['sync', 'async'] as const) {
      const startedMs = clock.now();
      const operation = () => {
        clock.advance(0.5);
        if (clock.now() - startedMs > 60) throw new Error('worn out');
        return kind === 'async' ? Promise.resolve(1) : 1;
      };
      const results = await run([suiteOf('s', { name: 'work', kind, operation })], { clock });
      expect(results).toEqual([{ id: 's/work', status: 'failed', error: 'worn out', samples: 0, operationsPerSample: 0 }]);
    }
  });

  test('a suite that cannot be prepared or closed is told, and the others run', async () => {
    const clock = new VirtualClock();
    const unprepared: Suite = { name: 'a', prepare: () => Promise.reject(new Error('port in use')) };
    const unclosed: Suite = {
      name: 'b',
      prepare: () => ({ benchmarks: [taking(clock, 1)], close: () => Promise.reject(new Error('still busy')) }),
    };
    const results = await run([unprepared, unclosed, suiteOf('c', taking(clock, 1))], { clock, filter: '/work' });
    expect(results.map(({ id, error }) => [id, error])).toEqual([
      ['a/prepare', 'port in use'],
      ['b/work', undefined],
      ['b/close', 'still busy'],
      ['c/work', undefined],
    ]);
  });

  test('work that takes no time is not believed', async () => {
    const clock = new VirtualClock();
    const [impossible] = await run([suiteOf('s', taking(clock, 0.1, 'work', { operationsPerCall: 1_000_000 }))], { clock });
    expect(impossible).toMatchObject({ status: 'failed', error: expect.stringContaining('0.10 ns per operation') as string });
    const [nothing] = await run([suiteOf('s', { name: 'nothing', kind: 'sync', operation: () => 1 })]);
    expect(nothing?.error).toContain('took no time: optimised away?');
  });

  test('work that was removed leaves a call like one of nothing, and is not believed either; little work is', async () => {
    const table = new Map(Array.from({ length: 100 }, (_, at) => [`key ${at}`, at]));
    let turn = 0;
    const suite = suiteOf(
      's',
      { name: 'removed', kind: 'sync', operation: () => void [1, 2, 3].length },
      { name: 'constant', kind: 'sync', operation: () => 1 },
      { name: 'little', kind: 'sync', operation: () => table.get(`key ${turn++ % 100}`) },
    );
    const verdicts: (readonly string[])[] = [];
    // Others that had the core all the time make anything look like work; they do not always have it.
    for (let attempt = 0; attempt < 10 && verdicts.at(-1)?.join() !== 'failed,failed,ok'; attempt++) {
      const results = await runSuites([suite], { timeBudgetMs: 60 });
      verdicts.push(results.map(({ status }) => status));
      for (const { error } of results.filter(({ status }) => status === 'failed'))
        expect(error).toMatch(/^a call takes \d\.\d\d times as long as one that does nothing: optimised away\?$/);
    }
    expect(verdicts.at(-1)).toEqual(['failed', 'failed', 'ok']);
    // Work is never taken for none, however busy the machine is.
    expect(verdicts.map(([, , little]) => little)).not.toContain('failed');
  });

  test("a promise from a benchmark declared 'sync' is refused, also when it is rejected", async () => {
    const results = await run([
      suiteOf(
        's',
        { name: 'resolved', kind: 'sync', operation: () => Promise.resolve(1) },
        { name: 'rejected', kind: 'sync', operation: () => Promise.reject(new Error('nobody listens')) },
      ),
    ]);
    expect(results.map(({ error }) => error)).toEqual([
      expect.stringContaining("declared 'sync', but it returned a promise"),
      expect.stringContaining("declared 'sync', but it returned a promise"),
    ]);
  });

  test('names that are no names, or taken, and a bad count of operations are refused by name', async () => {
    const clock = new VirtualClock();
    const suite = suiteOf(
      's',
      taking(clock, 1, 'Some Thing'),
      taking(clock, 1, 'twice'),
      taking(clock, 1, 'twice'),
      taking(clock, 1, 'none', { operationsPerCall: 0 }),
    );
    const failures = (await run([suite], { clock })).filter(({ status }) => status === 'failed');
    expect(failures.map(({ id, error }) => [id, error])).toEqual([
      ['s/Some Thing', "a name is lower case words joined with '-', not 'Some Thing'"],
      ['s/twice', 'the suite has two benchmarks of this name'],
      ['s/none', 'RangeError: operationsPerCall must be an integer >= 1, not 0'],
    ]);
  });

  test('one that hangs is given up, and the next is measured', async () => {
    const clock = new VirtualClock();
    const hanging: Benchmark = { name: 'hanging', kind: 'async', operation: () => new Promise(() => undefined) };
    const running = run([suiteOf('s', hanging, taking(clock, 1))], { clock, timeLimitMs: 3_000 });
    const progress = { isDone: false };
    void running.finally(() => (progress.isDone = true));
    while (!progress.isDone) await clock.advanceAsync(500);
    const results = await running;
    expect(results.map(({ id, error }) => [id, error])).toEqual([
      ['s/hanging', 'not finished after 3000 ms'],
      ['s/work', undefined],
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('a budget of %d ms is refused', async (timeBudgetMs) => {
    await expect(run([], { timeBudgetMs })).rejects.toThrow(`timeBudgetMs must be > 0, not ${timeBudgetMs}`);
  });
});

describe('choosing and stopping', () => {
  const names = async (filter: string | RegExp) => {
    const clock = new VirtualClock();
    const suites = [
      suiteOf('actor', taking(clock, 1, 'ask'), taking(clock, 1, 'tell')),
      suiteOf('raft', taking(clock, 1, 'ask')),
    ];
    return (await run(suites, { clock, filter })).map(({ id }) => id);
  };

  test('by text or by expression over suite and name', async () => {
    expect(await names('ask')).toEqual(['actor/ask', 'raft/ask']);
    expect(await names('actor/')).toEqual(['actor/ask', 'actor/tell']);
    expect(await names(/^raft\/|tell$/)).toEqual(['actor/tell', 'raft/ask']);
    // A global expression remembers where it was; the choice must not.
    expect(await names(/ask/g)).toEqual(['actor/ask', 'raft/ask']);
    expect(await names('nothing-like-it')).toEqual([]);
  });

  test('progress tells what begins and what has ended', async () => {
    const clock = new VirtualClock();
    const seen: MicroProgress[] = [];
    const suites = [suiteOf('a', taking(clock, 1, 'x'), taking(clock, 1, 'y')), suiteOf('b', failing(new Error('no')))];
    await run(suites, { clock, onProgress: (progress) => seen.push(progress) });
    expect(
      seen.map(({ id, suiteIndex, benchmarkIndex, benchmarkCount, result }) => [
        id,
        suiteIndex,
        benchmarkIndex,
        benchmarkCount,
        result?.status,
      ]),
    ).toEqual([
      ['a/x', 0, 0, 2, undefined],
      ['a/x', 0, 0, 2, 'ok'],
      ['a/y', 0, 1, 2, undefined],
      ['a/y', 0, 1, 2, 'ok'],
      ['b/broken', 1, 0, 1, undefined],
      ['b/broken', 1, 0, 1, 'failed'],
    ]);
  });

  test('an abort keeps what has finished, closes the suite and starts no other', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const first = suiteOf('a', taking(clock, 1, 'x'), taking(clock, 1, 'y'));
    const second = suiteOf('b', taking(clock, 1, 'z'));
    const results = await run([first, second], {
      clock,
      signal: stop.signal,
      onProgress: ({ id, result }) => {
        if (id === 'a/y' && result === undefined) stop.abort();
      },
    });
    expect(results.map(({ id }) => id)).toEqual(['a/x']);
    expect([first.closed, second.closed]).toEqual([1, 0]);
  });

  test('an abort ends an operation that hangs', async () => {
    const stop = new AbortController();
    const hanging: Benchmark = {
      name: 'hanging',
      kind: 'async',
      operation: () => {
        setImmediate(() => stop.abort());
        return new Promise(() => undefined);
      },
    };
    const suite = suiteOf('s', hanging);
    expect(await run([suite], { signal: stop.signal })).toEqual([]);
    expect(suite.closed).toBe(1);
  });
});
