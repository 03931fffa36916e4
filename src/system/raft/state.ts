// Everything a node remembers between two inputs, and the few steps that every part of the core takes: send, change the hard
// state, append, hand out what is committed. Decisions are made in the files that import this one.

import { assert, known } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';
import { Log } from './log.ts';
import { settingsOf } from './options.ts';
import type { RaftOptions, Settings } from './options.ts';
import { Persistence } from './persistence.ts';
import type { Progress } from './progress.ts';
import type { Effect, Entry, HardState, Message, NodeId } from './protocol.ts';
import { RingQueue } from '../../runtime/ring-queue.ts';

export interface Follower {
  readonly name: 'follower';
  /** The leader of this term, once it was heard. */
  readonly leader: NodeId | undefined;
  /** Up to here the log in memory is the leader's: what it sent was accepted. */
  matchedIndex: number;
  /** The part of `matchedIndex` that was reported to the leader as durable. */
  acknowledgedIndex: number;
  /** The leader's latest broadcast heard. */
  round: number;
  /** While recovering: how far this node must come, as the leader of this term says. */
  recoveryGoal?: number;
}

/** Asks whether an election could be won. The term is still the old one. */
export interface PreCandidate {
  readonly name: 'pre-candidate';
  readonly granted: Set<NodeId>;
}

/** Stands for election in its term. Its own vote is in `granted` only when it is on disk. */
export interface Candidate {
  readonly name: 'candidate';
  readonly granted: Set<NodeId>;
}

/** Where the answer to a read goes: a reader here, or the follower that asks for one. */
export type ReadOrigin = { readonly id: number } | { readonly follower: NodeId; readonly requestId: number };

export interface Leader {
  readonly name: 'leader';
  readonly followers: Map<NodeId, Progress>;
  /** Where its term begins: nothing is known to be committed, and no read is served, before this entry is. */
  readonly firstIndex: number;
  ticksSinceHeartbeat: number;
  /** Counts heartbeat broadcasts. */
  round: number;
  /** Reads that wait for a quorum to answer broadcast `round`. One such group at a time. */
  confirming: { readonly round: number; readonly readIndex: number; readonly reads: readonly ReadOrigin[] } | undefined;
  /** Reads that arrived since; they need a broadcast of their own. */
  queuedReads: ReadOrigin[];
}

export type RoleState = Follower | PreCandidate | Candidate | Leader;

/** A read whose index is known: it waits for the state machine. */
export interface IndexedRead {
  readonly id: number;
  readonly readIndex: number;
}

/**
 * Invariants:
 * 1. appliedIndex <= handedIndex <= min(commitIndex, durable index) <= lastIndex.
 * 2. The term never decreases; within a term, a vote once given is never changed.
 * 3. No message leaves that depends on a term, vote or entry that is not on disk. (A leader's append-requests carry entries
 *    that its own disk may lack; it does not count itself until it has them.)
 */
export class State {
  readonly settings: Settings;
  readonly random: Random;
  readonly log: Log;
  readonly persistence: Persistence;
  /** Of a node that lost its disk; `reported`: the host was told that it has caught up. */
  readonly recovery: { readonly incarnation: number; over: boolean; reported: boolean } | undefined;

  role: RoleState = { name: 'follower', leader: undefined, matchedIndex: 0, acknowledgedIndex: 0, round: 0 };
  commitIndex: number;
  /** The last entry given to the host in an `apply` effect. */
  handedIndex: number;
  appliedIndex: number;

  /** Ticks since the start. */
  nowTick = 0;
  /** When this node stands for election unless something happens before. */
  electionTick = 0;
  /** When a leader was last heard, for the refusal to elect another one. */
  leaderHeardTick = Number.NEGATIVE_INFINITY;

  /** Reads asked of the leader, by request id, in the order in which they expire. */
  readonly askedReads = new Map<number, { readonly id: number; readonly expiresTick: number }>();
  nextReadRequestId: number;
  /** In order of their read index. */
  indexedReads = new RingQueue<IndexedRead>();

  #hardState: HardState;
  /** Messages that wait for the hard state to be durable. */
  readonly #held = new RingQueue<Message>();
  #effects: Effect[] = [];

  constructor(options: RaftOptions) {
    this.settings = settingsOf(options);
    this.random = options.random;
    this.log = new Log(options.entries);
    this.persistence = new Persistence(options.entries.length);
    this.#hardState = options.hardState;
    this.recovery = options.recovery && { ...options.recovery, reported: false };
    this.commitIndex = options.appliedIndex;
    this.handedIndex = options.appliedIndex;
    this.appliedIndex = options.appliedIndex;
    // An answer to the previous run of this node must not be taken for an answer to this one.
    this.nextReadRequestId = options.random.integer(1, 2 ** 48);
    this.resetElectionTimer();
  }

  get term(): number {
    return this.#hardState.term;
  }

  get votedFor(): NodeId | undefined {
    return this.#hardState.votedFor;
  }

  get leader(): NodeId | undefined {
    if (this.role.name === 'leader') return this.settings.id;
    return this.role.name === 'follower' ? this.role.leader : undefined;
  }

  /** Dissertation 4.2.3: who hears a leader does not help to replace it. Without check-quorum a dead leader could live on in it. */
  get hearsLeader(): boolean {
    if (!this.settings.checkQuorum) return false;
    return this.role.name === 'leader' || this.nowTick - this.leaderHeardTick < this.settings.electionMinTicks;
  }

  resetElectionTimer(): void {
    const { electionMinTicks, electionMaxTicks } = this.settings;
    this.electionTick = this.nowTick + this.random.integer(electionMinTicks, electionMaxTicks);
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  setHardState(term: number, votedFor: NodeId | undefined): void {
    assert(term >= this.term, `term ${this.term} cannot become ${term}`);
    assert(term > this.term || this.votedFor === undefined, `already voted for ${this.votedFor} in term ${term}`);
    // What was held was said in the old term; nobody waits for it any more.
    if (term > this.term) this.#held.clear();
    this.#hardState = { term, votedFor };
    this.persistence.hardStateChanged(this.#effects, this.#hardState);
  }

  /** Sends now, or as soon as the term and the vote that the message speaks of are on disk. */
  send(message: Message): void {
    if (this.persistence.hardStateIsDurable) this.#effects.push({ type: 'send', message });
    else this.#held.push(message);
  }

  releaseHeld(): void {
    if (!this.persistence.hardStateIsDurable) return;
    for (let message = this.#held.shift(); message !== undefined; message = this.#held.shift()) {
      this.#effects.push({ type: 'send', message });
    }
  }

  /** Appends entries, after removing what stands in their place. */
  append(entries: readonly Entry[]): void {
    const from = known(entries[0], 'entries to append').index;
    const replaces = from <= this.log.lastIndex;
    if (replaces) {
      assert(from > this.commitIndex, `entry ${from} would replace a committed one (commit index ${this.commitIndex})`);
      this.log.truncateFrom(from);
    }
    this.log.append(entries);
    this.persistence.entriesChanged(this.#effects, from, replaces);
  }

  commitUpTo(index: number): void {
    if (index <= this.commitIndex) return;
    const term = known(this.log.termAt(index), `committed index ${index} is beyond the log's end ${this.log.lastIndex}`);
    this.commitIndex = index;
    this.#effects.push({ type: 'event', event: { type: 'commit', index, term } });
  }

  /** Gives the host what is committed and durable here: the state machine must never be ahead of the log it is rebuilt from. */
  handOutCommitted(): void {
    const upTo = Math.min(this.commitIndex, this.persistence.durableIndex);
    if (upTo <= this.handedIndex) return;
    this.#effects.push({ type: 'apply', entries: this.log.range(this.handedIndex + 1, upTo) });
    this.handedIndex = upTo;
  }

  /** Ends a step: closes its persist effect and returns everything it asked for. */
  takeEffects(): Effect[] {
    this.persistence.finish(this.nowTick, this.log.lastIndex, (from) => this.log.range(from, this.log.lastIndex));
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
