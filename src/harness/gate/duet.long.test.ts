// Rounds on benchmarks whose ratio is known, in real processes; and what goes wrong in them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { known } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { processesNaming } from '../launch/testing/processes.ts';
import { listBenchmarks, prepareBenchmark } from './benchmarks.ts';
import { coresOf, moveToCore, pinnableCores, pinned } from './cores.ts';
import { DuetProcess } from './duet-process.ts';
import { medianOf, playDuet, roundOf } from './duet.ts';
import { GatedRepository } from './testing/gated-repository.ts';

const BROKEN = { empty: 'return 1', broken: "throw new Error('out of order')", hung: 'process.exit(3)' };

function surroundings() {
  const abort = new AbortController();
  const [core, spareCore] = pinnableCores();
  return { abort, clock: systemClock, signal: abort.signal, random: new Random(1), core, spareCore };
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
    const { spareCore, ...around } = surroundings();
    // Side by side, or one after the other.
    const samples = await playDuet(duet, { ...around, random: new Random(round), ...(round > 0 && { spareCore }) });
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

test('a sample in which somebody else had the core is told from one with garbage to collect', async () => {
  using both = new GatedRepository();
  both.write({ steps: 1, messages: 1, more: { garbage: 'return Array.from({ length: 2_000 }, () => ({}))' } });
  const { abort: _abort, random: _random, spareCore: _spareCore, ...around } = surroundings();
  await using cleanup = new AsyncDisposableStack();
  const process = new DuetProcess({ ...around, side: 'base', folder: both.bench });
  cleanup.defer(() => process.close());
  await process.ask({ do: 'prepare', suite: 'work', name: 'garbage' }, 'prepared');
  const { calls } = await process.ask({ do: 'calibrate' }, 'calibrated');
  const until = async (preempted: boolean) => {
    while ((await process.ask({ do: 'sample', calls }, 'sampled')).sample.preempted !== preempted);
  };
  await until(false);
  const [command, words] = pinned(around.core, 'sh', ['-c', 'while :; do :; done']);
  const neighbour = spawn(command, words, { stdio: 'ignore' });
  try {
    await until(true);
  } finally {
    neighbour.kill('SIGKILL');
  }
  await until(false);
  expect(calls).toBeGreaterThan(0);
});

const HAS_TWO_CORES = pinnableCores().length > 1;
if (!HAS_TWO_CORES)
  process.stderr.write(
    '\n!!! SKIPPED: moving a process to another core was NOT tested: fewer than two cores to pin to, or no taskset\n\n',
  );

test.skipIf(!HAS_TWO_CORES)('a process is moved to another core with its threads and with what it has started', async () => {
  const [from = 0, to = 0] = pinnableCores();
  const text = `
    new (require('node:worker_threads').Worker)('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true }).on('online', () => {
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'console.log(1); process.stdin.resume()']);
      child.stdout.once('data', () => console.log(child.pid));
    });`;
  const child = spawn('taskset', ['-c', String(from), process.execPath, '-e', text], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pids = [known(child.pid, 'it was started'), Number(line.toString())];
    const allowed = () => [
      ...new Set(
        pids.flatMap((pid) =>
          readdirSync(`/proc/${pid}/task`).map(
            (thread) => /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))?.[1],
          ),
        ),
      ),
    ];
    expect(allowed()).toEqual([String(from)]);
    expect(await moveToCore(known(pids[0], 'the first'), to)).toBeUndefined();
    expect(allowed()).toEqual([String(to)]);
    expect(await moveToCore(known(pids[0], 'the first'), 9_999)).toMatch(/taskset/);
  } finally {
    child.kill('SIGKILL');
  }
});

test('cores are read as Linux writes them', () => {
  expect(coresOf('0-3,8')).toEqual([0, 1, 2, 3, 8]);
  expect(coresOf('5')).toEqual([5]);
  expect(coresOf('')).toEqual([]);
  expect(pinned(undefined, 'node', ['x'])).toEqual(['node', ['x']]);
  expect(pinned(2, 'node', ['x'])).toEqual(['taskset', ['-c', '2', 'node', 'x']]);
});
