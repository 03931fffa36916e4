// One direction: the rules that are in force on it, the chances and the bandwidth that its connections share, and its counters.

import type { Cancel, Clock } from '../../runtime/clock.ts';
import { known } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';
import { combineRules, type Direction, type DirectionCounters, type LinkRule } from './rule.ts';

export type MutableCounters = { -readonly [name in keyof Omit<DirectionCounters, keyof Direction | 'atMs'>]: number };

/** What a direction tells when its rules have changed. */
export interface RuleFollower {
  reconsider(): void;
}

/** What a direction can reset: a connection that carries it. */
export interface Resettable extends RuleFollower {
  reset(): void;
  cut(): void;
}

/** What a packet carries in an Ethernet: loss befalls packets. */
const PACKET_BYTES = 1_460;

/** Then TCP, too, would soon give up. */
const MOST_RETRANSMISSIONS = 8;

/** Bytes leave in pieces that take so long, so that a limit is even within a second. */
const PIECE_MS = 20;
const LARGEST_PIECE_BYTES = 16_384;

export class DirectionState {
  readonly direction: Direction;
  readonly counters: MutableCounters = newCounters();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #layers = new Map<string, LinkRule>();
  readonly #followers = new Set<RuleFollower>();
  readonly #connections = new Set<Resettable>();
  #rule: LinkRule = {};
  #idle = true;
  /** Until when the bandwidth is given away. */
  #takenUntilMs = 0;
  #bandwidthEpoch = 0;
  #cancelReset: Cancel | undefined;

  constructor(direction: Direction, clock: Clock, random: Random) {
    this.direction = direction;
    this.#clock = clock;
    this.#random = random;
  }

  /** What the rules together are. */
  get rule(): LinkRule {
    return this.#rule;
  }

  /** Whether everything goes straight through. */
  get idle(): boolean {
    return this.#idle;
  }

  /** Changes with the bandwidth: what was reserved before is worth nothing. */
  get bandwidthEpoch(): number {
    return this.#bandwidthEpoch;
  }

  /** Puts a rule into force under a name, beside those of other names. In force when this returns. */
  setRule(name: string, rule: LinkRule): void {
    this.#layers.set(name, rule);
    this.#change();
  }

  /** Lifts the rule of that name, if there is one. */
  liftRule(name: string): void {
    if (this.#layers.delete(name)) this.#change();
  }

  addFollower(follower: RuleFollower): void {
    this.#followers.add(follower);
  }

  removeFollower(follower: RuleFollower): void {
    this.#followers.delete(follower);
  }

  /** Resets befall it, too. */
  addConnection(connection: Resettable): void {
    this.#connections.add(connection);
  }

  removeConnection(connection: Resettable): void {
    this.#connections.delete(connection);
  }

  /** Resets every connection that carries this direction; returns how many. */
  resetAll(how: 'reset' | 'cut' = 'reset'): number {
    const connections = [...this.#connections];
    for (const connection of connections) connection[how]();
    this.counters.resets += connections.length;
    return connections.length;
  }

  /** How much later a chunk of `bytes` arrives, as far as chance and delay go. Draws a new chance with each call. */
  drawDelay(bytes: number, counters: MutableCounters): number {
    const { delayMs = 0, jitterMs = 0, lossProbability = 0 } = this.#rule;
    const jitter = jitterMs > 0 ? this.#random.float() * jitterMs : 0;
    const lost = lossProbability > 0 ? this.#drawLoss(bytes, lossProbability) : 0;
    if (lost > 0) counters.chunksLost++;
    return delayMs + jitter + lost;
  }

  /** At most so many bytes may be reserved at once. */
  get pieceBytes(): number {
    const perPiece = ((this.#rule.bytesPerSecond ?? Number.POSITIVE_INFINITY) * PIECE_MS) / 1_000;
    return Math.max(1, Math.min(LARGEST_PIECE_BYTES, Math.floor(perPiece)));
  }

  /** Takes the next place for so many bytes; returns when they may leave. First come, first served, over all connections. */
  reserve(bytes: number): number {
    const bytesPerSecond = known(this.#rule.bytesPerSecond, 'reserved only where bandwidth is limited');
    this.#takenUntilMs = Math.max(this.#takenUntilMs, this.#clock.now()) + (bytes / bytesPerSecond) * 1_000;
    return this.#takenUntilMs;
  }

  close(): void {
    this.#cancelReset?.();
    this.#cancelReset = undefined;
  }

  /** The extra time until every packet has come through: those lost in one round are sent again in the next. */
  #drawLoss(bytes: number, probability: number): number {
    const { retransmitMs = 0 } = this.#rule;
    let packets = Math.ceil(bytes / PACKET_BYTES);
    let delayMs = 0;
    for (let round = 0; round < MOST_RETRANSMISSIONS; round++) {
      let lost = 0;
      for (let packet = 0; packet < packets; packet++) if (this.#random.chance(probability)) lost++;
      if (lost === 0) break;
      delayMs += retransmitMs * 2 ** round;
      packets = lost;
    }
    return delayMs;
  }

  #change(): void {
    const before = this.#rule;
    this.#rule = combineRules([...this.#layers.values()]);
    this.#idle = Object.keys(this.#rule).length === 0;
    if (before.bytesPerSecond !== this.#rule.bytesPerSecond) {
      this.#bandwidthEpoch++;
      this.#takenUntilMs = 0;
    }
    if (this.#rule.block === 'cut' && before.block !== 'cut') this.resetAll('cut');
    if (before.resetEveryMs !== this.#rule.resetEveryMs) {
      this.close();
      this.#resetEvery(this.#rule.resetEveryMs);
    }
    for (const connection of this.#connections) connection.reconsider();
    for (const follower of this.#followers) follower.reconsider();
  }

  #resetEvery(everyMs: number | undefined): void {
    if (everyMs === undefined) return;
    this.resetAll();
    this.#cancelReset = this.#clock.scheduleBackground(everyMs, () => this.#resetEvery(everyMs));
  }
}

export function newCounters(): MutableCounters {
  return {
    bytesIn: 0,
    bytesForwarded: 0,
    bytesHeld: 0,
    bytesDiscarded: 0,
    connectionsOpen: 0,
    connectionsTotal: 0,
    connectionsRefused: 0,
    resets: 0,
    chunksDelayed: 0,
    chunksLost: 0,
    chunksThrottled: 0,
    closesDelayed: 0,
  };
}
