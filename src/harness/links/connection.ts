// One TCP connection through a link: the socket that was accepted, the socket to the node, and a pipe each way.

import { connect, type Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import type { DirectionState, MutableCounters, Resettable } from './direction-state.ts';
import { Pipe, type PipeSink, type PipeSource } from './pipe.ts';

/** One way through a connection. */
export interface Way {
  readonly state: DirectionState;
  /** Usually those of `state`. */
  readonly counters: MutableCounters;
}

export interface ConnectionOptions {
  /** Accepted, half-open ends allowed, not read from yet. */
  readonly dialler: Socket;
  readonly upstream: Address;
  /** From who dialled. */
  readonly forward: Way;
  readonly backward: Way;
  readonly clock: Clock;
  /** Resets do not befall it, nor are they counted for it. */
  readonly forProbe: boolean;
  readonly onClosed: (connection: Connection) => void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export class Connection implements Resettable {
  readonly #options: ConnectionOptions;
  readonly #dialler: Socket;
  readonly #forward: Pipe;
  readonly #backward: Pipe;
  #upstream: Socket | undefined;
  #open = 1;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { dialler, forward, backward, clock } = options;
    this.#dialler = dialler;
    const near = endOf(() => dialler);
    const far = endOf(() => this.#upstream);
    this.#forward = new Pipe({
      direction: forward.state,
      counters: forward.counters,
      source: near,
      sink: far,
      clock,
      sinkReady: false,
    });
    this.#backward = new Pipe({
      direction: backward.state,
      counters: backward.counters,
      source: far,
      sink: near,
      clock,
      sinkReady: true,
    });
    for (const { state, counters } of this.#ways) {
      if (options.forProbe) state.addFollower(this);
      else state.addConnection(this);
      counters.connectionsTotal++;
      counters.connectionsOpen++;
    }
    // A dialler that gives up before anybody answered leaves nothing to tell the other side.
    this.#join(dialler, this.#forward, this.#backward, () => this.#upstream === undefined && resetSocket(dialler));
    this.reconsider();
    dialler.resume();
  }

  /**
   * Reaches out to the node as soon as both directions are free: without either, TCP's handshake would not come about. (The
   * dialler's own handshake was with the link, so it believes that it is connected and waits for a first answer.)
   */
  reconsider(): void {
    const { upstream, forward, backward } = this.#options;
    const blocked = forward.state.rule.block !== undefined || backward.state.rule.block !== undefined;
    if (this.#upstream !== undefined || this.#dialler.destroyed || blocked) return;
    const socket = connect({ ...upstream, allowHalfOpen: true, noDelay: true });
    this.#upstream = socket;
    this.#open++;
    socket.once('connect', () => this.#forward.sinkReady());
    this.#join(socket, this.#backward, this.#forward, () => {});
  }

  /** RST to both ends; with a delay of closes in force, to the one that dialled now and to the other after it. */
  reset(): void {
    resetSocket(this.#dialler);
    if (this.#upstream && this.#options.forward.state.rule.closeDelayMs === undefined) resetSocket(this.#upstream);
  }

  /** RST to both ends now. */
  cut(): void {
    resetSocket(this.#dialler);
    if (this.#upstream) resetSocket(this.#upstream);
  }

  get #ways(): readonly Way[] {
    return [this.#options.forward, this.#options.backward];
  }

  /** @param outgoing takes what the socket reads; @param incoming is what it writes. */
  #join(socket: Socket, outgoing: Pipe, incoming: Pipe, onEnd: () => void): void {
    socket.on('data', (bytes: Buffer) => outgoing.push(bytes));
    socket.on('drain', () => incoming.sinkReady());
    socket.on('end', () => {
      outgoing.end();
      onEnd();
    });
    // 'close' follows and says the same.
    socket.on('error', () => {});
    socket.on('close', () => {
      incoming.destroy();
      const complete = socket.readableEnded && socket.writableFinished && !socket.errored;
      if (!complete) outgoing.abort();
      this.#closed();
    });
  }

  #closed(): void {
    if (--this.#open > 0) return;
    // Whoever was still to hear of it was never reached.
    this.#forward.destroy();
    this.#backward.destroy();
    for (const { state, counters } of this.#ways) {
      state.removeFollower(this);
      state.removeConnection(this);
      counters.connectionsOpen--;
    }
    this.#options.onClosed(this);
  }
}

/**
 * RST. A half that is being closed cannot be reset any more (libuv refuses, and Node then leaves the socket open for ever): that
 * one is closed.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** One end of a pipe. What is done to a socket that is not there, or no more, is done to nobody. */
function endOf(socket: () => Socket | undefined): PipeSource & PipeSink {
  return {
    pause: () => void socket()?.pause(),
    resume: () => void socket()?.resume(),
    write: (bytes) => socket()?.write(bytes) ?? true,
    end: () => void socket()?.end(),
    abort() {
      const there = socket();
      if (there) resetSocket(there);
    },
  };
}
