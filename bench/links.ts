// What a link adds: a message of 64 bytes there and back over one TCP connection, directly and through the process of the links.
// The difference is two passages through a link, one each way.

import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { LinkProcess } from '../src/harness/launch/link-process.ts';
import { windtunnelBody } from '../src/harness/launch/server-body.ts';
import type { PreparedSuite, Suite } from '../src/harness/micro/benchmark.ts';
import { known } from '../src/runtime/assert.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { makeTemporaryFolder } from '../src/runtime/temporary-folder.ts';

const MESSAGE = Buffer.alloc(64, 7);

/** Resolves with how many bytes have come back over the connection in all. */
type PingPong = () => Promise<number>;

async function prepare(): Promise<PreparedSuite> {
  const cleanup = new AsyncDisposableStack();
  const accepted = new Set<Socket>();
  const echo = createServer({ noDelay: true }, (socket) => {
    accepted.add(socket);
    socket.on('error', () => {}).on('data', (bytes) => socket.write(bytes));
  });
  cleanup.defer(() => {
    for (const socket of accepted) socket.destroy();
    echo.close();
  });
  const direct = await portOf(echo);

  const folder = makeTemporaryFolder('bench-links');
  cleanup.defer(() => rmSync(folder, { recursive: true }));
  const links = new LinkProcess({
    body: windtunnelBody(['links', '--cluster=bench', '--seed=1'], systemClock),
    logFile: join(folder, 'links.log'),
    clock: systemClock,
    onDeath: () => {},
  });
  cleanup.defer(() => links.stop());
  const upstream = `127.0.0.1:${direct}`;
  const addresses = await links.control.open([
    { from: 'n1', to: 'n2', listen: '127.0.0.1:0', upstream },
    { from: 'n1', to: 'n3', listen: '127.0.0.1:0', upstream },
  ]);
  await links.control.apply([{ from: 'n1', to: 'n3', rule: { bytesPerSecond: 1e9 } }]);
  const [idle, ruled] = addresses.map((address) => Number(address.split(':')[1]));

  const dial = async (port: number): Promise<PingPong> => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    cleanup.defer(() => void socket.destroy());
    await once(socket, 'connect');
    return pingPong(socket);
  };
  return {
    benchmarks: [
      // The floor: no link in between.
      { name: 'ping-pong-direct', kind: 'async', operation: await dial(direct) },
      { name: 'ping-pong-through', kind: 'async', operation: await dial(known(idle, 'opened')) },
      { name: 'ping-pong-through-a-rule', kind: 'async', operation: await dial(known(ruled, 'opened')) },
    ],
    close: () => cleanup.disposeAsync(),
  };
}

function pingPong(socket: Socket): PingPong {
  let received = 0;
  let wanted = 0;
  let done = (_received: number) => {};
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
    if (received === wanted) done(received);
  });
  return () =>
    new Promise((resolve) => {
      wanted += MESSAGE.length;
      done = resolve;
      socket.write(MESSAGE);
    });
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return known(typeof address === 'object' ? address?.port : undefined, 'a TCP server has a port');
}

export default { name: 'links', prepare } satisfies Suite;
