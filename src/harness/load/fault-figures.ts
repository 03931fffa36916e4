// What each fault of a run cost, from what the recorder knows; while the run is under way, what it has cost so far.

import type { FaultMetric } from '../scenario/thresholds.ts';
import type { FaultSpan } from './fault-spans.ts';
import type { RecoveryTime } from './p99-recovery.ts';
import type { Recorder } from './recorder.ts';

/** Stretches without an answer up to this long are not counted as unavailability. */
export const UNAVAILABLE_GAP_MS = 200;

/** Milliseconds. Of one that is not final it is known only that it is not less: what is waited for has not come. */
export interface Figure {
  readonly ms: number;
  readonly isFinal: boolean;
}

export interface FaultFigures {
  readonly span: FaultSpan;
  /** The end of its recovery, or of the run. */
  readonly windowEndMs: number;
  /** Whether another fault lasted or was recovered from meanwhile. */
  readonly overlaps: boolean;
  /** By the metric that thresholds know it as; absent where there is nothing to measure. */
  readonly figures: Readonly<Partial<Record<FaultMetric, Figure>>>;
  /** Of the fault's end, once it has ended. */
  readonly recovery: RecoveryTime | undefined;
}

/** What figures are taken from. */
export type FigureSource = Pick<Recorder, 'faults' | 'writes' | 'hasWrites' | 'availability' | 'recovery'>;

/** When a node was elected leader first within [fromMs, toMs], milliseconds from the start of the scenario. */
export type ElectedBetween = (fromMs: number, toMs: number) => number | undefined;

/** @param untilMs where the run has come to, or its end. */
export function faultFigures(source: FigureSource, electedBetween: ElectedBetween, untilMs: number): FaultFigures[] {
  const spans = source.faults.all();
  const windows = spans.map((span) => ({ span, windowEndMs: Math.max(span.startMs, source.faults.windowEndOf(span, untilMs)) }));
  return windows.map(({ span, windowEndMs }) => {
    const recovery = recoveryOf(span, spans, source, untilMs);
    const { startMs } = span;
    // Not later than the window: that would be the election of another fault.
    const electedMs = electedBetween(startMs, windowEndMs);
    return {
      span,
      windowEndMs,
      overlaps: windows.some((other) => other.span !== span && other.span.startMs < windowEndMs && startMs < other.windowEndMs),
      recovery,
      figures: {
        ...(electedMs !== undefined && { election: final(electedMs - startMs) }),
        ...(source.hasWrites && {
          first_write: since(startMs, firstWrite(span, source), untilMs),
          write_gap: final(source.writes.longestGap(startMs, windowEndMs)),
        }),
        unavailable: final(source.availability.unavailable(startMs, windowEndMs, UNAVAILABLE_GAP_MS)),
        ...recoveredFigure(span, recovery, untilMs),
      },
    };
  });
}

/** What was sent before the fault was carried out says nothing of how it is borne. */
function firstWrite({ carriedOutMs }: FaultSpan, { writes }: FigureSource): number | undefined {
  return carriedOutMs === undefined ? undefined : writes.firstSentAfter(carriedOutMs);
}

/** Behind its end and before the next fault, whose doing the rest would be. */
function recoveryOf(
  { endMs }: FaultSpan,
  spans: readonly FaultSpan[],
  { recovery }: FigureSource,
  untilMs: number,
): RecoveryTime | undefined {
  if (endMs === undefined) return undefined;
  const nextMs = Math.min(untilMs, ...spans.map(({ startMs }) => startMs).filter((startMs) => startMs >= endMs));
  return recovery.after(endMs, nextMs);
}

function recoveredFigure({ endMs }: FaultSpan, recovery: RecoveryTime | undefined, untilMs: number) {
  if (endMs === undefined || recovery === undefined || recovery.kind === 'unknown') return {};
  return { recovered: recovery.kind === 'recovered' ? final(recovery.afterMs) : { ms: untilMs - endMs, isFinal: false } };
}

function final(ms: number): Figure {
  return { ms, isFinal: true };
}

function since(fromMs: number, atMs: number | undefined, untilMs: number): Figure {
  return atMs === undefined ? { ms: untilMs - fromMs, isFinal: false } : final(atMs - fromMs);
}
