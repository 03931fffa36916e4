// A microbenchmark of the gate: each round is a duet.

import { assert } from '../../runtime/assert.ts';
import type { CountComparison } from '../result/comparison.ts';
import { compareCounts } from '../compare/microbenchmarks.ts';
import { type PreparedBenchmark, prepareBenchmark } from './benchmarks.ts';
import type { Contest, Metric, Pair, RoundKind, Surroundings } from './contest.ts';
import { type Duet, type DuetSamples, medianOf, playDuet } from './duet.ts';
import type { Injection } from './injection.ts';

export interface BenchmarkContestOptions {
  readonly folders: Duet['folders'];
  /** What HEAD is slowed down by on purpose. */
  readonly injection: Injection | undefined;
  /** Told the samples of every round, for who judges them otherwise. */
  readonly onRound?: (which: RoundKind, samples: DuetSamples) => void;
}

export class BenchmarkContest implements Contest {
  readonly kind = 'microbenchmark';
  readonly id: string;
  readonly metrics: readonly Metric[];
  readonly #options: BenchmarkContestOptions;
  #prepared: PreparedBenchmark | undefined;

  /** @param id 'suite/name' */
  constructor(id: string, options: BenchmarkContestOptions) {
    this.id = id;
    this.metrics = [{ id, unit: 'ns', better: 'lower' }];
    this.#options = options;
  }

  /** In a sample; undefined before the first round. */
  get calls(): number | undefined {
    return this.#prepared?.duet.calls;
  }

  /** Of what the benchmark counts; empty where it counts nothing, and before the first round. */
  get counts(): CountComparison[] {
    const { base, head } = this.#prepared?.counts ?? {};
    if (base === undefined || head === undefined) return [];
    const mutable = ({ operations, counted }: typeof base) => ({ operations, counted: { ...counted } });
    return compareCounts([
      { id: this.id, counts: mutable(base) },
      { id: this.id, counts: mutable(head) },
    ]);
  }

  async play(which: RoundKind, surroundings: Surroundings): Promise<readonly Pair[]> {
    const { folders, injection, onRound } = this.#options;
    this.#prepared ??= await prepareBenchmark(this.id, folders, injection, surroundings);
    const samples = await playDuet(this.#prepared.duet, surroundings);
    const pair = { base: medianOf(samples.base), head: medianOf(samples.head) };
    assert(pair.base > 0 && pair.head > 0, `${this.id} took no time`);
    onRound?.(which, samples);
    return [pair];
  }
}
