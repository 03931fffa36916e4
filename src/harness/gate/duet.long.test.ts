// Rounds on benchmarks whose ratio is known, in real processes; and what goes wrong in them.

import { expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { processesNaming } from '../launch/testing/processes.ts';
import { listBenchmarks, prepareBenchmark } from './benchmarks.ts';
import { coresOf, pinnableCores, pinned } from './cores.ts';
import { medianOf, playDuet, roundOf } from './duet.ts';
import { GatedRepository } from './testing/gated-repository.ts';

const BROKEN = { empty: 'return 1', broken: "throw new Error('out of order')", hung: 'process.exit(3)' };

function surroundings() {
  const abort = new AbortController();
  return { abort, clock: systemClock, signal: abort.signal, random: new Random(1), core: pinnableCores()[0] };
}

test('a round of a benchmark that does three times the work says so, whatever else the machine does', async () => {
  using base = new GatedRepository();
  using head = new GatedRepository();
  base.write({ steps: 200, messages: 40 });
  head.write({ steps: 600, messages: 50 });
  const folders = { base: base.bench, head: head.bench };
  const { duet, counts } = await prepareBenchmark('work/loop', folders, undefined, surroundings());
  expect(counts).toEqual({
    base: { operations: 10, counted: { messages: 40 } },
    head: { operations: 10, counted: { messages: 50 } },
  });
  expect(duet.calls).toBeGreaterThan(10);
  const rounds: number[] = [];
  for (let round = 0; round < 3; round++) {
    const samples = await playDuet(duet, { ...surroundings(), random: new Random(round) });
    expect(Math.min(samples.base.length, samples.head.length)).toBeGreaterThanOrEqual(8);
    rounds.push(roundOf(samples));
  }
  expect(Math.exp(medianOf(rounds))).toBeGreaterThan(1.5);
  expect(Math.exp(medianOf(rounds))).toBeLessThan(6);
  expect(processesNaming(base.bench)).toEqual([]);
  expect(processesNaming(head.bench)).toEqual([]);
});

test('what is injected into HEAD is in its samples, and not in those of BASE', async () => {
  using both = new GatedRepository();
  both.write({ steps: 300, messages: 1 });
  const folders = { base: both.bench, head: both.bench };
  for (const kind of ['work', 'allocation'] as const) {
    const { duet } = await prepareBenchmark('work/loop', folders, { kind, share: 1 }, surroundings());
    const rounds: number[] = [];
    for (let round = 0; round < 3; round++) rounds.push(roundOf(await playDuet(duet, surroundings())));
    // Twice as slow, by what the machine allows.
    expect(Math.exp(medianOf(rounds))).toBeGreaterThan(1.1);
    expect(Math.exp(medianOf(rounds))).toBeLessThan(4);
  }
});

test('what only one side has is listed apart', async () => {
  using base = new GatedRepository();
  using head = new GatedRepository();
  base.write({ steps: 1, messages: 1, more: { old: 'return 1' } });
  head.write({ steps: 1, messages: 1, more: { fresh: 'return 1' } });
  const folders = { base: base.bench, head: head.bench };
  expect(await listBenchmarks(folders, undefined, surroundings())).toEqual({
    both: ['work/loop'],
    added: ['work/fresh'],
    removed: ['work/old'],
  });
  expect((await listBenchmarks(folders, 'work/fr', surroundings())).both).toEqual([]);
  expect((await listBenchmarks(folders, 'other/', surroundings())).added).toEqual([]);
});

test('a benchmark that throws, one that does nothing, and a process that ends, are errors that name the side', async () => {
  using both = new GatedRepository();
  both.write({ steps: 1, messages: 1, more: BROKEN });
  const folders = { base: both.bench, head: both.bench };
  const prepare = (id: string) => prepareBenchmark(id, folders, undefined, surroundings());
  await expect(prepare('work/broken')).rejects.toThrow('in base: out of order');
  await expect(prepare('work/empty')).rejects.toThrow(/in base: .*: optimised away\?/);
  await expect(prepare('work/hung')).rejects.toThrow('the process of base ended (exit code 3)');
  await expect(prepare('work/nothing')).rejects.toThrow('base answered missing to prepare');
  await expect(prepare('nowhere/loop')).rejects.toThrow('there is no nowhere.ts');
  expect(processesNaming(both.bench)).toEqual([]);
});

test('an abort ends a round under way, and leaves no process', async () => {
  using both = new GatedRepository();
  both.write({ steps: 300, messages: 1 });
  const { abort, ...around } = surroundings();
  const folders = { base: both.bench, head: both.bench };
  const round = playDuet({ folders, suite: 'work', name: 'loop', calls: 1_000_000_000 }, around);
  while (processesNaming(both.bench).length === 0) await new Promise((turn) => setImmediate(turn));
  abort.abort(new Error('enough'));
  await expect(round).rejects.toThrow('enough');
  expect(processesNaming(both.bench)).toEqual([]);
});

test('cores are read as Linux writes them', () => {
  expect(coresOf('0-3,8')).toEqual([0, 1, 2, 3, 8]);
  expect(coresOf('5')).toEqual([5]);
  expect(coresOf('')).toEqual([]);
  expect(pinned(undefined, 'node', ['x'])).toEqual(['node', ['x']]);
  expect(pinned(2, 'node', ['x'])).toEqual(['taskset', ['-c', '2', 'node', 'x']]);
});
