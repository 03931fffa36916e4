// What a server of queries needs of the node behind it.

import type { Metadata } from '@grpc/grpc-js';
import type { WireHealth } from './contract.ts';
import type { Query, QueryAnswer } from './wire.ts';

export interface CallContext {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** Where the caller's trace context is: a unary call's metadata, or the headers of an HTTP request or of a request in a frame. */
  readonly context: Metadata | Readonly<Record<string, string>>;
  /** host:port at which the caller reached this server, as it says itself. */
  readonly called: string | undefined;
}

export interface QueryBackend {
  /** Runs one query. Rejects with RpcError. */
  execute(query: Query, call: CallContext): Promise<QueryAnswer>;
  /** @param called see CallContext. */
  health(called: string | undefined): WireHealth;
}
