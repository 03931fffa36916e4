// Linearizable reads without a log entry (dissertation 6.4). A read's index is the leader's commit index at a moment after the
// read began, at which no newer leader can have been at work: a quorum answered a broadcast that was sent after that moment.

import { broadcastHeartbeat } from './replication.ts';
import type { Message, NodeId } from './protocol.ts';
import type { Leader, ReadOrigin, State } from './state.ts';
import { RingQueue } from '../../runtime/ring-queue.ts';

type ReadIndexRequest = Extract<Message, { type: 'read-index-request' }>;
type ReadIndexResponse = Extract<Message, { type: 'read-index-response' }>;

/** A reader of this node asks. */
export function readIndex(state: State, id: number): void {
  if (state.role.name === 'leader') state.role.queuedReads.push({ id });
  else if (state.leader === undefined) state.emit({ type: 'read-rejected', id, leader: undefined });
  else askLeader(state, state.leader, id);
}

function askLeader(state: State, leader: NodeId, id: number): void {
  const requestId = state.nextReadRequestId++;
  state.askedReads.set(requestId, { id, expiresTick: state.nowTick + state.settings.electionMaxTicks });
  state.send({ type: 'read-index-request', from: state.settings.id, to: leader, term: state.term, requestId });
}

/** A follower asks for one of its readers. */
export function onReadIndexRequest(state: State, message: ReadIndexRequest): void {
  const { from: follower, requestId } = message;
  if (state.role.name === 'leader') state.role.queuedReads.push({ follower, requestId });
  else answerFollower(state, follower, requestId, undefined);
}

/** The leader's answer to this node. An answer to a read that was given up meanwhile is ignored. */
export function onReadIndexResponse(state: State, message: ReadIndexResponse): void {
  const asked = state.askedReads.get(message.requestId);
  if (asked === undefined) return;
  state.askedReads.delete(message.requestId);
  if (message.readIndex === undefined) state.emit({ type: 'read-rejected', id: asked.id, leader: state.leader });
  else indexed(state, asked.id, message.readIndex);
}

/** Gives up reads whose question or answer got lost. */
export function expireAskedReads(state: State): void {
  for (const [requestId, { id, expiresTick }] of state.askedReads) {
    if (expiresTick > state.nowTick) return;
    state.askedReads.delete(requestId);
    state.emit({ type: 'read-rejected', id, leader: state.leader });
  }
}

/** Ends the group of reads that is being confirmed if a quorum answered, and begins the next one. */
export function advanceReads(state: State, leader: Leader): void {
  while (true) {
    const { confirming } = leader;
    if (confirming !== undefined) {
      if (!quorumAnswered(state, leader, confirming.round)) return;
      leader.confirming = undefined;
      for (const origin of confirming.reads) answer(state, origin, confirming.readIndex);
    }
    // Before an entry of its own term is committed, a leader does not know what its predecessors committed.
    if (leader.queuedReads.length === 0 || state.commitIndex < leader.firstIndex) return;
    const reads = leader.queuedReads;
    leader.queuedReads = [];
    broadcastHeartbeat(state, leader);
    leader.confirming = { round: leader.round, readIndex: state.commitIndex, reads };
  }
}

function quorumAnswered(state: State, leader: Leader, round: number): boolean {
  let answered = 1;
  for (const progress of leader.followers.values()) if (progress.counts && progress.answeredRound >= round) answered++;
  return answered >= state.settings.quorum;
}

function answer(state: State, origin: ReadOrigin, index: number): void {
  if ('id' in origin) indexed(state, origin.id, index);
  else answerFollower(state, origin.follower, origin.requestId, index);
}

function answerFollower(state: State, to: NodeId, requestId: number, index: number | undefined): void {
  state.send({ type: 'read-index-response', from: state.settings.id, to, term: state.term, requestId, readIndex: index });
}

function indexed(state: State, id: number, index: number): void {
  // Answers may overtake one another. Waiting for a later index than necessary is correct and keeps the queue in order.
  state.indexedReads.push({ id, readIndex: Math.max(index, state.indexedReads.last?.readIndex ?? 0) });
}

/** Lets the reads go that the state machine has caught up with. */
export function releaseReads(state: State): void {
  const reads = state.indexedReads;
  for (let first = reads.first; first !== undefined && first.readIndex <= state.appliedIndex; first = reads.first) {
    state.emit({ type: 'read-ready', id: first.id });
    reads.shift();
  }
}

/**
 * The leader changed or was lost: gives up every read that depended on it. A read whose index is known and committed here
 * only waits for this node's own state machine, and stays.
 * @param former the role state that ends now.
 */
export function rejectUnsettledReads(state: State, former: Leader | undefined): void {
  const reject = (id: number) => state.emit({ type: 'read-rejected', id, leader: state.leader });
  for (const origin of [...(former?.confirming?.reads ?? []), ...(former?.queuedReads ?? [])]) {
    if ('id' in origin) reject(origin.id);
    else answerFollower(state, origin.follower, origin.requestId, undefined);
  }
  for (const { id } of state.askedReads.values()) reject(id);
  state.askedReads.clear();
  if ((state.indexedReads.last?.readIndex ?? 0) <= state.commitIndex) return;
  const kept = new RingQueue<{ readonly id: number; readonly readIndex: number }>();
  for (const read of state.indexedReads) {
    if (read.readIndex <= state.commitIndex) kept.push(read);
    else reject(read.id);
  }
  state.indexedReads = kept;
}
