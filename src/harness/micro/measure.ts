// Measures one benchmark with tinybench, used so that its numbers mean something: a sample is a batch of about 2 ms (a
// single call would be measured together with the clock), their number is bounded by time (it keeps every one), and of its
// results we take the samples and make medians of them (it reports throughput as the mean of reciprocals).

import { Bench, type Task } from 'tinybench';
import { isDeepStrictEqual } from 'node:util';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../../runtime/clock.ts';
import type { Microbenchmark } from '../result/schema.ts';
import { batchOf, calibrate, emptySink, timesAnEmptyCall } from './batch.ts';
import type { Benchmark, Counts } from './benchmark.ts';
import { summarise } from './statistics.ts';

/** The share of the budget for finding the size of a batch and for compiling. */
const WARM_UP_SHARE = 0.25;

/** Fewer than 6 samples have no 95 % interval of their median. */
const LEAST_SAMPLES = 6;

/** V8 counts allocations by buffers of this size, handed out to the code. */
const ALLOCATION_STEP_BYTES = 256 * 1_024;

/** Nothing that does work takes less. */
const LEAST_NANOSECONDS = 1;

/** No call of nothing takes as long, so that what does is not compared with one. */
const SURELY_WORK_NANOSECONDS = 100;

/** Work that adds less than a quarter to a call of nothing cannot be told from none. */
const LIKE_NOTHING = 1.25;

export interface MeasureOptions {
  /** For all of it: warm-up and samples. An operation slower than that is still sampled 6 times. */
  readonly timeBudgetMs: number;
  /** When a benchmark that has not ended by itself has failed. */
  readonly timeLimitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What was measured, or status 'failed' with the reason. Undefined when the signal was aborted meanwhile. */
export async function measure(id: string, benchmark: Benchmark, options: MeasureOptions): Promise<Microbenchmark | undefined> {
  const { clock, signal, timeLimitMs } = options;
  // Ends tinybench's loop also where we stop waiting for it, so that it does not go on beside the next benchmark.
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.schedule(timeLimitMs, () => stop.abort(new Error(`not finished after ${timeLimitMs} ms`)));
  try {
    if (signal.aborted) return undefined;
    const stopped = new Promise<never>((_, reject) => {
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error), { once: true });
    });
    return await Promise.race([measureUntil(id, benchmark, options, stop.signal), stopped]);
  } catch (error) {
    return signal.aborted ? undefined : failed(id, error);
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
    stop.abort();
    emptySink();
  }
}

export function failed(id: string, error: unknown): Microbenchmark {
  const text = error instanceof Error ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.message}` : String(error);
  return { id, status: 'failed', error: text, samples: 0, operationsPerSample: 0 };
}

async function measureUntil(
  id: string,
  benchmark: Benchmark,
  { timeBudgetMs, clock }: MeasureOptions,
  signal: AbortSignal,
): Promise<Microbenchmark> {
  await checkKind(benchmark);
  const calls = await calibrate(benchmark, clock, timeBudgetMs * WARM_UP_SHARE, signal);
  const { samplesMs, allocatedBytes } = await sample(benchmark, calls, timeBudgetMs * (1 - WARM_UP_SHARE), clock, signal);
  const operationsPerSample = calls * (benchmark.operationsPerCall ?? 1);
  const nanoseconds = summarise(samplesMs.map((ms) => (ms * 1e6) / operationsPerSample));
  const doubt = doubtOf(benchmark, nanoseconds.median, clock);
  if (doubt !== undefined) return { ...failed(id, new Error(doubt)), samples: samplesMs.length, operationsPerSample };
  const counts = await countTwice(benchmark);
  const heapBytesPerOperation = heapBytes(allocatedBytes, samplesMs.length * operationsPerSample);
  return {
    id,
    status: 'ok',
    nanoseconds,
    samples: samplesMs.length,
    operationsPerSample,
    operationsPerSecond: 1e9 / nanoseconds.median,
    ...(heapBytesPerOperation === undefined ? {} : { heapBytesPerOperation }),
    ...(counts === undefined ? {} : { counts }),
  };
}

/**
 * Why what was measured cannot have been work, with so many nanoseconds per operation. An asynchronous call is not compared with one of nothing: it can be as fast as that,
 * when what it answers with is there already.
 */
export function doubtOf(benchmark: Benchmark, median: number, clock: Clock): string | undefined {
  if (median < LEAST_NANOSECONDS) return `${median.toPrecision(2)} ns per operation is less than any work takes: optimised away?`;
  const isSurelyWork = median * (benchmark.operationsPerCall ?? 1) >= SURELY_WORK_NANOSECONDS;
  if (benchmark.kind === 'async' || isSurelyWork) return undefined;
  const times = timesAnEmptyCall(benchmark, clock);
  if (times > LIKE_NOTHING) return undefined;
  return `a call takes ${times.toFixed(2)} times as long as one that does nothing: optimised away?`;
}

/** Counts are compared exactly, so one that varies is worth nothing. */
export async function countTwice({ count }: Benchmark): Promise<Counts | undefined> {
  if (count === undefined) return undefined;
  const [first, second] = [await count(), await count()];
  if (isDeepStrictEqual(first, second)) return first;
  throw new Error(`counted ${JSON.stringify(first)}, and then ${JSON.stringify(second)}: what is counted must be deterministic`);
}

export async function checkKind({ operation, kind, operationsPerCall = 1 }: Benchmark): Promise<void> {
  if (!Number.isInteger(operationsPerCall) || operationsPerCall < 1) {
    throw new RangeError(`operationsPerCall must be an integer >= 1, not ${operationsPerCall}`);
  }
  const result = operation();
  if (kind === 'sync' && typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
    // Whether it fails is of no interest any more.
    await Promise.resolve(result).catch(() => undefined);
    throw new TypeError("declared 'sync', but it returned a promise: only starting the work would be measured");
  }
  await result;
}

async function sample(benchmark: Benchmark, calls: number, budgetMs: number, clock: Clock, signal: AbortSignal) {
  const allocated = { before: 0, after: 0 };
  const bench = new Bench({
    time: budgetMs,
    iterations: LEAST_SAMPLES,
    // The calibration has warmed it up; this is for tinybench's own loop.
    warmupTime: 0,
    warmupIterations: 2,
    now: () => clock.now(),
    retainSamples: true,
    signal,
  });
  bench.add('batch', batchOf(benchmark, calls), {
    async: benchmark.kind === 'async',
    beforeAll: () => void (allocated.before = getHeapStatistics().total_allocated_bytes),
    afterAll: () => void (allocated.after = getHeapStatistics().total_allocated_bytes),
  });
  const [task] = benchmark.kind === 'async' ? await bench.run() : bench.runSync();
  return { samplesMs: samplesOf(task), allocatedBytes: allocated.after - allocated.before };
}

/** tinybench reports a failure as a state of the task, which is easily overlooked. Milliseconds. */
function samplesOf(task: Task | undefined): readonly number[] {
  const result = task?.result;
  if (result?.state === 'errored') throw result.error;
  const samples = result?.state === 'completed' ? result.latency.samples : undefined;
  if (samples === undefined) throw new Error(`tinybench measured nothing: the task is ${result?.state ?? 'missing'}`);
  return samples;
}

/** Undefined when so little was allocated, in so few operations, that the step in which V8 counts hides it. */
function heapBytes(allocatedBytes: number, operations: number): number | undefined {
  // Absent before Node 26.
  if (!Number.isFinite(allocatedBytes)) return undefined;
  const perOperation = Math.max(0, allocatedBytes) / operations;
  const uncertainty = ALLOCATION_STEP_BYTES / operations;
  return uncertainty <= Math.max(1, perOperation / 10) ? Math.round(perOperation) : undefined;
}
