// What must hold after every step of every node, whatever happens to it: the properties of dissertation figure 3.2, and what
// durability and clients add to them. It sees only inputs, effects and disks, so it costs time in proportion to what changed.

import type { Effect, Entry, HardState, Message, NodeId, Role } from '../protocol.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

export type InvariantName =
  | 'election safety'
  | 'leader append-only'
  | 'log matching'
  | 'leader completeness'
  | 'state machine safety'
  | 'commits its own term'
  | 'committed is durable'
  | 'said when durable'
  | 'one vote per term'
  | 'hard state never regresses'
  | 'applies in order'
  | 'acknowledged write kept'
  | 'linearizable reads'
  | 'answers each request once'
  | 'assertion'
  | 'liveness';

export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
  readonly invariant: InvariantName;

  constructor(invariant: InvariantName, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

interface View {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  /** The log in the node's memory, as its persist effects tell it. */
  log: Entry[];
  hardState: HardState;
  role: Role;
  commitIndex: number;
  handedIndex: number;
  /** The highest term in which it said something. */
  saidTerm: number;
  /** Term -> whom it voted for, as others could hear it, over all its lives. */
  readonly votes: Map<number, NodeId>;
  /** What was on its disk when it was lost, by index - 1, over all losses: it was there when the node said so. */
  readonly lost: Entry[][];
}

export class Invariants {
  readonly #views = new Map<NodeId, View>();
  readonly #quorum: number;
  /** Whether a lie about the disk is a violation at once, or only when it has consequences. */
  readonly #demandDurability: boolean;
  readonly #leaders = new Map<number, NodeId>();
  /** By index and term: the term of the entry before, and the data. */
  readonly #entries = new Map<number, { readonly previousTerm: number; readonly data: Uint8Array }>();
  /** By index - 1: the term of the committed entry, and the term in which it was first seen committed. */
  readonly #committed: { readonly term: number; readonly seenInTerm: number }[] = [];
  /** By index: the term of an entry whose client was told that it is safe. */
  readonly #acknowledged = new Map<number, number>();
  #visibleIndex = 0;
  /** How often a node replaced entries. */
  truncations = 0;

  constructor(disks: ReadonlyMap<NodeId, SimulatedDisk>, demandDurability: boolean) {
    this.#quorum = Math.floor(disks.size / 2) + 1;
    this.#demandDurability = demandDurability;
    for (const [id, disk] of disks) {
      const empty = { log: [], commitIndex: 0, handedIndex: 0, saidTerm: 0, lost: [] };
      this.#views.set(id, { id, disk, hardState: disk.hardState, role: 'follower', votes: new Map(), ...empty });
    }
  }

  get committedCount(): number {
    return this.#committed.length;
  }

  /** Every read that begins now must see at least this much. */
  get visibleIndex(): number {
    return this.#visibleIndex;
  }

  /** A node starts from its disk. */
  started(id: NodeId, hardState: HardState, appliedIndex: number): void {
    const view = this.#view(id);
    if (hardState.term < view.saidTerm) {
      fail('hard state never regresses', `${id} spoke in term ${view.saidTerm} and restarts in term ${hardState.term}`);
    }
    view.log = [...view.disk.entries];
    view.hardState = hardState;
    view.role = 'follower';
    view.commitIndex = appliedIndex;
    view.handedIndex = appliedIndex;
    for (let index = 1; index <= appliedIndex; index++) this.#checkCommitted(view, index);
  }

  /**
   * A node's disk is lost. What it said of it counts on: entries that it had may be committed on the strength of that, and the votes
   * it gave stay given, except to itself, which only its memory could make use of.
   */
  lostDisk(id: NodeId): void {
    const view = this.#view(id);
    view.lost.push(view.disk.entries);
    view.saidTerm = 0;
    for (const [term, candidate] of view.votes) if (candidate === id && this.#leaders.get(term) !== id) view.votes.delete(term);
  }

  check(id: NodeId, effects: readonly Effect[]): void {
    const view = this.#view(id);
    // A step has one persist effect. It stands where the first thing to persist came up, but its entries are those of the role
    // in which the step ended.
    for (const effect of effects) if (effect.type === 'event' && effect.event.type === 'role') view.role = effect.event.role;
    for (const effect of effects) {
      if (effect.type === 'persist') this.#persists(view, effect.hardState, effect.entries);
      else if (effect.type === 'send') this.#says(view, effect.message);
      else if (effect.type === 'apply') this.#applies(view, effect.entries);
      else if (effect.type === 'event' && effect.event.type === 'role') this.#becomes(view, effect.event.role, effect.event.term);
      else if (effect.type === 'event' && effect.event.type === 'commit')
        this.#commits(view, effect.event.index, effect.event.term);
    }
  }

  /** A client is told that its write at this index and term is safe. */
  acknowledged(index: number, term: number): void {
    this.#acknowledged.set(index, term);
    this.#checkAcknowledged(index);
  }

  /** Clients know by now that the state machine has come so far. */
  visible(index: number): void {
    this.#visibleIndex = Math.max(this.#visibleIndex, index);
  }

  #persists(view: View, hardState: HardState | undefined, entries: readonly Entry[]): void {
    if (hardState !== undefined) {
      const { term, votedFor } = view.hardState;
      if (hardState.term < term || (hardState.term === term && votedFor !== undefined && votedFor !== hardState.votedFor)) {
        fail('hard state never regresses', `${view.id} goes from ${term}/${votedFor} to ${hardState.term}/${hardState.votedFor}`);
      }
      view.hardState = hardState;
    }
    const first = entries[0];
    if (first === undefined) return;
    if (view.role === 'leader' && first.index !== view.log.length + 1) {
      fail('leader append-only', `${view.id} leads and rewrites index ${first.index} of ${view.log.length}`);
    }
    for (let index = first.index; index <= view.log.length; index++) {
      if (this.#committed[index - 1]?.term === view.log[index - 1]?.term) {
        fail('state machine safety', `${view.id} removes the committed entry at ${index}`);
      }
    }
    if (first.index <= view.log.length) this.truncations++;
    view.log.length = first.index - 1;
    for (const entry of entries) {
      this.#checkLogMatching(view, entry);
      view.log.push(entry);
    }
  }

  /** By induction: entries of one index and term are the same, and so are the ones before them. */
  #checkLogMatching(view: View, entry: Entry): void {
    const key = entry.index * 2 ** 20 + entry.term;
    const previousTerm = view.log.at(-1)?.term ?? 0;
    const known = this.#entries.get(key);
    if (known === undefined) this.#entries.set(key, { previousTerm, data: entry.data });
    else if (known.previousTerm !== previousTerm || known.data !== entry.data) {
      fail('log matching', `${view.id} has another entry, or another one before it, at ${entry.index}:${entry.term}`);
    }
  }

  #becomes(view: View, role: Role, term: number): void {
    view.role = role;
    if (role !== 'leader') return;
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== view.id) fail('election safety', `${other} and ${view.id} lead in term ${term}`);
    this.#leaders.set(term, view.id);
    this.#committed.forEach(({ term: committedTerm, seenInTerm }, at) => {
      // A leader that is elected late, in an older term than the commit, cannot do harm and need not have it.
      if (seenInTerm < term && view.log[at]?.term !== committedTerm) {
        fail(
          'leader completeness',
          `${view.id} leads term ${term} without ${at + 1}:${committedTerm}, committed by term ${seenInTerm}`,
        );
      }
    });
  }

  #commits(view: View, upTo: number, term: number): void {
    if (view.role === 'leader' && term !== view.hardState.term) {
      fail('commits its own term', `${view.id} leads term ${view.hardState.term} and commits ${upTo}:${term} by counting`);
    }
    for (let index = view.commitIndex + 1; index <= upTo; index++) this.#checkCommitted(view, index);
    view.commitIndex = upTo;
  }

  #checkCommitted(view: View, index: number): void {
    const term = view.log[index - 1]?.term;
    const committed = this.#committed[index - 1];
    if (term === undefined) fail('state machine safety', `${view.id} commits ${index}, which it does not have`);
    if (committed !== undefined) {
      if (committed.term !== term) {
        fail('state machine safety', `${view.id} commits ${index}:${term}, but ${index}:${committed.term} was committed`);
      }
      return;
    }
    this.#committed.push({ term, seenInTerm: view.hardState.term });
    let holders = 0;
    for (const { disk, lost } of this.#views.values()) {
      if (disk.holds(index, term) || lost.some((entries) => entries[index - 1]?.term === term)) holders++;
    }
    if (this.#demandDurability && holders < this.#quorum) {
      fail('committed is durable', `${view.id} commits ${index}:${term}, which is on ${holders} disks`);
    }
    this.#checkAcknowledged(index);
  }

  #checkAcknowledged(index: number): void {
    const told = this.#acknowledged.get(index);
    const committed = this.#committed[index - 1];
    if (told !== undefined && committed !== undefined && committed.term !== told) {
      fail('acknowledged write kept', `${index}:${told} was acknowledged, but ${index}:${committed.term} is committed`);
    }
  }

  #applies(view: View, entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== view.handedIndex + 1) {
        fail('applies in order', `${view.id} applies ${entry.index} after ${view.handedIndex}`);
      }
      if (this.#committed[entry.index - 1]?.term !== entry.term) {
        fail('state machine safety', `${view.id} applies ${entry.index}:${entry.term}, which is not committed`);
      }
      if (this.#demandDurability && !view.disk.holds(entry.index, entry.term)) {
        fail('committed is durable', `${view.id} applies ${entry.index}:${entry.term}, which is not on its own disk`);
      }
      view.handedIndex++;
    }
  }

  #says(view: View, message: Message): void {
    const hypothetical = message.type === 'pre-vote-request' || (message.type === 'pre-vote-response' && message.granted);
    if (hypothetical) return;
    view.saidTerm = Math.max(view.saidTerm, message.term);
    if (this.#demandDurability && view.disk.hardState.term !== message.term) {
      fail(
        'said when durable',
        `${view.id} says ${message.type} in term ${message.term}; on disk is ${view.disk.hardState.term}`,
      );
    }
    if (message.type === 'vote-request') this.#votes(view, message.term, view.id);
    else if (message.type === 'vote-response' && message.granted) this.#votes(view, message.term, message.to);
    else if (message.type === 'append-response' && message.accepted && message.matchIndex > 0) {
      const term = view.log[message.matchIndex - 1]?.term ?? -1;
      if (this.#demandDurability && !view.disk.holds(message.matchIndex, term)) {
        fail('said when durable', `${view.id} acknowledges ${message.matchIndex}:${term}, which is not on its disk`);
      }
    }
  }

  #votes(view: View, term: number, candidate: NodeId): void {
    const before = view.votes.get(term);
    if (before !== undefined && before !== candidate) {
      fail('one vote per term', `${view.id} votes for ${before} and for ${candidate} in term ${term}`);
    }
    view.votes.set(term, candidate);
    if (this.#demandDurability && view.disk.hardState.votedFor !== candidate) {
      fail('said when durable', `${view.id} votes for ${candidate} in term ${term}; on disk is ${view.disk.hardState.votedFor}`);
    }
  }

  #view(id: NodeId): View {
    return this.#views.get(id) as View;
  }
}

function fail(invariant: InvariantName, detail: string): never {
  throw new InvariantViolation(invariant, detail);
}
