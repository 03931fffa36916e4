// Which benchmarks both trees have, and what is to be known of each before its first round.

import type { Counts } from '../micro/benchmark.ts';
import type { Surroundings } from './contest.ts';
import type { Duet, Side } from './duet.ts';
import { DuetError, DuetProcess } from './duet-process.ts';
import type { ListedSuite } from './duet-protocol.ts';
import type { Injection } from './injection.ts';

export interface BenchmarkList {
  /** 'suite/name', in HEAD's order. */
  readonly both: readonly string[];
  /** In HEAD only. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

type Folders = Duet['folders'];

/** @throws DuetError when a folder has no suites, or one that cannot be prepared */
export async function listBenchmarks(
  folders: Folders,
  filter: string | undefined,
  surroundings: Surroundings,
): Promise<BenchmarkList> {
  const of = async (side: Side) => {
    const suites = await listed(side, folders[side], filter ?? '', surroundings);
    const ids = suites.flatMap(({ name, benchmarks }) => benchmarks.map((benchmark) => `${name}/${benchmark}`));
    return filter === undefined ? ids : ids.filter((id) => id.includes(filter));
  };
  const [base, head] = [await of('base'), await of('head')];
  return {
    both: head.filter((id) => base.includes(id)),
    added: head.filter((id) => !base.includes(id)),
    removed: base.filter((id) => !head.includes(id)),
  };
}

async function listed(
  side: Side,
  folder: string,
  filter: string,
  { clock, signal }: Surroundings,
): Promise<readonly ListedSuite[]> {
  await using cleanup = new AsyncDisposableStack();
  const process = new DuetProcess({ side, folder, core: undefined, clock, signal });
  cleanup.defer(() => process.close());
  const { suites } = await process.ask({ do: 'list', filter }, 'listed');
  for (const { name, error } of suites)
    if (error !== undefined) throw new DuetError(`the suite '${name}' of ${side} cannot be prepared: ${error}`);
  return suites;
}

export interface PreparedBenchmark {
  readonly duet: Duet;
  /** What so many operations amount to, where the benchmark counts something. */
  readonly counts: Readonly<Record<Side, Counts | undefined>>;
}

/**
 * Finds the size of a batch, on BASE, for both; counts on both; and finds how much work to inject, on HEAD.
 * @throws DuetError, also when either side does nothing: as fast as that is no improvement
 */
export async function prepareBenchmark(
  id: string,
  folders: Folders,
  injection: Injection | undefined,
  surroundings: Surroundings,
): Promise<PreparedBenchmark> {
  const [suite = '', name = ''] = id.split('/', 2);
  const on = async <T>(side: Side, use: (process: DuetProcess) => Promise<T>): Promise<T> => {
    await using cleanup = new AsyncDisposableStack();
    const process = new DuetProcess({ ...surroundings, side, folder: folders[side] });
    cleanup.defer(() => process.close());
    await process.ask({ do: 'prepare', suite, name }, 'prepared');
    return await use(process);
  };
  const base = await on('base', async (process) => {
    const { calls } = await process.ask({ do: 'calibrate' }, 'calibrated');
    await process.ask({ do: 'check-work', calls }, 'works');
    return { calls, counts: (await process.ask({ do: 'count' }, 'counted')).counts };
  });
  const { calls } = base;
  const head = await on('head', async (process) => {
    await process.ask({ do: 'check-work', calls }, 'works');
    const { counts } = await process.ask({ do: 'count' }, 'counted');
    if (injection === undefined) return { counts };
    const { units } = await process.ask({ do: 'calibrate-injection', calls, injection }, 'calibrated-injection');
    return { counts, injected: { injection, units } };
  });
  return {
    duet: { folders, suite, name, calls, injected: head.injected },
    counts: { base: base.counts, head: head.counts },
  };
}
