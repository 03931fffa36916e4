// Measures how long a small message takes in one direction: through sockets, a link of its own and the direction's rules, but
// not through its counters.

import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { DirectionState, newCounters } from './direction-state.ts';
import { Link } from './link.ts';

const LOOPBACK = '127.0.0.1';
const MESSAGE = new Uint8Array(64);

export interface ProbeOptions {
  readonly state: DirectionState;
  /** One after the other, >= 1. */
  readonly messages: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * The milliseconds that each message took to arrive; fewer than asked for when the rest did not within `timeoutMs`: none where
 * the direction is blocked.
 */
export async function probe({ state, messages, timeoutMs, clock }: ProbeOptions): Promise<number[]> {
  const samplesMs: number[] = [];
  await using cleanup = new AsyncDisposableStack();
  const { promise: broken, resolve: breakOff } = Promise.withResolvers<void>();

  let arrived = 0;
  let onArrival = () => {};
  const received = new Set<Socket>();
  const receiver = createServer((socket) => {
    received.add(socket);
    socket.on('error', () => {}).on('close', () => received.delete(socket));
    socket.on('data', (bytes) => {
      arrived += bytes.length;
      onArrival();
    });
  });
  const port = await listenOnLoopback(receiver);
  cleanup.defer(() => {
    receiver.close();
    for (const socket of received) socket.destroy();
  });
  const route = {
    upstream: { host: LOOPBACK, port },
    forward: { state, counters: newCounters() },
    backward: { state: new DirectionState({ from: 'probe', to: 'probe' }, clock, new Random(0)), counters: newCounters() },
  };
  const link = new Link({
    listen: { host: LOOPBACK, port: 0 },
    accept: (_, carry) => carry(route),
    clock,
    forProbe: true,
  });
  const linkPort = await link.listen();
  cleanup.defer(() => link.close());
  const sender: Socket = connect({ host: LOOPBACK, port: linkPort, noDelay: true });
  sender.on('error', () => breakOff()).on('close', () => breakOff());
  cleanup.defer(() => void sender.destroy());

  const sendOne = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wanted = arrived + MESSAGE.length;
    onArrival = () => arrived >= wanted && resolve();
    const sentMs = clock.now();
    sender.write(MESSAGE);
    await promise;
    samplesMs.push(clock.now() - sentMs);
  };
  const sendAll = async () => {
    // The first one waits for the connections, too, and says nothing about the link.
    await sendOne();
    samplesMs.length = 0;
    while (samplesMs.length < messages) await sendOne();
  };
  const over = new AbortController();
  await Promise.race([sendAll(), broken, sleep(clock, timeoutMs, over.signal).catch(() => {})]);
  over.abort();
  return samplesMs;
}

function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
