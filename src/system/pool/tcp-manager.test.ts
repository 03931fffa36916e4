import { createServer, type AddressInfo, type Server, Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { PoolCreateError } from './pool-errors.ts';
import { PoolOptionError } from './pool-options.ts';
import { Pool } from './pool.ts';
import { TcpConnectionError, tcpManager } from './tcp-manager.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Echo {
  readonly endpoint: string;
  readonly server: Server;
  readonly accepted: Socket[];
}

async function echoServer(): Promise<Echo> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    for (const socket of accepted) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`, server, accepted };
}

/** An endpoint where nothing listens: a port that was free a moment ago. */
async function deadEndpoint(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

function poolOf(endpoints: string[], max = 4): Pool<Socket> {
  const pool = new Pool(tcpManager({ endpoints }), { max });
  cleanUps.push(() => pool.close({ timeoutMs: 0 }));
  return pool;
}

async function exchange(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const answer = once(socket, 'data');
  socket.resume();
  const [data] = (await answer) as [Buffer];
  socket.pause();
  return data.toString();
}

describe('tcp manager', () => {
  test('a pooled connection is reused, with TCP_NODELAY and keep-alive after 30 s', async () => {
    const noDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    cleanUps.push(() => vi.restoreAllMocks());
    const echo = await echoServer();
    const pool = poolOf([echo.endpoint]);
    for (const text of ['one', 'two', 'three']) expect(await pool.with((socket) => exchange(socket, text))).toBe(text);
    expect(echo.accepted.length).toBe(1);
    expect(pool.statistics).toMatchObject({ created: 1, recycleFailures: 0 });
    expect(noDelay).toHaveBeenCalledWith(true);
    expect(keepAlive).toHaveBeenCalledWith(true, 30_000);
  });

  test('connections go round the endpoints, past one that is down', async () => {
    const [first, second] = [await echoServer(), await echoServer()];
    const pool = poolOf([first.endpoint, await deadEndpoint(), second.endpoint], 6);
    const leases = [];
    for (let i = 0; i < 6; i++) leases.push(await pool.acquire());
    expect(leases.map((lease) => `127.0.0.1:${lease.value.remotePort}`)).toEqual([
      first.endpoint,
      second.endpoint,
      second.endpoint,
      first.endpoint,
      second.endpoint,
      second.endpoint,
    ]);
    for (const lease of leases) lease.release();
  });

  test('with every endpoint down the create fails and names each', async () => {
    const endpoints = [await deadEndpoint(), await deadEndpoint()];
    const failure = await poolOf(endpoints)
      .acquire()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PoolCreateError);
    const { errors } = (failure as Error).cause as AggregateError;
    expect(errors).toHaveLength(2);
    endpoints.forEach((endpoint, i) => expect((errors[i] as Error).message).toContain(endpoint));
    expect(errors[0]).toBeInstanceOf(TcpConnectionError);
  });

  test('a connection that the server closed is replaced before it is lent again', async () => {
    const echo = await echoServer();
    const pool = poolOf([echo.endpoint]);
    const lease = await pool.acquire();
    const old = lease.value;
    lease.release();
    await vi.waitUntil(() => echo.accepted.length === 1);
    echo.accepted[0]?.end();
    await vi.waitUntil(() => old.destroyed || old.readableEnded);
    expect(await pool.with((socket) => exchange(socket, 'again'))).toBe('again');
    expect(pool.statistics).toMatchObject({ created: 2, recycleFailures: 1, destroyed: 1 });
  });

  test('a reset of an idle connection neither ends the process nor reaches a caller', async () => {
    const echo = await echoServer();
    const pool = poolOf([echo.endpoint]);
    const lease = await pool.acquire();
    const old = lease.value;
    lease.release();
    await vi.waitUntil(() => echo.accepted.length === 1);
    echo.accepted[0]?.resetAndDestroy();
    await vi.waitUntil(() => old.errored !== null);
    expect(() => tcpManager({ endpoints: [echo.endpoint] }).recycle(old)).toThrow('ECONNRESET');
    expect(await pool.with((socket) => exchange(socket, 'again'))).toBe('again');
  });

  test('bytes that nobody read make a connection unusable', async () => {
    const echo = await echoServer();
    const pool = poolOf([echo.endpoint]);
    const lease = await pool.acquire();
    const old = lease.value;
    old.write('late answer');
    await vi.waitUntil(() => old.readableLength === 11);
    lease.release();
    expect(() => tcpManager({ endpoints: [echo.endpoint] }).recycle(old)).toThrow(/127\.0\.0\.1:\d+ holds 11 bytes/);
    expect(await pool.with((socket) => exchange(socket, 'mine'))).toBe('mine');
  });

  test('a connection that this side ended is unusable', async () => {
    const echo = await echoServer();
    const manager = tcpManager({ endpoints: [echo.endpoint] });
    const socket = await manager.create(new AbortController().signal);
    socket.end();
    expect(() => manager.recycle(socket)).toThrow('ended by this side');
    await manager.destroy(socket);
    expect(socket.closed).toBe(true);
    expect(() => manager.recycle(socket)).toThrow('is closed');
    await manager.destroy(socket);
  });

  test('an endpoint that takes too long is passed over; the last one fails the create; no timer stays', async () => {
    const clock = new VirtualClock();
    const [slow, good] = [await echoServer(), await echoServer()];
    const manager = tcpManager({ endpoints: [slow.endpoint, good.endpoint], connectTimeoutMs: 100, clock });
    const creating = manager.create(new AbortController().signal);
    // No connection can be complete before the event loop turns, so this is earlier than `slow` can answer.
    clock.advance(100);
    const socket = await creating;
    expect(`127.0.0.1:${socket.remotePort}`).toBe(good.endpoint);
    await manager.destroy(socket);

    const lonely = tcpManager({ endpoints: [slow.endpoint], connectTimeoutMs: 100, clock });
    const failing = lonely.create(new AbortController().signal);
    clock.advance(100);
    await expect(failing).rejects.toMatchObject({ errors: [{ message: `${slow.endpoint}: no connection within 100 ms` }] });
    expect(clock.pendingTimers).toBe(0);
  });

  test('an aborted create stops at once and tries no further endpoint', async () => {
    const clock = new VirtualClock();
    const [first, second] = [await echoServer(), await echoServer()];
    const manager = tcpManager({ endpoints: [first.endpoint, second.endpoint], clock });
    const controller = new AbortController();
    const aborted = manager.create(controller.signal);
    controller.abort(new Error('pool closed'));
    await expect(aborted).rejects.toThrow('pool closed');
    await expect(manager.create(controller.signal)).rejects.toThrow('pool closed');
    expect(second.accepted).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test.each(['localhost', 'localhost:0', 'localhost:65536', ':80', '::1:80', 'a b:80', '[::1]'])(
    'refuses the endpoint %s',
    (endpoint) => {
      expect(() => tcpManager({ endpoints: [endpoint] })).toThrow(PoolOptionError);
      expect(() => tcpManager({ endpoints: [endpoint] })).toThrow(`'${endpoint}'`);
    },
  );

  test('accepts names and IPv6 addresses, and refuses an empty list and a bad timeout', () => {
    expect(tcpManager({ endpoints: ['node-1.example:7000', '[::1]:7000', '[fe80::1%eth0]:7000'] })).toHaveProperty('create');
    expect(() => tcpManager({ endpoints: [] })).toThrow('empty');
    expect(() => tcpManager({ endpoints: ['a:1'], connectTimeoutMs: -1 })).toThrow('connectTimeoutMs');
  });
});
