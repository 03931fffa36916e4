// The Raft core: takes one input, returns what to do about it. Pure and synchronous: the same inputs give the same effects.
// Follows D. Ongaro, "Consensus: Bridging Theory and Practice" (2014); chapters are named where they are used.

import { assert, unreachable } from '../../runtime/assert.ts';
import { onPreVoteRequest, onVoteRequest, onVoteResponse } from './election.ts';
import type { RaftOptions } from './options.ts';
import type { Effect, Input, Message, NodeId, Proposal, Role } from './protocol.ts';
import {
  advanceReads,
  expireAskedReads,
  onReadIndexRequest,
  onReadIndexResponse,
  readIndex,
  releaseReads,
} from './read-index.ts';
import {
  acknowledgeDurable,
  advanceCommit,
  appendAsLeader,
  broadcastHeartbeat,
  onAppendRequest,
  onAppendResponse,
  recoveryOf,
} from './replication.ts';
import { endRecovery, finishRecovery, progressOf, recovers } from './recovery.ts';
import {
  becomeCandidate,
  becomeFollower,
  becomePreCandidate,
  countVote,
  stepDownWithoutQuorum,
  stepDownWithStalledDisk,
} from './roles.ts';
import { State } from './state.ts';
import type { Leader } from './state.ts';

export interface FollowerStatus {
  /** The follower's disk agrees with the leader's log up to here. */
  readonly matchIndex: number;
  readonly nextIndex: number;
  readonly state: 'probe' | 'replicate';
  /** Unanswered append-requests with entries. */
  readonly inflight: number;
}

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: number;
  readonly votedFor: NodeId | undefined;
  /** The best guess; this node itself when it leads. */
  readonly leader: NodeId | undefined;
  readonly lastIndex: number;
  /** This node's own disk holds the log up to here. */
  readonly durableIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Reads of this node that were neither answered nor rejected, and reads that followers asked of it. */
  readonly pendingReads: number;
  /** Whether it lost its disk and has not caught up: then it counts for nothing. */
  readonly recovers: boolean;
  /** Only while leading. */
  readonly followers: ReadonlyMap<NodeId, FollowerStatus>;
}

/**
 * One node's part in consensus. The host gives it inputs one after another and carries out the effects of each; see
 * protocol.ts for what they promise one another. To spare broadcasts, a host proposes everything that waits in one input,
 * and asks for one read index on behalf of all the reads that wait.
 *
 * `step` throws AssertionError when an invariant is broken: the node must then stop, for nothing it says can be trusted.
 */
export class RaftCore {
  readonly #state: State;
  readonly #peers: ReadonlySet<NodeId>;

  /** Starts as a follower without a leader. Throws RaftOptionsError. */
  constructor(options: RaftOptions) {
    this.#state = new State(options);
    this.#peers = new Set(this.#state.settings.others);
  }

  step(input: Input): Effect[] {
    const state = this.#state;
    switch (input.type) {
      case 'tick':
        this.#stepTick();
        break;
      case 'message':
        this.#stepMessage(input.message);
        break;
      case 'propose':
        this.#stepPropose(input.proposals);
        break;
      case 'read-index':
        readIndex(state, input.id);
        break;
      case 'recovery-recorded':
        endRecovery(state);
        break;
      case 'persisted':
        this.#stepPersisted(input.sequence);
        break;
      case 'applied':
        assert(input.index <= state.handedIndex, `applied ${input.index}, but only ${state.handedIndex} was handed out`);
        state.appliedIndex = Math.max(state.appliedIndex, input.index);
        break;
      default:
        unreachable(input);
    }
    return this.#settle();
  }

  get status(): RaftStatus {
    const state = this.#state;
    const leader = state.role.name === 'leader' ? state.role : undefined;
    const unconfirmed = leader === undefined ? 0 : leader.queuedReads.length + (leader.confirming?.reads.length ?? 0);
    return {
      id: state.settings.id,
      role: state.role.name,
      term: state.term,
      votedFor: state.votedFor,
      leader: state.leader,
      lastIndex: state.log.lastIndex,
      durableIndex: state.persistence.durableIndex,
      commitIndex: state.commitIndex,
      appliedIndex: state.appliedIndex,
      pendingReads: unconfirmed + state.askedReads.size + state.indexedReads.length,
      recovers: recovers(state),
      followers: leader === undefined ? new Map() : followersOf(leader),
    };
  }

  /** Whether this node, restarted now, would still know the term that it is in and its vote there. */
  get termIsDurable(): boolean {
    return this.#state.persistence.hardStateIsDurable;
  }

  /** What any input can make possible: a commit, an answer to reads, entries to apply. */
  #settle(): Effect[] {
    const state = this.#state;
    if (state.role.name === 'leader') {
      advanceCommit(state, state.role);
      advanceReads(state, state.role);
    }
    if (state.role.name === 'follower') finishRecovery(state, state.role);
    state.handOutCommitted();
    releaseReads(state);
    return state.takeEffects();
  }

  #stepTick(): void {
    const state = this.#state;
    state.nowTick++;
    expireAskedReads(state);
    if (state.role.name === 'leader') {
      if (++state.role.ticksSinceHeartbeat >= state.settings.heartbeatTicks) broadcastHeartbeat(state, state.role);
      const leader = state.role;
      stepDownWithoutQuorum(state, leader);
      stepDownWithStalledDisk(state, leader);
    } else if (state.nowTick >= state.electionTick && recovers(state)) {
      if (state.leader !== undefined) becomeFollower(state, state.term, undefined);
      state.resetElectionTimer();
    } else if (state.nowTick >= state.electionTick) {
      if (state.settings.preVote) becomePreCandidate(state);
      else becomeCandidate(state);
    }
  }

  #stepPropose(proposals: readonly Proposal[]): void {
    const state = this.#state;
    const { role } = state;
    if (role.name !== 'leader') {
      for (const { id } of proposals) state.emit({ type: 'proposal-rejected', id, leader: state.leader });
      return;
    }
    if (proposals.length === 0) return;
    let index = state.log.lastIndex;
    for (const { id } of proposals) state.emit({ type: 'proposed', id, term: state.term, index: ++index });
    appendAsLeader(
      state,
      role,
      'command',
      proposals.map(({ data }) => data),
    );
  }

  #stepPersisted(sequence: number): void {
    const state = this.#state;
    state.persistence.confirm(sequence);
    state.releaseHeld();
    const { role, settings } = state;
    if (role.name === 'follower') acknowledgeDurable(state, role);
    else if (role.name === 'candidate' && state.persistence.hardStateIsDurable) countVote(state, role, settings.id);
  }

  #stepMessage(message: Message): void {
    const state = this.#state;
    assert(message.from !== state.settings.id, `a message from itself: ${message.type}`);
    // Of another cluster, or of a node that this one does not know: none of its business.
    if (message.to !== state.settings.id || !this.#peers.has(message.from)) return;
    if (message.term < state.term) this.#refuseOldTerm(message);
    else if (message.term === state.term || this.#adoptTerm(message)) this.#stepInTerm(message);
  }

  /** A message of a later term. Returns whether to go on with it. */
  #adoptTerm(message: Message): boolean {
    const state = this.#state;
    // Neither asking for a pre-vote nor granting one makes the term real.
    if (message.type === 'pre-vote-request' || (message.type === 'pre-vote-response' && message.granted)) return true;
    if (message.type === 'vote-request' && state.hearsLeader) return false;
    becomeFollower(state, message.term, message.type === 'append-request' ? message.from : undefined);
    return true;
  }

  /**
   * Tells the sender that its term is over. Not only a courtesy: a node that raised its term while it was cut off, and that
   * nobody elects because the others hear their leader, would refuse that leader for ever. The answer makes the leader step
   * down, and an election at the higher term brings the node back.
   */
  #refuseOldTerm(message: Message): void {
    const state = this.#state;
    const envelope = { from: state.settings.id, to: message.from, term: state.term };
    switch (message.type) {
      case 'append-request':
        // Round and indexes are zero, so that this says nothing should its receiver be the leader of this term by now.
        state.send({
          type: 'append-response',
          ...envelope,
          round: 0,
          accepted: false,
          rejectedIndex: 0,
          hintIndex: 0,
          hintTerm: 0,
          ...recoveryOf(state),
        });
        break;
      case 'vote-request':
        state.send({ type: 'vote-response', ...envelope, granted: false });
        break;
      case 'pre-vote-request':
        state.send({ type: 'pre-vote-response', ...envelope, granted: false });
        break;
      case 'read-index-request':
        state.send({ type: 'read-index-response', ...envelope, requestId: message.requestId, readIndex: undefined });
        break;
      case 'append-response':
      case 'vote-response':
      case 'pre-vote-response':
      case 'read-index-response':
        break;
      default:
        unreachable(message);
    }
  }

  #stepAppendResponse(leader: Leader, message: Extract<Message, { type: 'append-response' }>): void {
    const progress = progressOf(this.#state, leader, message);
    if (progress !== undefined) onAppendResponse(this.#state, leader, progress, message);
  }

  #stepInTerm(message: Message): void {
    const state = this.#state;
    switch (message.type) {
      case 'pre-vote-request':
        onPreVoteRequest(state, message);
        break;
      case 'vote-request':
        onVoteRequest(state, message);
        break;
      case 'pre-vote-response':
      case 'vote-response':
        onVoteResponse(state, message);
        break;
      case 'append-request': {
        let { role } = state;
        assert(role.name !== 'leader', `two leaders in term ${state.term}: ${state.settings.id} and ${message.from}`);
        if (role.name !== 'follower' || role.leader === undefined) role = becomeFollower(state, state.term, message.from);
        assert(role.leader === message.from, `two leaders in term ${state.term}: ${role.leader} and ${message.from}`);
        state.leaderHeardTick = state.nowTick;
        state.resetElectionTimer();
        onAppendRequest(state, role, message);
        break;
      }
      case 'append-response':
        if (state.role.name === 'leader') this.#stepAppendResponse(state.role, message);
        break;
      case 'read-index-request':
        onReadIndexRequest(state, message);
        break;
      case 'read-index-response':
        onReadIndexResponse(state, message);
        break;
      default:
        unreachable(message);
    }
  }
}

function followersOf(leader: Leader): Map<NodeId, FollowerStatus> {
  const followers = new Map<NodeId, FollowerStatus>();
  for (const [id, { matchIndex, nextIndex, state, inflight }] of leader.followers) {
    followers.set(id, { matchIndex, nextIndex, state, inflight });
  }
  return followers;
}
