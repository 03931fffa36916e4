// All links of a cluster, and the directions they carry. Several links may carry one direction: those that A dials and those
// that B dials, those for gRPC and those for HTTP.

import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Address, Way } from './connection.ts';
import { DirectionState } from './direction-state.ts';
import { Link, type LinkOptions, type Route } from './link.ts';
import { probe } from './probe.ts';
import { type Direction, type DirectedRule, type DirectionCounters, directionKey } from './rule.ts';
import { acceptSocks } from './socks.ts';

export interface LinkPlan {
  /** Who dials. */
  readonly from: string;
  /** Who is dialled. */
  readonly to: string;
  /** host:port to listen on; port 0 picks a free one. */
  readonly listen: string;
  /** host:port of the node that is dialled. */
  readonly upstream: string;
}

/**
 * All links that one dialler dials, at one address: it is a SOCKS 5 proxy to the dialler, who says there whom it dials. For
 * programs that know every node by one address only, whoever dials it.
 */
export interface SocksPlan {
  /** Who dials. */
  readonly from: string;
  /** host:port to listen on; port 0 picks a free one. */
  readonly listen: string;
  readonly routes: readonly {
    /** Who is dialled. */
    readonly to: string;
    /** What the dialler calls it: host:port. Nobody needs to have that address. */
    readonly address: string;
    /** host:port of the node that is dialled. */
    readonly upstream: string;
  }[];
}

/** A command that cannot be carried out; the message says why. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}

export class LinkTable {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #links: Link[] = [];
  readonly #directions = new Map<string, DirectionState>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Opens links; resolves with where they listen, host:port, in the order given. @throws LinkError */
  open(plans: readonly (LinkPlan | SocksPlan)[]): Promise<string[]> {
    return Promise.all(plans.map((plan) => this.#openOne(plan)));
  }

  /** Puts the rules into force together, under a name by which they are lifted. @throws LinkError; then nothing was changed */
  apply(name: string, rules: readonly DirectedRule[]): void {
    const found = rules.map(({ rule, ...direction }) => ({ rule, state: this.#direction(direction) }));
    for (const { state, rule } of found) state.setRule(name, rule);
  }

  /** Lifts what was applied under the name, everywhere. */
  lift(name: string): void {
    for (const state of this.#directions.values()) state.liftRule(name);
  }

  /** Resets every connection that carries one of the directions; returns how many. @throws LinkError */
  reset(directions: readonly Direction[]): number {
    const found = directions.map((direction) => this.#direction(direction));
    return found.reduce((sum, state) => sum + state.resetAll(), 0);
  }

  counters(): DirectionCounters[] {
    const atMs = this.#clock.now();
    return [...this.#directions.values()].map(({ direction, counters }) => ({ ...direction, atMs, ...counters }));
  }

  /** See `probe`. @throws LinkError */
  probe(direction: Direction, messages: number, timeoutMs: number): Promise<number[]> {
    return probe({ state: this.#direction(direction), messages, timeoutMs, clock: this.#clock });
  }

  async close(): Promise<void> {
    for (const state of this.#directions.values()) state.close();
    await Promise.all(this.#links.map((link) => link.close()));
  }

  async #openOne(plan: LinkPlan | SocksPlan): Promise<string> {
    const listen = addressOf(plan.listen);
    const accept = 'routes' in plan ? this.#socks(plan) : this.#always(plan);
    const link = new Link({ listen, accept, clock: this.#clock, forProbe: false });
    try {
      const port = await link.listen();
      this.#links.push(link);
      return `${listen.host}:${port}`;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const name = 'routes' in plan ? `links of ${plan.from}` : `link ${directionKey(plan)}`;
      throw new LinkError(`the ${name} cannot listen on ${plan.listen}: ${reason}`, { cause: error });
    }
  }

  #always({ from, to, upstream }: LinkPlan): LinkOptions['accept'] {
    const route = this.#route({ from, to }, upstream);
    return (_, carry) => carry(route);
  }

  #socks({ from, routes }: SocksPlan): LinkOptions['accept'] {
    const byAddress = new Map(routes.map(({ to, address, upstream }) => [address, this.#route({ from, to }, upstream)]));
    return (dialler, carry) => acceptSocks(dialler, (address) => byAddress.get(address), carry);
  }

  #route({ from, to }: Direction, upstream: string): Route {
    return {
      upstream: addressOf(upstream),
      forward: this.#way({ from, to }),
      backward: this.#way({ from: to, to: from }),
    };
  }

  #way({ from, to }: Direction): Way {
    const key = directionKey({ from, to });
    let state = this.#directions.get(key);
    if (state === undefined) {
      state = new DirectionState({ from, to }, this.#clock, this.#random.fork(key));
      this.#directions.set(key, state);
    }
    return { state, counters: state.counters };
  }

  #direction(direction: Direction): DirectionState {
    const key = directionKey(direction);
    const state = this.#directions.get(key);
    if (state === undefined)
      throw new LinkError(`no link carries ${key}; there are ${[...this.#directions.keys()].join(', ') || 'none'}`);
    return state;
  }
}

function addressOf(text: string): Address {
  const [, host, port] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === undefined || port === undefined) throw new LinkError(`'${text}' is not host:port`);
  return { host, port: Number(port) };
}
