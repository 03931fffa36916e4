// What a leader believes about one follower, and how fast it may send to it. The idea of the two states is etcd/raft's.

import { assert } from '../../runtime/assert.ts';
import { RingQueue } from '../../runtime/ring-queue.ts';

/**
 * - `probe`: where the logs agree is a guess. One request with entries at a time; `nextIndex` moves with the answers.
 * - `replicate`: the guess was confirmed. Requests are pipelined, `nextIndex` runs ahead of the answers. A heartbeat is sent
 *   at `nextIndex - 1`, so a lost request shows as the rejection of the next heartbeat and leads back to `probe`.
 *
 * Invariants:
 * 1. matchIndex < nextIndex; matchIndex never decreases.
 * 2. The follower's disk holds the leader's log up to matchIndex.
 */
export class Progress {
  #state: 'probe' | 'replicate' = 'probe';
  #matchIndex = 0;
  #nextIndex: number;
  /** In `probe`: a request with entries is unanswered. */
  #probing = false;
  /** In `replicate`: the last index of each unanswered request with entries. */
  readonly #inflight = new RingQueue<number>();
  readonly #maxInflight: number;
  /** The highest broadcast that the follower answered in this term. */
  answeredRound = 0;
  /** The leader's tick at which the follower answered last. */
  heardTick: number;
  /** Which disk of the follower this is about; 0: the first one. */
  readonly incarnation: number;
  /**
   * While the follower recovers from the loss of its disk it counts towards no majority. The broadcast that all others must answer,
   * and the end of the log when it was sent.
   */
  recovery: { readonly round: number; readonly upTo: number } | undefined;

  constructor(nextIndex: number, maxInflight: number, nowTick: number, incarnation = 0) {
    this.incarnation = incarnation;
    this.#nextIndex = nextIndex;
    this.#maxInflight = maxInflight;
    // A new leader gives everybody one election timeout to answer.
    this.heardTick = nowTick;
  }

  /** Whether what the follower says counts towards a majority. */
  get counts(): boolean {
    return this.recovery === undefined;
  }

  get state(): 'probe' | 'replicate' {
    return this.#state;
  }

  get matchIndex(): number {
    return this.#matchIndex;
  }

  get nextIndex(): number {
    return this.#nextIndex;
  }

  get inflight(): number {
    return this.#state === 'probe' ? Number(this.#probing) : this.#inflight.length;
  }

  /** Whether another request with entries may be sent now. */
  get canSend(): boolean {
    return this.#state === 'probe' ? !this.#probing : this.#inflight.length < this.#maxInflight;
  }

  /** A request with entries up to `lastIndex` was sent. */
  sent(lastIndex: number): void {
    assert(this.canSend && lastIndex >= this.#nextIndex, `sent ${lastIndex} at next index ${this.#nextIndex}`);
    if (this.#state === 'probe') {
      this.#probing = true;
      return;
    }
    this.#inflight.push(lastIndex);
    this.#nextIndex = lastIndex + 1;
  }

  /** The follower's disk agrees up to `matchIndex`. Returns whether that is news. */
  accepted(matchIndex: number): boolean {
    const advanced = matchIndex > this.#matchIndex;
    this.#matchIndex = Math.max(this.#matchIndex, matchIndex);
    this.#nextIndex = Math.max(this.#nextIndex, this.#matchIndex + 1);
    this.#state = 'replicate';
    this.#probing = false;
    for (let first = this.#inflight.first; first !== undefined && first <= matchIndex; first = this.#inflight.first) {
      this.#inflight.shift();
    }
    return advanced;
  }

  /**
   * The follower refused a request that began after `rejectedIndex`; the logs can agree at `agreeIndex` at the latest.
   * Returns false for the answer to an old request, which says nothing.
   */
  rejected(rejectedIndex: number, agreeIndex: number): boolean {
    const stale = this.#state === 'probe' ? rejectedIndex !== this.#nextIndex - 1 : rejectedIndex >= this.#nextIndex;
    if (stale || rejectedIndex <= this.#matchIndex) return false;
    this.#nextIndex = Math.max(this.#matchIndex, Math.min(agreeIndex, rejectedIndex - 1)) + 1;
    this.#state = 'probe';
    this.#probing = false;
    this.#inflight.clear();
    return true;
  }
}
