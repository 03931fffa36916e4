// What a generator's thread and the thread that controls it say to each other.

import type { TraceDestination } from '../../telemetry/trace-destination.ts';
import type { TraceCounts } from '../../telemetry/tracing.ts';
import type { PlannedOperation } from '../load/operation.ts';
import type { Share } from '../load/share.ts';
import type { ThreadLoad } from '../load/instrument.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import type { TargetAddresses } from '../target/connect.ts';
import type { EventBatch } from './event-batch.ts';

/** A module whose export connects to a system under test as `connectTarget` does. For tests. */
export interface TargetModule {
  /** URL of its file. */
  readonly module: string;
  readonly export: string;
}

/** What a generator's thread is started with. */
export interface GeneratorData {
  readonly scenario: ValidScenario;
  readonly addresses: TargetAddresses;
  readonly seed: number;
  readonly share: Share;
  /** Where its histories are written, and what goes into their names. */
  readonly folder: string;
  readonly historyPart: string;
  readonly target: TargetModule | undefined;
  /** Absent: nothing is traced. */
  readonly tracing: GeneratorTracing | undefined;
}

export interface GeneratorTracing {
  /** URL of the OTLP receiver to which the spans of wanted traces go. */
  readonly receiver: string;
  /** Where sampled traces go. */
  readonly destination: TraceDestination | undefined;
  /** Which share is sampled, 0 to 1. */
  readonly sample: number;
  /** See LoadTracingOptions. */
  readonly prefix: string;
}

/** warm-up (or not), begin, stop (or not), read-back (or not), close: in this order. */
export type ToGenerator =
  /** Load that does not count, on tables of its own. */
  | { readonly type: 'warm-up' }
  /** When the scenario started, on the clock that threads share; see `sharedTimeOffsetMs`. */
  | { readonly type: 'begin'; readonly sharedOriginMs: number }
  /** Begins nothing any more; what is under way has its graceful stop. */
  | { readonly type: 'stop' }
  /** At any time: the spans of these traces are wanted. */
  | { readonly type: 'want'; readonly traceIds: readonly string[] }
  /** At any time: are they sent? */
  | { readonly type: 'spans-sent?' }
  /** Reads of everything that was changed, for the end of the history. */
  | { readonly type: 'read-back'; readonly reads: readonly PlannedOperation[]; readonly timeoutMs: number }
  | { readonly type: 'close' };

export type FromGenerator =
  /** Connected. From now on a batch comes ten times a second, also when nothing happened: it is a sign of life. */
  | { readonly type: 'ready' }
  | GeneratorBatch
  /** The warm-up is over. */
  | { readonly type: 'warm' }
  /** What it had of the traces that were wanted until it was asked has been sent, or is lost. */
  | { readonly type: 'spans-sent' }
  /** Once a second while it loads: what it says of itself and its client, in the Prometheus text format. */
  | { readonly type: 'metrics'; readonly text: string }
  /** Every operation has ended, and all batches of them have been sent. */
  | { readonly type: 'loaded'; readonly durationMs: number; readonly finalReads: readonly PlannedOperation[] }
  /** With what went wrong, if anything. */
  | { readonly type: 'was-read-back'; readonly problem: string | undefined }
  /** The histories are complete on disk, the spans sent, and the connections closed. */
  | { readonly type: 'closed'; readonly histories: readonly string[]; readonly traces: TraceCounts | undefined }
  /** It can do nothing any more. */
  | { readonly type: 'failed'; readonly reason: string };

export interface GeneratorBatch {
  readonly type: 'batch';
  /** Milliseconds from the start of the scenario: everything until then has been told. 0 before it. */
  readonly untilMs: number;
  readonly events: EventBatch;
  /** Once a second. */
  readonly sample?: ThreadSample;
}

export interface ThreadSample {
  /** Since the last one. */
  readonly recent: ThreadLoad;
  /** Since the end of the warm-up, or the beginning while it lasts. */
  readonly soFar: ThreadLoad;
}
