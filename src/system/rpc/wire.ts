// Between the wire's messages and the values that the rest of the system works with. What comes in is validated here, once.

import { Metadata } from '@grpc/grpc-js';
import type { ServiceError, StatusObject } from '@grpc/grpc-js';
import {
  HEADERS,
  type WireError,
  type WireInteger,
  type WireQueryRequest,
  type WireQueryResponse,
  type WireResultSet,
  type WireValue,
} from './contract.ts';
import type { SqlValue } from '../store/bytes.ts';
import { MAX_PARAMS } from '../store/command.ts';
import type { ResultSet } from '../store/outcome.ts';
import { ERRORS, isErrorCode, RpcError } from './errors.ts';

/** A request, read and checked. */
export interface Query {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** Milliseconds from arrival, > 0. */
  readonly timeoutMs: number;
  /** Empty: the write is not protected against being applied twice. */
  readonly clientId: string;
  readonly sequence: number;
  readonly oldestPending: number;
}

export interface QueryAnswer {
  readonly results: readonly ResultSet[];
  /** Time at the server from arrival to answer. */
  readonly executionTimeMs: number;
  /** The node that answered. */
  readonly nodeId: string;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const LONGEST_TIMEOUT_MS = 3_600_000;
const LONGEST_CLIENT_ID = 64;
const LONGEST_SQL = 1 << 20;

export function readQuery(wire: WireQueryRequest): Query {
  const sql = wire.query ?? '';
  if (sql.trim() === '') throw new RpcError('invalid-request', 'the query is empty');
  if (sql.length > LONGEST_SQL)
    throw new RpcError('invalid-request', `the query has ${sql.length} characters; at most ${LONGEST_SQL} are taken`);
  const params = wire.params ?? [];
  if (params.length > MAX_PARAMS)
    throw new RpcError('invalid-request', `${params.length} parameters; at most ${MAX_PARAMS} are taken`);
  const timeoutMs = wire.timeoutMs || DEFAULT_TIMEOUT_MS;
  if (timeoutMs > LONGEST_TIMEOUT_MS)
    throw new RpcError('invalid-request', `timeout_ms is ${timeoutMs}; at most ${LONGEST_TIMEOUT_MS} is taken`);
  const clientId = wire.clientId ?? '';
  if (clientId.length > LONGEST_CLIENT_ID) {
    throw new RpcError('invalid-request', `client_id has ${clientId.length} characters; at most ${LONGEST_CLIENT_ID} are taken`);
  }
  const sequence = safeInteger(wire.sequence, 'sequence');
  const oldestPending = safeInteger(wire.oldestPending, 'oldest_pending');
  if (clientId !== '' && sequence < 1) throw new RpcError('invalid-request', 'a request with a client_id needs a sequence >= 1');
  if (oldestPending > sequence) {
    throw new RpcError('invalid-request', `oldest_pending ${oldestPending} is above the request's own sequence ${sequence}`);
  }
  return { sql, params: params.map(readValue), timeoutMs, clientId, sequence, oldestPending };
}

export function writeQuery(query: Query): WireQueryRequest {
  return {
    query: query.sql,
    params: query.params.map(writeValue),
    timeoutMs: Math.max(1, Math.ceil(query.timeoutMs)),
    clientId: query.clientId,
    sequence: query.sequence,
    oldestPending: query.oldestPending,
  };
}

export function writeAnswer(answer: QueryAnswer): WireQueryResponse {
  return { results: answer.results.map(writeResultSet), executionTimeMs: answer.executionTimeMs, nodeId: answer.nodeId };
}

export function readAnswer(wire: WireQueryResponse): QueryAnswer {
  return {
    results: (wire.results ?? []).map(readResultSet),
    executionTimeMs: wire.executionTimeMs ?? 0,
    nodeId: wire.nodeId ?? '',
  };
}

export function writeError(error: RpcError): WireError {
  return {
    code: error.code,
    message: error.message,
    maybeApplied: error.maybeApplied,
    ...(error.leader && { leaderId: error.leader.id, leaderEndpoint: error.leader.endpoint }),
  };
}

export function readError(wire: WireError): RpcError {
  const code = wire.code ?? '';
  const message = wire.message ?? '';
  // A newer server's code is not known here; what it says about certainty still counts.
  if (!isErrorCode(code)) return new RpcError('internal', `${code}: ${message}`, { maybeApplied: wire.maybeApplied ?? false });
  const leader = wire.leaderId ? { id: wire.leaderId, endpoint: wire.leaderEndpoint ?? '' } : undefined;
  return new RpcError(code, message, { leader, maybeApplied: wire.maybeApplied ?? false });
}

/** A failed unary call's status; the details of the registry travel in the trailers. */
export function writeStatus(error: RpcError): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set(HEADERS.code, error.code);
  metadata.set(HEADERS.maybeApplied, String(error.maybeApplied));
  if (error.leader) {
    metadata.set(HEADERS.leaderId, error.leader.id);
    metadata.set(HEADERS.leaderEndpoint, error.leader.endpoint);
  }
  return { code: ERRORS[error.code].status, details: error.message, metadata };
}

export function readStatus(error: ServiceError): RpcError {
  const get = (key: string) => String(error.metadata?.get(key)[0] ?? '');
  const code = get(HEADERS.code);
  if (code === '') return new RpcError('connection-lost', error.details || error.message, { cause: error });
  return readError({
    code,
    message: error.details,
    maybeApplied: get(HEADERS.maybeApplied) === 'true',
    leaderId: get(HEADERS.leaderId),
    leaderEndpoint: get(HEADERS.leaderEndpoint),
  });
}

function safeInteger(wire: WireInteger | undefined, name: string): number {
  const value = Number(wire ?? 0);
  if (!Number.isSafeInteger(value)) throw new RpcError('invalid-request', `${name} ${wire} is beyond 2^53`);
  return value;
}

export function readValue(wire: WireValue): SqlValue {
  if (wire.integerValue !== undefined) {
    const number = Number(wire.integerValue);
    return Number.isSafeInteger(number) ? number : BigInt(wire.integerValue);
  }
  if (wire.textValue !== undefined) return wire.textValue;
  if (wire.realValue !== undefined) return wire.realValue;
  if (wire.blobValue !== undefined) return wire.blobValue;
  return null;
}

export function writeValue(value: SqlValue): WireValue {
  if (value === null) return { nullValue: true };
  if (typeof value === 'string') return { textValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? { integerValue: value } : { realValue: value };
  if (typeof value !== 'bigint') return { blobValue: value };
  if (BigInt.asIntN(64, value) !== value) throw new RpcError('invalid-request', `the parameter ${value} does not fit 64 bits`);
  return { integerValue: String(value) };
}

function writeResultSet(set: ResultSet): WireResultSet {
  return { columns: set.columns, rows: set.rows.map((row) => ({ values: row.map(writeValue) })), rowsAffected: set.rowsAffected };
}

function readResultSet(wire: WireResultSet): ResultSet {
  return {
    columns: [...(wire.columns ?? [])],
    rows: (wire.rows ?? []).map((row) => (row.values ?? []).map(readValue)),
    rowsAffected: Number(wire.rowsAffected ?? 0),
  };
}
