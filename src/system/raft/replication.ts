// Log replication (dissertation 3.5, 3.6): what a leader sends and counts, and what a follower accepts and acknowledges.

import { assert, known } from '../../runtime/assert.ts';
import type { Progress } from './progress.ts';
import type { Entry, EntryKind, Message, NodeId, Recovery } from './protocol.ts';
import type { Follower, Leader, State } from './state.ts';

type AppendRequest = Extract<Message, { type: 'append-request' }>;
type AppendResponse = Extract<Message, { type: 'append-response' }>;

const NO_ENTRIES: readonly Entry[] = [];

/** Appends to the leader's own log and starts replication; its own disk works at the same time. */
export function appendAsLeader(state: State, leader: Leader, kind: EntryKind, data: readonly Uint8Array[]): void {
  let index = state.log.lastIndex;
  state.append(data.map((bytes) => ({ term: state.term, index: ++index, kind, data: bytes })));
  broadcastEntries(state, leader);
}

/** Sends every follower what its window allows of what it lacks. */
export function broadcastEntries(state: State, leader: Leader): void {
  for (const [follower, progress] of leader.followers) sendEntries(state, leader, follower, progress);
}

/** Asserts leadership, tells the commit index and shows lost requests; carries no entries, whatever the follower lacks. */
export function broadcastHeartbeat(state: State, leader: Leader): void {
  leader.round++;
  leader.ticksSinceHeartbeat = 0;
  for (const [follower, progress] of leader.followers) sendAppend(state, leader, follower, progress.nextIndex - 1, NO_ENTRIES);
}

function sendEntries(state: State, leader: Leader, follower: NodeId, progress: Progress): void {
  const { maxEntriesPerMessage, maxBytesPerMessage } = state.settings;
  while (progress.nextIndex <= state.log.lastIndex && progress.canSend) {
    const entries = state.log.slice(progress.nextIndex, maxEntriesPerMessage, maxBytesPerMessage);
    sendAppend(state, leader, follower, progress.nextIndex - 1, entries);
    progress.sent(progress.nextIndex + entries.length - 1);
  }
}

function sendAppend(state: State, leader: Leader, to: NodeId, previousIndex: number, entries: readonly Entry[]): void {
  state.send({
    type: 'append-request',
    from: state.settings.id,
    to,
    term: state.term,
    previousIndex,
    previousTerm: known(state.log.termAt(previousIndex), `next index ${previousIndex + 1} of ${to} is beyond the log`),
    entries,
    commitIndex: state.commitIndex,
    round: leader.round,
    ...recoveryGoal(leader, to),
  });
}

/** A follower's answer in this term. `progress` is what the leader knows about it. */
export function onAppendResponse(state: State, leader: Leader, progress: Progress, message: AppendResponse): void {
  progress.heardTick = state.nowTick;
  progress.answeredRound = Math.max(progress.answeredRound, message.round);
  if (message.accepted) {
    assert(
      message.matchIndex <= state.log.lastIndex,
      `${message.from} reports index ${message.matchIndex}, which was never sent`,
    );
    progress.accepted(message.matchIndex);
  } else {
    const agreeIndex = state.log.lastIndexUpToTerm(message.hintIndex, message.hintTerm);
    if (!progress.rejected(message.rejectedIndex, agreeIndex)) return;
  }
  sendEntries(state, leader, message.from, progress);
}

/**
 * The highest index that a majority has on disk, the leader counting itself only up to what its own disk confirmed. Entries
 * of older terms are committed by a later one of this term, never by counting (dissertation 3.6.2).
 */
export function advanceCommit(state: State, leader: Leader): void {
  // The answer is one of the match indexes; with a handful of voters, trying each is cheaper than sorting them.
  let candidate = bestWithQuorum(state, leader, state.persistence.durableIndex, 0);
  for (const progress of leader.followers.values()) candidate = bestWithQuorum(state, leader, progress.matchIndex, candidate);
  if (candidate > state.commitIndex && candidate >= leader.firstIndex) state.commitUpTo(candidate);
}

function bestWithQuorum(state: State, leader: Leader, index: number, best: number): number {
  if (index <= best || index <= state.commitIndex) return best;
  let holders = state.persistence.durableIndex >= index ? 1 : 0;
  for (const progress of leader.followers.values()) if (progress.counts && progress.matchIndex >= index) holders++;
  return holders >= state.settings.quorum ? index : best;
}

/** Entries or a heartbeat from the leader of this term, which the follower already follows. */
export function onAppendRequest(state: State, follower: Follower, message: AppendRequest): void {
  follower.round = Math.max(follower.round, message.round);
  if (message.recovery !== undefined && message.recovery.incarnation === state.recovery?.incarnation)
    follower.recoveryGoal = message.recovery.upTo;
  const { previousIndex, previousTerm, entries } = message;
  if (!state.log.matches(previousIndex, previousTerm)) {
    reject(state, message);
    return;
  }
  const missing = state.log.firstMissing(entries);
  if (missing < entries.length) {
    assert(previousIndex + missing >= follower.matchedIndex, `the leader of term ${state.term} changed what it sent before`);
    state.append(missing === 0 ? entries : entries.slice(missing));
  }
  const lastMatched = previousIndex + entries.length;
  follower.matchedIndex = Math.max(follower.matchedIndex, lastMatched);
  state.commitUpTo(Math.min(message.commitIndex, lastMatched));
  // New entries are acknowledged when they are on disk. Anything else is answered at once, also while the disk is busy:
  // a heartbeat asks whether this node is there, and the durable part of the log is an honest answer.
  if (missing === entries.length) acknowledge(state, follower, message.from);
}

/** After the disk confirmed: tells the leader what of its entries is durable here now, in one answer for all its requests. */
export function acknowledgeDurable(state: State, follower: Follower): void {
  if (follower.leader === undefined) return;
  const durable = Math.min(follower.matchedIndex, state.persistence.durableIndex);
  if (durable > follower.acknowledgedIndex) acknowledge(state, follower, follower.leader);
}

function acknowledge(state: State, follower: Follower, leader: NodeId): void {
  const matchIndex = Math.min(follower.matchedIndex, state.persistence.durableIndex);
  follower.acknowledgedIndex = Math.max(follower.acknowledgedIndex, matchIndex);
  state.send({
    type: 'append-response',
    from: state.settings.id,
    to: leader,
    term: state.term,
    round: follower.round,
    accepted: true,
    matchIndex,
    ...recoveryOf(state),
  });
}

function reject(state: State, message: AppendRequest): void {
  const hintIndex = state.log.lastIndexUpToTerm(message.previousIndex, message.previousTerm);
  state.send({
    type: 'append-response',
    from: state.settings.id,
    to: message.from,
    term: state.term,
    round: message.round,
    accepted: false,
    rejectedIndex: message.previousIndex,
    hintIndex,
    hintTerm: known(state.log.termAt(hintIndex), 'a hint is inside the log'),
    ...recoveryOf(state),
  });
}

/** What a node that ever lost its disk says with every answer. */
export function recoveryOf({ recovery }: State): { readonly recovery?: Recovery } {
  return recovery === undefined ? {} : { recovery: { incarnation: recovery.incarnation, over: recovery.over } };
}

/** What the leader tells a recovering follower: how far it must come, once everybody else has confirmed the leader. */
function recoveryGoal(leader: Leader, to: NodeId): Pick<AppendRequest, 'recovery'> {
  const progress = leader.followers.get(to);
  if (progress?.recovery === undefined) return {};
  const { round, upTo } = progress.recovery;
  for (const [id, other] of leader.followers) {
    if (id !== to && (!other.counts || other.answeredRound < round)) return {};
  }
  return { recovery: { incarnation: progress.incarnation, upTo } };
}
