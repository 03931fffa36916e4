// The transitions between roles (dissertation figure 3.3, with the pre-vote of 9.6). Every change of role, leader or term
// passes through here and is reported.

import { assert } from '../../runtime/assert.ts';
import { Progress } from './progress.ts';
import type { NodeId } from './protocol.ts';
import { rejectUnsettledReads } from './read-index.ts';
import { appendAsLeader } from './replication.ts';
import type { Candidate, Follower, Leader, PreCandidate, RoleState, State } from './state.ts';

/** @param leader the leader of `term`, when it is known. */
export function becomeFollower(state: State, term: number, leader: NodeId | undefined): Follower {
  if (term > state.term) state.setHardState(term, undefined);
  const wasFollower = state.role.name === 'follower';
  const follower: Follower = { name: 'follower', leader, matchedIndex: 0, acknowledgedIndex: 0, round: 0 };
  enter(state, follower);
  // A follower that only learns of a new term keeps its timer: whoever raised the term need not be electable.
  if (!wasFollower) state.resetElectionTimer();
  return follower;
}

/** Asks for pre-votes. Does not change the term, so a node that cannot win disturbs nobody. */
export function becomePreCandidate(state: State): void {
  const preCandidate: PreCandidate = { name: 'pre-candidate', granted: new Set([state.settings.id]) };
  enter(state, preCandidate);
  state.resetElectionTimer();
  requestVotes(state, 'pre-vote-request', state.term + 1);
  if (preCandidate.granted.size >= state.settings.quorum) becomeCandidate(state);
}

/** Stands for election in a new term. */
export function becomeCandidate(state: State): void {
  state.setHardState(state.term + 1, state.settings.id);
  const candidate: Candidate = { name: 'candidate', granted: new Set() };
  enter(state, candidate);
  state.resetElectionTimer();
  requestVotes(state, 'vote-request', state.term);
}

/** Counts a vote, its own included, and leads when they are enough. */
export function countVote(state: State, candidate: PreCandidate | Candidate, voter: NodeId): void {
  candidate.granted.add(voter);
  if (candidate.granted.size < state.settings.quorum) return;
  if (candidate.name === 'pre-candidate') becomeCandidate(state);
  else becomeLeader(state);
}

function becomeLeader(state: State): void {
  assert(state.role.name === 'candidate', `a ${state.role.name} cannot become leader`);
  assert(state.persistence.hardStateIsDurable, 'votes were counted before the own vote was durable');
  const firstIndex = state.log.lastIndex + 1;
  const followers = state.settings.others.map(
    (id) => [id, new Progress(firstIndex, state.settings.maxInflightMessages, state.nowTick)] as const,
  );
  const leader: Leader = {
    name: 'leader',
    followers: new Map(followers),
    firstIndex,
    ticksSinceHeartbeat: 0,
    round: 0,
    confirming: undefined,
    queuedReads: [],
  };
  enter(state, leader);
  appendAsLeader(state, leader, 'noop', [new Uint8Array()]);
}

/** Without a quorum in reach, a leader cannot commit anything, and another may have been elected (dissertation 6.2). */
export function stepDownWithoutQuorum(state: State, leader: Leader): void {
  if (!state.settings.checkQuorum) return;
  let heard = 1;
  for (const progress of leader.followers.values()) {
    if (progress.counts && state.nowTick - progress.heardTick <= state.settings.electionMaxTicks) heard++;
  }
  if (heard < state.settings.quorum) becomeFollower(state, state.term, undefined);
}

/** How many of the longest election timeouts a leader's disk may owe it entries that the others have on theirs. */
const STALLED_DISK_TIMEOUTS = 3;

/**
 * A leader whose disk stalls while its network works: its heartbeats keep everybody from standing for election, a majority of others
 * commits what it sends, but it can neither apply nor answer what its own disk has not got. It makes way for one of those who have.
 * Stepping down is always safe. That the others have more on disk (else nothing above `durableIndex` could be committed) says that
 * there is somebody to take over: when all disks stall alike, an election would only add to the trouble. And it does not come back
 * at once: its vote for itself needs the same disk.
 */
export function stepDownWithStalledDisk(state: State, leader: Leader): void {
  const { persistence, settings } = state;
  if (state.role !== leader || !settings.checkQuorum || state.commitIndex <= persistence.durableIndex) return;
  const owedTicks = state.nowTick - (persistence.owedSinceTick ?? state.nowTick);
  if (owedTicks > STALLED_DISK_TIMEOUTS * settings.electionMaxTicks) becomeFollower(state, state.term, undefined);
}

function enter(state: State, next: RoleState): void {
  const former = state.role;
  const formerLeader = state.leader;
  state.role = next;
  state.emit({ type: 'event', event: { type: 'role', role: next.name, term: state.term, leader: state.leader } });
  if (formerLeader !== undefined) rejectUnsettledReads(state, former.name === 'leader' ? former : undefined);
}

function requestVotes(state: State, type: 'pre-vote-request' | 'vote-request', term: number): void {
  const { lastIndex: lastLogIndex, lastTerm: lastLogTerm } = state.log;
  for (const to of state.settings.others) state.send({ type, from: state.settings.id, to, term, lastLogIndex, lastLogTerm });
}
