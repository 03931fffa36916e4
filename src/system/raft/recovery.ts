// A node whose disk was lost comes back with nothing: not with the entries it acknowledged, and not with the votes it gave. Were it
// to vote at once, a leader could be elected without a committed entry, or two leaders in one term. So it recovers first: it follows
// and stores, but it does not stand for election, does not vote, and counts towards no majority. (The problem and the idea are those
// of the recovery protocol in B. Liskov, J. Cowling, "Viewstamped Replication Revisited" (2012), 4.3.)
//
// It is done when there was a leader L that, after L had heard of the recovery, was answered in its term T by *every* other node, and
// when the node has on disk L's log as far as it went then, and term T with a vote for L. Why that is enough. X is the node.
//
// 1. Votes. Whatever candidate Z of term V got a vote of the former X, Z has V on disk ever since. Z is among those who answered in
//    term T, or is L; so V <= T. In terms below T, X cannot vote any more; in T it has voted for L, the leader of T: no other candidate
//    can win there. (A majority without X would not do: with five nodes, Z and one that is about to vote for it may be missing in it.
//    What only X itself knew, a candidacy of which nobody had heard, is over: nobody counts votes for it.)
// 2. Entries. An entry that is on the disks of a majority Q, the former X in it, may be committed, now or later, on the strength of what
//    X said. As long as X recovers, whoever is elected is so by a majority without X, which has another node in common with Q: it has
//    the entry (dissertation 3.6.3). Its term is at most T, by the argument of (1) for its leader. If it is below T, L has it: L was elected
//    before X's loss with X's full knowledge, or after it by such a majority. If it is T, L made it before it answered to the loss,
//    so it is not behind the end of its log then. Either way X gets it before it is done, and acts from then on like any node that
//    was slow.
//
// That holds for one loss at a time: a node that recovers answers for no other's recovery, so two that recover at once wait for ever,
// which is safe. `incarnation` tells what the former X said from what the new one says.

import { assert } from '../../runtime/assert.ts';
import { Progress } from './progress.ts';
import { broadcastHeartbeat } from './replication.ts';
import type { Message } from './protocol.ts';
import type { Follower, Leader, State } from './state.ts';

type AppendResponse = Extract<Message, { type: 'append-response' }>;

/**
 * A follower answered: what the leader knows about it, or undefined when the answer is of a disk that was lost since. At the first
 * answer after a loss the leader forgets what was acknowledged before, and asks everybody whether it leads.
 */
export function progressOf(state: State, leader: Leader, { from, recovery }: AppendResponse): Progress | undefined {
  const progress = leader.followers.get(from);
  assert(progress !== undefined, `${from} is a follower`);
  const incarnation = recovery?.incarnation ?? 0;
  if (incarnation < progress.incarnation) return undefined;
  if (incarnation > progress.incarnation) {
    const anew = new Progress(state.log.lastIndex + 1, state.settings.maxInflightMessages, state.nowTick, incarnation);
    leader.followers.set(from, anew);
    if (recovery?.over === false) {
      broadcastHeartbeat(state, leader);
      anew.recovery = { round: leader.round, upTo: state.log.lastIndex };
    }
    return anew;
  }
  // Answers may overtake one another: it does not begin to recover again.
  if (recovery?.over !== false) progress.recovery = undefined;
  return progress;
}

/** Whether this node recovers: it must not vote or stand for election. */
export function recovers(state: State): boolean {
  return state.recovery !== undefined && !state.recovery.over;
}

/** Tells the host, once, when this node has all it must have. Its vote for the leader is on disk by then. */
export function finishRecovery(state: State, follower: Follower): void {
  const { recovery, persistence } = state;
  const { leader, recoveryGoal: goal } = follower;
  if (recovery === undefined || recovery.over || recovery.reported || leader === undefined || goal === undefined) return;
  if (Math.min(follower.matchedIndex, persistence.durableIndex) < goal) return;
  if (state.votedFor === undefined) state.setHardState(state.term, leader);
  assert(state.votedFor === leader, `voted for ${state.votedFor} while recovering in term ${state.term} of ${leader}`);
  if (!persistence.hardStateIsDurable) return;
  recovery.reported = true;
  state.emit({ type: 'recovered', index: persistence.durableIndex });
}

/** The host has recorded it: from now on this node is one like the others. */
export function endRecovery(state: State): void {
  const { recovery } = state;
  assert(recovery !== undefined && recovery.reported && !recovery.over, 'a recovery ends once, and after it was reported');
  recovery.over = true;
  state.resetElectionTimer();
}
