// Servers to be loaded, well-behaved and not, on loopback; and a target that loads them.

import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../../runtime/clock.ts';
import { Random } from '../../../runtime/random.ts';
import type { Target } from '../../load/operation.ts';
import { scenarioOf } from '../../load/testing/fake-server.ts';
import type { Load } from '../../scenario/loads.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { Workload } from '../../scenario/workloads.ts';
import { connectTarget } from '../connect.ts';

export interface TestServer {
  /** host:port */
  readonly address: string;
  /** How many connections were ever made. */
  readonly connections: () => number;
  /** How many are open. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** A server that speaks HTTP. */
export function httpServer(answer: RequestListener): Promise<TestServer> {
  return listening(createServer({ keepAliveTimeout: 60_000 }, answer));
}

/** One that answers the bytes of each request that came on a connection (its first is 0) with whatever it likes. */
export function rawServer(answer: (socket: Socket, request: number) => void): Promise<TestServer> {
  return listening(
    createTcpServer((socket) => {
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', () => answer(socket, requests++));
    }),
  );
}

async function listening(server: Server): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** An address at which nobody listens. */
export async function closedPort(): Promise<string> {
  const server = await httpServer(() => {});
  await server.close();
  return server.address;
}

/** A target with one load, `a`, of the workload. */
export function targetOf(
  workload: Workload,
  addresses: { readonly endpoints?: readonly string[]; readonly httpEndpoints?: readonly string[] } = {},
  more: Partial<Scenario> = {},
): Promise<Target> {
  const load = { executor: 'constant-vus', vus: 1, duration: '10s', workload } as Load;
  return connectTarget({
    endpoints: [],
    httpEndpoints: [],
    ...addresses,
    scenario: scenarioOf({ a: load }, { operationTimeout: '30s', ...more }),
    clock: systemClock,
    random: new Random(1),
  });
}
