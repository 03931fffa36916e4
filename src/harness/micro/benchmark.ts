// What a microbenchmark is. Files under bench/ export one Suite each as their default export; the runner finds them by name.

/** What so many operations amounted to. */
export interface Counts {
  /** At least 1. */
  readonly operations: number;
  /** By what is counted: 'messages', 'bytes', 'fsyncs'. Whole numbers. */
  readonly counted: Readonly<Record<string, number>>;
}

export interface Benchmark {
  /** Unique within its suite; lower case, words joined with '-'. With the suite it forms the id `suite/name`. */
  readonly name: string;
  /**
   * The work to measure. Called many times in a row. An asynchronous operation is awaited before the next begins.
   * Must return a value that depends on the work, so that the work cannot be optimised away.
   */
  readonly operation: () => unknown;
  /** Whether `operation` returns a promise. Declared, because awaiting a synchronous operation would be what is measured. */
  readonly kind: 'sync' | 'async';
  /** How many operations one call performs (a batch of 64 appends: 64). Results are per operation. Default 1. */
  readonly operationsPerCall?: number;
  /**
   * Performs a fixed number of operations, untimed, and counts what they cost. It begins anew on each call and must be
   * deterministic: `windtunnel compare` takes one more of anything for a regression.
   */
  readonly count?: () => Counts | Promise<Counts>;
}

export interface PreparedSuite {
  readonly benchmarks: readonly Benchmark[];
  /** Stops what `prepare` started. Called also when a benchmark failed. */
  close?(): Promise<void> | void;
}

export interface Suite {
  /** The folder of src/system it measures. */
  readonly name: string;
  prepare(): Promise<PreparedSuite> | PreparedSuite;
}
