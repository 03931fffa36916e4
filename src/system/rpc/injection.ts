// What a node lets be injected into it when it was started with --fault-control: one JSON object a line on its standard input,
// `{ "request": 1, "inject": "slow-disk", "delayMs": 500 }`. It answers each with the NodeEvent `injected` or `injection-refused`.

export type InjectionKind = 'clock-skew' | 'slow-disk' | 'full-disk';

export type Injection =
  /**
   * The node's wall clock jumps by `offsetMs` (up to a day, either way), and from then on both its clocks run `drift` times as
   * fast as the machine's (0.5 to 2): its timers are early or late accordingly.
   */
  | { readonly inject: 'clock-skew'; readonly offsetMs: number; readonly drift: number }
  /** Every fdatasync of the log takes `delayMs` (0 to 30,000) longer. */
  | { readonly inject: 'slow-disk'; readonly delayMs: number }
  /** Every write to the log ends in the middle, with ENOSPC. */
  | { readonly inject: 'full-disk' }
  /** Ends what was injected. */
  | { readonly inject: 'none'; readonly of: InjectionKind };

/** What a node finds when it looks at its own clocks and disk. */
export interface NodeMeasurement {
  /** What its clocks say: wall time in milliseconds since the Unix epoch, and its monotonic clock in milliseconds. */
  readonly wallMs: number;
  readonly monotonicMs: number;
  /** The fdatasyncs of the log that began and ended since `slow-disk` was injected last; 0 when it never was. */
  readonly syncs: number;
  /** 0 without syncs. */
  readonly shortestSyncMs: number;
  readonly longestSyncMs: number;
}

/** What the node measured right before and right after the change. */
export interface InjectionReport {
  readonly before: NodeMeasurement;
  readonly after: NodeMeasurement;
}
