// A span as it arrived: what was measured, and by whom.

import type { Span } from '../../telemetry/span.ts';

export interface ReceivedSpan extends Span {
  /** Resource attribute `service.name`; 'unknown_service' when the sender did not say. */
  readonly service: string;
  /** Resource attribute `service.instance.id`: a node (n1), or the number of a generator; empty when the sender did not say. */
  readonly instance: string;
}
