// The node's HTTP side: queries for anything that speaks JSON, metrics for Prometheus, health for orchestrators.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERRORS, RpcError, toRpcError } from '../rpc/errors.ts';
import type { QueryBackend } from '../rpc/backend.ts';
import { ListenError } from '../rpc/server.ts';
import { readQuery, writeValue } from '../rpc/wire.ts';
import type { SqlValue } from '../store/bytes.ts';

/** Told of sockets. */
export interface SocketMeter {
  connectionOpened(transport: 'http'): void;
  connectionClosed(transport: 'http'): void;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface HttpBackend extends QueryBackend {
  /** Whether the process works at all; false makes an orchestrator restart it. */
  healthy(): boolean;
  metrics(accept: string | undefined): Promise<{ readonly contentType: string; readonly text: string }>;
}

const LARGEST_BODY_BYTES = 1 << 20;

/** gRPC status -> HTTP status, as google.rpc.Code documents the mapping. */
const HTTP_STATUS: Record<number, number> = {
  1: 499,
  3: 400,
  4: 504,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  11: 400,
  13: 500,
  14: 503,
};

/**
 * Listens on `address` ('host:port'; port 0 picks a free one).
 * @throws ListenError
 */
export async function startHttpServer(address: string, backend: HttpBackend, meter?: SocketMeter): Promise<HttpServer> {
  const server = createServer((request, response) => {
    handle(request, response, backend).catch((error: unknown) => sendError(response, toRpcError(error)));
  });
  server.on('connection', (socket) => {
    meter?.connectionOpened('http');
    socket.once('close', () => meter?.connectionClosed('http'));
  });
  // A client that sends its request byte by byte holds a socket, not for ever.
  server.requestTimeout = 30_000;
  const at = address.lastIndexOf(':');
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new ListenError(`cannot listen on ${address}: ${error.message}`, { cause: error })));
    server.listen(Number(address.slice(at + 1)), address.slice(0, at), resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(request: IncomingMessage, response: ServerResponse, backend: HttpBackend): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0];
  switch (path) {
    case '/query':
      if (request.method !== 'POST') {
        send(
          response,
          405,
          { error: { code: 'invalid-request', message: `/query takes POST, not ${request.method}` } },
          { allow: 'POST' },
        );
        return;
      }
      await handleQuery(request, response, backend);
      return;
    case '/metrics': {
      const { contentType, text } = await backend.metrics(request.headers.accept);
      response.writeHead(200, { 'content-type': contentType }).end(text);
      return;
    }
    case '/healthz':
      send(response, backend.healthy() ? 200 : 503, { healthy: backend.healthy() });
      return;
    case '/readyz': {
      const health = backend.health(request.headers.host);
      send(response, health.ready ? 200 : 503, health);
      return;
    }
    default:
      send(response, 404, {
        error: { code: 'invalid-request', message: `no such path: ${path}; there are /query, /metrics, /healthz and /readyz` },
      });
  }
}

async function handleQuery(request: IncomingMessage, response: ServerResponse, backend: HttpBackend): Promise<void> {
  const cancelled = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) cancelled.abort(new RpcError('cancelled', 'the caller closed the connection'));
  });
  const body = parseBody(await readBody(request));
  const query = readQuery({
    query: body.query,
    params: body.params.map(writeValue),
    timeoutMs: body.timeoutMs,
    clientId: body.clientId,
    sequence: body.sequence,
    oldestPending: body.oldestPending,
  });
  const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]));
  const answer = await backend.execute(query, {
    signal: cancelled.signal,
    context: headers,
    called: request.headers.host,
  });
  send(response, 200, {
    results: answer.results.map((set) => ({
      columns: set.columns,
      rows: set.rows.map((row) => row.map(toJson)),
      rowsAffected: set.rowsAffected,
    })),
    executionTimeMs: answer.executionTimeMs,
    nodeId: answer.nodeId,
  });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LARGEST_BODY_BYTES) throw new RpcError('invalid-request', `the body is larger than ${LARGEST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

interface QueryBody {
  query: string;
  params: SqlValue[];
  timeoutMs: number;
  clientId: string;
  sequence: number;
  oldestPending: number;
}

const FIELDS = {
  query: 'string',
  params: 'object',
  timeoutMs: 'number',
  clientId: 'string',
  sequence: 'number',
  oldestPending: 'number',
};

function parseBody(text: string): QueryBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new RpcError('invalid-request', `the body is not JSON: ${(error as Error).message}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RpcError('invalid-request', 'the body is a JSON object like {"query": "select 1", "params": []}');
  }
  for (const [field, value] of Object.entries(body)) {
    const type = FIELDS[field as keyof typeof FIELDS];
    if (type === undefined)
      throw new RpcError('invalid-request', `unknown field '${field}'; there are ${Object.keys(FIELDS).join(', ')}`);
    if (typeof value !== type || (type === 'number' && (!Number.isInteger(value) || (value as number) < 0))) {
      throw new RpcError(
        'invalid-request',
        `'${field}' must be a ${type === 'number' ? 'whole number >= 0' : type}, not ${JSON.stringify(value)}`,
      );
    }
  }
  const { query = '', params = [], timeoutMs = 0, clientId = '', sequence = 0, oldestPending = 0 } = body as Partial<QueryBody>;
  if (!Array.isArray(params)) throw new RpcError('invalid-request', `'params' must be an array, not ${JSON.stringify(params)}`);
  return { query, params: params.map(readParam), timeoutMs, clientId, sequence, oldestPending };
}

function readParam(value: unknown, at: number): SqlValue {
  if (value === null || typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new RpcError(
    'invalid-request',
    `params[${at}] must be null, a number, a string or a boolean, not ${JSON.stringify(value)}`,
  );
}

/** Integers beyond 2^53 become text, blobs base64: JSON has neither. */
function toJson(value: SqlValue): null | number | string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

function sendError(response: ServerResponse, error: RpcError): void {
  send(response, HTTP_STATUS[ERRORS[error.code].status] ?? 500, {
    error: {
      code: error.code,
      message: error.message,
      maybeApplied: error.maybeApplied,
      ...(error.leader && { leader: error.leader }),
    },
  });
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(`${JSON.stringify(body)}\n`);
}
