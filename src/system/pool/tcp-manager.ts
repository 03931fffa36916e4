// Makes and checks TCP connections for a pool, spread over the endpoints of a service.

import { connect, type Socket } from 'node:net';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import type { Manager } from './manager.ts';
import { checkDurationMs, PoolOptionError } from './pool-options.ts';

export interface TcpManagerOptions {
  /** 'host:port', or '[address]:port' for IPv6. At least one; the port is 1 to 65535. */
  readonly endpoints: readonly string[];
  /** How long one attempt at one endpoint may take, milliseconds, default 3,000. A create tries each endpoint at most once. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
}

/** A connection could not be made, or one that was made cannot be used again. The message names the endpoint. */
export class TcpConnectionError extends Error {
  override readonly name = 'TcpConnectionError';
  readonly code = 'TCP_CONNECTION';
}

interface Endpoint {
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

const KEEP_ALIVE_AFTER_MS = 30_000;

/**
 * Each create begins with the endpoint after the one where the previous create began, and goes on to the next when an
 * endpoint does not answer; when none does it rejects with an AggregateError of TcpConnectionErrors. Sockets have
 * TCP_NODELAY set and keep-alive probes after 30 s of silence.
 *
 * A socket counts as unusable when it is destroyed, in error, ended by either side, or holds bytes that nobody has read:
 * those belong to an earlier caller's answer and would be taken for the next caller's. Bytes can be seen only if they stay
 * in the buffer, so whoever read with 'data' must `pause()` the socket before the lease ends.
 *
 * Throws PoolOptionError for an endpoint or a timeout that cannot be.
 */
export function tcpManager({ endpoints, connectTimeoutMs = 3_000, clock = systemClock }: TcpManagerOptions): Manager<Socket> {
  if (endpoints.length === 0) throw new PoolOptionError('endpoints is a list of at least one host:port, not an empty one');
  const parsed = endpoints.map(parseEndpoint);
  checkDurationMs('connectTimeoutMs', connectTimeoutMs);
  let turn = 0;

  return {
    async create(signal) {
      const start = turn++ % parsed.length;
      const errors: unknown[] = [];
      for (const endpoint of [...parsed.slice(start), ...parsed.slice(0, start)]) {
        signal.throwIfAborted();
        try {
          return await open(endpoint, connectTimeoutMs, clock, signal);
        } catch (error) {
          errors.push(error);
        }
      }
      signal.throwIfAborted();
      throw new AggregateError(errors, `no endpoint accepted a connection (tried ${endpoints.join(', ')})`);
    },

    recycle(socket) {
      const defect = defectOf(socket);
      if (defect !== undefined) throw new TcpConnectionError(`a pooled connection to ${peerOf(socket)} ${defect}`);
    },

    destroy(socket) {
      if (socket.closed) return undefined;
      return new Promise((resolve) => {
        socket.once('close', () => resolve());
        socket.destroy();
      });
    },
  };
}

function open(endpoint: Endpoint, timeoutMs: number, clock: Clock, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: endpoint.host, port: endpoint.port });
    const fail = (message: string, cause?: unknown) => {
      settle();
      socket.destroy();
      reject(new TcpConnectionError(`${endpoint.text}: ${message}`, { cause }));
    };
    const onAbort = () => fail('aborted', signal.reason);
    const cancelTimer =
      timeoutMs === Number.POSITIVE_INFINITY
        ? () => {}
        : clock.schedule(timeoutMs, () => fail(`no connection within ${timeoutMs} ms`));
    const settle = () => {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // Stays for the socket's life: an error on a connection that nobody holds must not end the process. recycle() sees it.
    let connected = false;
    socket.on('error', (error) => {
      if (!connected) fail(error.message, error);
    });
    socket.once('connect', () => {
      settle();
      connected = true;
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
      peers.set(socket, endpoint.text);
      resolve(socket);
    });
  });
}

/** A closed socket no longer knows its peer, and that is when messages need it. */
const peers = new WeakMap<Socket, string>();

function peerOf(socket: Socket): string {
  return peers.get(socket) ?? 'an unknown endpoint';
}

function defectOf(socket: Socket): string | undefined {
  if (socket.errored !== null) return `failed: ${socket.errored.message}`;
  if (socket.destroyed) return 'is closed';
  if (socket.readableEnded) return 'was ended by the other side';
  if (socket.writableEnded) return 'was ended by this side';
  if (socket.readableLength > 0) return `holds ${socket.readableLength} bytes that nobody read`;
  return undefined;
}

function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port >= 1 && port <= 65_535))
    throw new PoolOptionError(`an endpoint is host:port or [address]:port with a port from 1 to 65535, not '${text}'`);
  return { text, host, port };
}
