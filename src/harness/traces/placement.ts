// Spans of several processes on one time axis. Every process has its own clock, and one of them may be off by milliseconds
// (or, when a fault moves it, by seconds), so that a node would seem to answer before it was asked.

import type { ReceivedSpan } from './received-span.ts';

/** A span on the time axis of a trace: whole microseconds from its origin. */
export interface Placed {
  readonly span: ReceivedSpan;
  readonly fromUs: number;
  readonly toUs: number;
  /** What was added to the times of its process, milliseconds since the epoch, to get there. */
  readonly shiftMs: number;
}

/** A span without a parent, on an axis that begins at `originMs`. */
export function placeRoot(span: ReceivedSpan, originMs: number): Placed {
  return placed(span, -originMs);
}

/**
 * A child (or the root of a batch, below the span that links to it) on the axis of its parent. Of the same process, it lies
 * where its clock says. Of another one, it is moved until it lies within its parent, as far as it is not longer, and not
 * before what had to happen first.
 */
export function placeChild(span: ReceivedSpan, parent: Placed, siblings: readonly ReceivedSpan[] = []): Placed {
  let { shiftMs } = parent;
  if (isElsewhere(span, parent.span)) {
    // Requests leave when they have a connection.
    const waits = siblings.filter((each) => each.name === 'pool.acquire' && !isElsewhere(each, parent.span));
    const fromMs = Math.max(parent.span.startMs, ...waits.map(({ endMs }) => endMs)) + parent.shiftMs;
    // The parent itself, whole: what it was placed as may have been cut to what was waited for.
    const toMs = parent.span.endMs + parent.shiftMs;
    if (span.endMs - span.startMs <= toMs - fromMs) {
      shiftMs += Math.max(0, fromMs - (span.startMs + shiftMs));
      shiftMs -= Math.max(0, span.endMs + shiftMs - toMs);
    }
  }
  return placed(span, shiftMs);
}

function placed(span: ReceivedSpan, shiftMs: number): Placed {
  return { span, fromUs: microseconds(span.startMs + shiftMs), toUs: microseconds(span.endMs + shiftMs), shiftMs };
}

function microseconds(ms: number): number {
  return Math.round(ms * 1_000);
}

function isElsewhere(span: ReceivedSpan, other: ReceivedSpan): boolean {
  return span.instance !== other.instance || span.service !== other.service;
}
