// Runs microbenchmark suites one after another. Whatever goes wrong in one of them becomes a failed entry of the results and
// never costs the others.

import { setImmediate } from 'node:timers';
import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Microbenchmark } from '../result/schema.ts';
import { primeLoops } from './batch.ts';
import type { Benchmark, PreparedSuite, Suite } from './benchmark.ts';
import { failed, measure } from './measure.ts';

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

export interface MicroProgress {
  /** suite/name of the benchmark that begins (`result` absent) or has ended. */
  readonly id: string;
  /** Position of the suite, from 0, and how many there are. */
  readonly suiteIndex: number;
  readonly suiteCount: number;
  /** Position of the benchmark among those of its suite that pass the filter. */
  readonly benchmarkIndex: number;
  readonly benchmarkCount: number;
  readonly result?: Microbenchmark;
}

export interface MicroOptions {
  /** For each benchmark: warm-up and samples, milliseconds, > 0. Default 500. */
  readonly timeBudgetMs?: number;
  /** When a benchmark that hangs is given up. Default 10 s, or 20 budgets if that is more. */
  readonly timeLimitMs?: number;
  /** Text that 'suite/name' contains, or an expression that it matches. Default: all. */
  readonly filter?: string | RegExp;
  readonly clock?: Clock;
  readonly onProgress?: (progress: MicroProgress) => void;
  /** Ends the run; what has finished is returned. */
  readonly signal?: AbortSignal;
}

/**
 * Measures every benchmark that passes the filter. A benchmark that fails is in the results with status 'failed'; so is
 * 'suite/prepare' or 'suite/close' when that threw, whatever the filter says. Throws RangeError for a bad time budget.
 */
export async function runSuites(suites: readonly Suite[], options: MicroOptions = {}): Promise<Microbenchmark[]> {
  const { timeBudgetMs = 500, clock = systemClock, signal = new AbortController().signal } = options;
  if (!(timeBudgetMs > 0 && timeBudgetMs < Infinity)) throw new RangeError(`timeBudgetMs must be > 0, not ${timeBudgetMs}`);
  const { timeLimitMs = Math.max(10_000, 20 * timeBudgetMs) } = options;
  primeLoops();
  const results: Microbenchmark[] = [];
  for (const [suiteIndex, suite] of suites.entries()) {
    if (signal.aborted) break;
    await withPrepared(suite, results, async (prepared) => {
      const benchmarks = selected(suite, prepared, options.filter, results);
      for (const [benchmarkIndex, benchmark] of benchmarks.entries()) {
        const id = idOf(suite, benchmark);
        const place = { id, suiteIndex, suiteCount: suites.length, benchmarkIndex, benchmarkCount: benchmarks.length };
        options.onProgress?.(place);
        // Synchronous benchmarks never let the event loop turn; an interrupt must get a chance between them.
        await new Promise((resolve) => setImmediate(resolve));
        const result = await measure(id, benchmark, { timeBudgetMs, timeLimitMs, clock, signal });
        if (result === undefined) return;
        results.push(result);
        options.onProgress?.({ ...place, result });
      }
    });
  }
  return results;
}

async function withPrepared(suite: Suite, results: Microbenchmark[], use: (prepared: PreparedSuite) => Promise<void>) {
  let prepared: PreparedSuite;
  try {
    prepared = await suite.prepare();
  } catch (error) {
    results.push(failed(`${suite.name}/prepare`, error));
    return;
  }
  try {
    await use(prepared);
  } finally {
    try {
      await prepared.close?.();
    } catch (error) {
      results.push(failed(`${suite.name}/close`, error));
    }
  }
}

/** Those that pass the filter. Misnamed ones become failed results: what reads a result finds a benchmark by its name. */
function selected(
  suite: Suite,
  { benchmarks }: PreparedSuite,
  filter: MicroOptions['filter'],
  results: Microbenchmark[],
): Benchmark[] {
  const names = new Set<string>();
  return benchmarks.filter((benchmark) => {
    const id = idOf(suite, benchmark);
    if (names.has(benchmark.name)) {
      results.push(failed(id, new Error(`the suite has two benchmarks of this name`)));
      return false;
    }
    names.add(benchmark.name);
    if (!NAME.test(benchmark.name)) {
      results.push(failed(id, new Error(`a name is lower case words joined with '-', not '${benchmark.name}'`)));
      return false;
    }
    // search() ignores the state that test() keeps in an expression with the flag g.
    return filter === undefined || (typeof filter === 'string' ? id.includes(filter) : id.search(filter) >= 0);
  });
}

export function idOf(suite: Suite, benchmark: Benchmark): string {
  return `${suite.name}/${benchmark.name}`;
}
