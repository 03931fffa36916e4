// query.proto and peer.proto as service definitions and as the TypeScript types of their messages.

import { fileURLToPath } from 'node:url';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

// 64-bit integers arrive as text, because a number cannot hold them all.
export const queryPackage: PackageDefinition = loadSync(fileURLToPath(new URL('./query.proto', import.meta.url)), {
  longs: String,
});

// Terms and indices never reach 2^53, so the peers' traffic, which is all integers, is spared the detour through text.
const peerPackage: PackageDefinition = loadSync(fileURLToPath(new URL('./peer.proto', import.meta.url)), { longs: Number });

// A field that is absent on the wire has its default value (proto3), so every field is optional when read.

export type WireInteger = string | number;

export interface WireValue {
  nullValue?: boolean;
  integerValue?: WireInteger;
  realValue?: number;
  textValue?: string;
  blobValue?: Uint8Array;
}

export interface WireResultSet {
  columns?: readonly string[];
  rows?: readonly { values?: readonly WireValue[] }[];
  rowsAffected?: WireInteger;
}

export interface WireQueryRequest {
  query?: string;
  params?: readonly WireValue[];
  timeoutMs?: number;
  clientId?: string;
  sequence?: WireInteger;
  oldestPending?: WireInteger;
  context?: Record<string, string>;
}

export interface WireQueryResponse {
  results?: readonly WireResultSet[];
  executionTimeMs?: number;
  nodeId?: string;
}

export interface WireError {
  code?: string;
  message?: string;
  maybeApplied?: boolean;
  leaderId?: string;
  leaderEndpoint?: string;
}

export interface WireHealth {
  clusterId?: string;
  nodeId?: string;
  role?: string;
  term?: WireInteger;
  leaderId?: string;
  commitIndex?: WireInteger;
  appliedIndex?: WireInteger;
  ready?: boolean;
  members?: readonly { nodeId?: string; endpoint?: string }[];
}

export interface RequestFrame {
  requests?: readonly { id?: WireInteger; request?: WireQueryRequest }[];
  cancelled?: readonly WireInteger[];
}

export interface ResponseFrame {
  responses?: readonly { id?: WireInteger; response?: WireQueryResponse; error?: WireError }[];
}

export interface WireEntry {
  term?: number;
  noop?: boolean;
  data?: Uint8Array;
}

export interface WireRecovery {
  incarnation?: number;
  over?: boolean;
}

export interface WireRaftMessage {
  term?: number;
  preVoteRequest?: { lastLogIndex?: number; lastLogTerm?: number };
  voteRequest?: { lastLogIndex?: number; lastLogTerm?: number };
  preVoteResponse?: { granted?: boolean };
  voteResponse?: { granted?: boolean };
  appendRequest?: {
    previousIndex?: number;
    previousTerm?: number;
    commitIndex?: number;
    round?: number;
    entries?: readonly WireEntry[];
    recovery?: { incarnation?: number; upTo?: number };
  };
  appendAccepted?: { round?: number; matchIndex?: number; recovery?: WireRecovery };
  appendRejected?: { round?: number; rejectedIndex?: number; hintIndex?: number; hintTerm?: number; recovery?: WireRecovery };
  readIndexRequest?: { requestId?: number };
  readIndexResponse?: { requestId?: number; known?: boolean; readIndex?: number };
}

export interface PeerFrame {
  messages?: readonly WireRaftMessage[];
  traces?: readonly WireEntriesTrace[];
}

export interface WireEntriesTrace {
  traceparent?: string;
  firstIndex?: number;
  lastIndex?: number;
}

interface QueryService extends ServiceDefinition {
  readonly ExecuteQuery: MethodDefinition<WireQueryRequest, WireQueryResponse>;
  readonly HealthCheck: MethodDefinition<Record<string, never>, WireHealth>;
  readonly Session: MethodDefinition<RequestFrame, ResponseFrame>;
}

interface PeerService extends ServiceDefinition {
  readonly Exchange: MethodDefinition<PeerFrame, PeerFrame>;
}

export const queryService = queryPackage['windtunnel.v1.QueryService'] as unknown as QueryService;
export const peerService = peerPackage['windtunnel.peer.v1.PeerService'] as unknown as PeerService;

/** Metadata keys with which a node introduces itself to a peer, and trailers that carry a failed unary call's Error message. */
export const HEADERS = {
  cluster: 'windtunnel-cluster',
  node: 'windtunnel-node',
  code: 'windtunnel-code',
  maybeApplied: 'windtunnel-maybe-applied',
  leaderId: 'windtunnel-leader-id',
  leaderEndpoint: 'windtunnel-leader-endpoint',
} as const;
