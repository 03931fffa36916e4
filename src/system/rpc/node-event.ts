// What a node says about itself on standard output: one JSON object a line. The harness reads role changes from it, people
// read it as a log.

import type { Role } from '../raft/protocol.ts';

/** `time` is wall-clock milliseconds. */
export type NodeEvent = { readonly time: number; readonly node: string } & (
  | { readonly event: 'listening'; readonly grpcPort: number; readonly httpPort: number; readonly pid: number }
  | { readonly event: 'role'; readonly role: Role; readonly term: number; readonly leader?: string }
  | { readonly event: 'recovered'; readonly logEntries: number; readonly appliedIndex: number; readonly term: number }
  | { readonly event: 'link'; readonly peer: string; readonly problem?: string }
  | { readonly event: 'canary'; readonly canary: string }
  | { readonly event: 'fatal'; readonly message: string }
  | { readonly event: 'stopped'; readonly reason: string }
);
