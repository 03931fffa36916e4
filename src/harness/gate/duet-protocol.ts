// What the gate and the processes that run a benchmark for it say to one another, as messages over IPC: one command, one answer.

import type { Counts } from '../micro/benchmark.ts';
import type { Injection } from './injection.ts';

export type DuetCommand =
  /** Answered by `listed`, without suites of whose benchmarks none can have such an id. The process serves nothing but `close` after it. */
  | { readonly do: 'list'; readonly filter: string }
  /** Loads one suite and prepares it. Answered by `prepared`, or by `missing` when the suite has no such benchmark. */
  | { readonly do: 'prepare'; readonly suite: string; readonly name: string }
  /** Answered by `calibrated`. */
  | { readonly do: 'calibrate' }
  /** Runs batches until the code is compiled. Answered by `warm`. */
  | { readonly do: 'warm'; readonly calls: number; readonly injected?: Injected }
  /** Whether the benchmark does anything at all. Answered by `works`, or by `failed`. */
  | { readonly do: 'check-work'; readonly calls: number }
  /** Answered by `counted`. */
  | { readonly do: 'count' }
  /** Answered by `calibrated-injection`. */
  | { readonly do: 'calibrate-injection'; readonly calls: number; readonly injection: Injection }
  /** Times one batch. Answered by `sampled`. */
  | { readonly do: 'sample'; readonly calls: number; readonly injected?: Injected }
  /** Closes the suite and ends. Answered by `closed`. */
  | { readonly do: 'close' };

export interface Injected {
  readonly injection: Injection;
  readonly units: number;
}

export type DuetAnswer =
  | { readonly is: 'listed'; readonly suites: readonly ListedSuite[] }
  | { readonly is: 'prepared' }
  | { readonly is: 'missing' }
  | { readonly is: 'calibrated'; readonly calls: number }
  | { readonly is: 'warm' }
  | { readonly is: 'works' }
  | { readonly is: 'counted'; readonly counts?: Counts }
  /** How much of its work takes as long as a batch. */
  | { readonly is: 'calibrated-injection'; readonly units: number }
  | { readonly is: 'sampled'; readonly sample: Sample }
  | { readonly is: 'closed' }
  | { readonly is: 'failed'; readonly error: string };

export interface Sample {
  /** Per operation. */
  readonly nanoseconds: number;
  /** The process lost its core meanwhile to somebody who wanted it too: that time is in the sample. */
  readonly preempted: boolean;
}

export interface ListedSuite {
  readonly name: string;
  readonly benchmarks: readonly string[];
  /** Why they are not known. */
  readonly error?: string;
}
