// One link: a listener, and what it accepts is carried to an address.

import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import { type Address, Connection, resetSocket, type Way } from './connection.ts';

/** Where a connection goes, and which directions it carries. */
export interface Route {
  readonly upstream: Address;
  readonly forward: Way;
  readonly backward: Way;
}

export interface LinkOptions {
  readonly listen: Address;
  /** Says of an accepted connection, at once or after a word with the dialler, how to carry it on; or closes it. */
  readonly accept: (dialler: Socket, carry: (route: Route) => void) => void;
  readonly clock: Clock;
  readonly forProbe: boolean;
}

export class Link {
  readonly #options: LinkOptions;
  readonly #server: Server;
  /** Accepted, and not carried on yet. */
  readonly #waiting = new Set<Socket>();
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
    for (const dialler of this.#waiting) dialler.destroy();
    for (const connection of this.#connections) connection.cut();
    return closed;
  }

  #accept(dialler: Socket): void {
    this.#waiting.add(dialler);
    // Nobody may be left to hear of an error of a socket that waits; its end is noticed by 'close'.
    const onError = () => {};
    const onClose = () => this.#waiting.delete(dialler);
    dialler.on('error', onError).on('close', onClose);
    this.#options.accept(dialler, (route) => {
      this.#waiting.delete(dialler);
      dialler.off('close', onClose);
      this.#carry(dialler, route);
      dialler.off('error', onError);
    });
  }

  #carry(dialler: Socket, { upstream, forward, backward }: Route): void {
    const { clock, forProbe } = this.#options;
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
