// The program that runs the benchmarks of one tree for the gate, which tells it when. It is that of the Windtunnel that gates, so that
// trees can be gated that know of no gate: of a tree it needs the folder of suites, and of a suite what it always had.
//
// Started as `node duet-program.ts FOLDER`, with an IPC channel. It ends when the channel does.

import { existsSync } from 'node:fs';
import { join, parse } from 'node:path';
import { assert, known, unreachable } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import { freshSeed, Random } from '../../runtime/random.ts';
import { batchOf, calibrate, emptySink, primeLoops } from '../micro/batch.ts';
import type { Benchmark, PreparedSuite } from '../micro/benchmark.ts';
import { loadSuite, SuiteError, suiteFiles } from '../micro/discover.ts';
import { checkKind, countTwice, doubtOf, failed } from '../micro/measure.ts';
import type { DuetAnswer, DuetCommand, Injected, ListedSuite, Sample } from './duet-protocol.ts';
import { injectedWork, unitsPerBatch } from './injection.ts';
import { wasPreempted } from './preemption.ts';

/** A timer interrupt costs a few us, a message between samples disturbs the caches: against 3 ms neither counts. */
const SAMPLE_MS = 3;

const CALIBRATION_MS = 120;

/**
 * Of work, after which the code of a benchmark is compiled. Of this process's work, not of time: on a busy machine it may have done none in
 * that time. What waits more than it works is warm after several times as long.
 */
const WARM_UP_MS = 100;
const LONGEST_WARM_UP_MS = 8 * WARM_UP_MS;

const clock = systemClock;
const folder = known(process.argv[2], 'the folder of suites is the argument');
// Chance decides only which batches an injected tail falls into.
const random = new Random(freshSeed());
const never = new AbortController().signal;

let prepared: PreparedSuite | undefined;
let benchmark: Benchmark | undefined;

async function list(filter: string): Promise<ListedSuite[]> {
  const listed: ListedSuite[] = [];
  for (const file of (await suiteFiles(folder)).filter((each) => canContain(parse(each).name, filter))) {
    const suite = await loadSuite(file);
    try {
      const ready = await suite.prepare();
      listed.push({ name: suite.name, benchmarks: ready.benchmarks.map(({ name }) => name) });
      await ready.close?.();
    } catch (error) {
      listed.push({ name: suite.name, benchmarks: [], error: textOf(error) });
    }
  }
  return listed;
}

/** Whether a benchmark of the suite can have `filter` in its 'suite/name': what takes long to prepare is not, when it cannot. */
function canContain(suiteName: string, filter: string): boolean {
  const slash = filter.indexOf('/');
  return slash < 0 || suiteName.endsWith(filter.slice(0, slash));
}

async function prepare(suiteName: string, name: string): Promise<DuetAnswer> {
  // A suite has the name of its file.
  const file = ['ts', 'js'].map((extension) => join(folder, `${suiteName}.${extension}`)).find(existsSync);
  if (file === undefined) throw new SuiteError(`there is no ${suiteName}.ts in ${folder}: a suite has the name of its file`);
  primeLoops();
  prepared = await (await loadSuite(file)).prepare();
  benchmark = prepared.benchmarks.find((each) => each.name === name);
  if (benchmark === undefined) return { is: 'missing' };
  await checkKind(benchmark);
  return { is: 'prepared' };
}

async function warm(calls: number, injected?: Injected): Promise<void> {
  const batch = batchOf(theBenchmark(), calls);
  const startedMs = clock.now();
  const started = process.cpuUsage();
  const workedMs = () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1_000;
  };
  do {
    await batch();
    if (injected !== undefined) injectedWork(injected.injection, injected.units, calls, random)();
  } while (workedMs() < WARM_UP_MS && clock.now() - startedMs < LONGEST_WARM_UP_MS);
}

async function sample(calls: number, work: (() => void) | undefined): Promise<Sample> {
  const each = theBenchmark();
  const batch = batchOf(each, calls);
  const before = process.resourceUsage();
  const startMs = clock.now();
  // Awaiting what is no promise would take a turn of the queue.
  if (each.kind === 'async') await batch();
  else void batch();
  work?.();
  const elapsedMs = clock.now() - startMs;
  return {
    nanoseconds: (elapsedMs * 1e6) / (calls * (each.operationsPerCall ?? 1)),
    preempted: wasPreempted(elapsedMs, before, process.resourceUsage()),
  };
}

function theBenchmark(): Benchmark {
  assert(benchmark !== undefined, 'it was prepared');
  return benchmark;
}

async function carryOut(command: DuetCommand): Promise<DuetAnswer> {
  switch (command.do) {
    case 'list':
      return { is: 'listed', suites: await list(command.filter) };
    case 'prepare':
      return prepare(command.suite, command.name);
    case 'calibrate':
      await warm(1);
      return { is: 'calibrated', calls: await calibrate(theBenchmark(), clock, CALIBRATION_MS, never, SAMPLE_MS) };
    case 'warm':
      await warm(command.calls, command.injected);
      return { is: 'warm' };
    case 'check-work': {
      await warm(command.calls);
      const doubt = doubtOf(theBenchmark(), (await sample(command.calls, undefined)).nanoseconds, clock);
      if (doubt !== undefined) throw new Error(doubt);
      return { is: 'works' };
    }
    case 'count': {
      const counts = await countTwice(theBenchmark());
      return { is: 'counted', ...(counts !== undefined && { counts }) };
    }
    case 'calibrate-injection': {
      const units = await unitsPerBatch(command.injection, batchOf(theBenchmark(), command.calls), clock);
      return { is: 'calibrated-injection', units };
    }
    case 'sample': {
      const { calls, injected } = command;
      const work = injected && injectedWork(injected.injection, injected.units, calls, random);
      return { is: 'sampled', sample: await sample(calls, work) };
    }
    case 'close':
      emptySink();
      await prepared?.close?.();
      return { is: 'closed' };
    default:
      return unreachable(command);
  }
}

function textOf(error: unknown): string {
  return failed('', error).error ?? 'no reason given';
}

function answer(message: DuetAnswer, then: () => void = () => {}): void {
  process.send?.(message, then);
}

process.on('message', (command: DuetCommand) => {
  carryOut(command).then(
    (message) => answer(message, command.do === 'close' ? () => process.exit(0) : undefined),
    (error: unknown) => answer({ is: 'failed', error: textOf(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
