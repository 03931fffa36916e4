// What a node says about itself on standard output: one JSON object a line. The harness reads role changes from it, people
// read it as a log.

import type { Role } from '../raft/protocol.ts';
import type { InjectionKind, InjectionReport } from './injection.ts';

/** `time` is wall-clock milliseconds. */
export type NodeEvent = { readonly time: number; readonly node: string } & (
  | { readonly event: 'listening'; readonly grpcPort: number; readonly httpPort: number; readonly pid: number }
  | { readonly event: 'role'; readonly role: Role; readonly term: number; readonly leader?: string }
  | {
      readonly event: 'recovered';
      readonly logEntries: number;
      readonly appliedIndex: number;
      readonly term: number;
      /** Bytes of an unfinished write that were cut off the end of the log. */
      readonly cutBytes?: number;
      /** Its disk was lost: it does not vote and does not count until it says `rejoined`. */
      readonly recovers?: true;
    }
  /** After the loss of its disk: it has everything up to `index`, and is one like the others again. */
  | { readonly event: 'rejoined'; readonly index: number }
  /**
   * The state machine has applied everything up to `index`, an entry of `term`. `checksum`: see applied-checksum.ts; two nodes
   * that differ in it at one index have applied different things. At every 1,000th index, at changes of role, and at the end.
   */
  | { readonly event: 'applied'; readonly index: number; readonly term: number; readonly checksum: number }
  | { readonly event: 'link'; readonly peer: string; readonly problem?: string }
  | { readonly event: 'canary'; readonly canary: string }
  | ({ readonly event: 'injected'; readonly request: number; readonly inForce: readonly InjectionKind[] } & InjectionReport)
  | { readonly event: 'injection-refused'; readonly request: number; readonly problem: string }
  /** Spans sent, and those that were lost on the way or had no room, over the whole life of the node. */
  | { readonly event: 'traces'; readonly exported: number; readonly dropped: number; readonly problem?: string }
  /** Every span that was asked for until then, and that it had, has been sent, or is lost. */
  | { readonly event: 'spans-sent' }
  | { readonly event: 'fatal'; readonly message: string }
  | { readonly event: 'stopped'; readonly reason: string }
);
