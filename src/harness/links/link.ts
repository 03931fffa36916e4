// One link: a listener, and what it accepts is carried to one address.

import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import { type Address, Connection, resetSocket, type Way } from './connection.ts';

export interface LinkOptions {
  readonly listen: Address;
  readonly upstream: Address;
  readonly forward: Way;
  readonly backward: Way;
  readonly clock: Clock;
  readonly forProbe: boolean;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Resolves with the port; rejects with the operating system's error. */
  listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      // Also for later: an accept that fails concerns one connection, not the link.
      this.#server.on('error', reject);
      this.#server.listen({ host, port }, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) connection.cut();
    return closed;
  }

  #accept(dialler: Socket): void {
    const { upstream, forward, backward, clock, forProbe } = this.#options;
    const ways = [forward, backward];
    if (ways.some(({ state }) => state.rule.block === 'cut')) {
      for (const { counters } of ways) {
        counters.connectionsTotal++;
        counters.connectionsRefused++;
      }
      dialler.on('error', () => {});
      resetSocket(dialler);
      return;
    }
    const onClosed = (connection: Connection) => this.#connections.delete(connection);
    this.#connections.add(new Connection({ dialler, upstream, forward, backward, clock, forProbe, onClosed }));
  }
}
