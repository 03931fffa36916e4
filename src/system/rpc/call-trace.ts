// The trace of one attempt to call a node, on its way through breaker, pool and session.

import type { ActiveSpan, Tracer } from '../../telemetry/tracer.ts';

export interface CallTrace {
  readonly tracer: Tracer;
  readonly attempt: ActiveSpan<'retry.attempt'>;
}
