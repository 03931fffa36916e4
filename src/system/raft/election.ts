// Granting votes and pre-votes, and counting the answers (dissertation 3.4, 3.6.1, 9.6).

import { becomeFollower, countVote } from './roles.ts';
import type { Message } from './protocol.ts';
import { recovers } from './recovery.ts';
import type { State } from './state.ts';

type VoteRequest = Extract<Message, { type: 'vote-request' | 'pre-vote-request' }>;
type VoteResponse = Extract<Message, { type: 'vote-response' | 'pre-vote-response' }>;

/** A request in this node's term. The answer leaves when the vote is on disk. */
export function onVoteRequest(state: State, message: VoteRequest): void {
  const free = state.votedFor === undefined || state.votedFor === message.from;
  const granted = free && !recovers(state) && isUpToDate(state, message);
  if (granted) {
    if (state.votedFor === undefined) state.setHardState(state.term, message.from);
    // Gives up a pre-candidacy in favour of the one voted for.
    if (state.role.name !== 'follower') becomeFollower(state, state.term, undefined);
    state.resetElectionTimer();
  }
  state.send({ type: 'vote-response', from: state.settings.id, to: message.from, term: state.term, granted });
}

/**
 * Whether this node would vote for the sender in `message.term`. Promises nothing and changes nothing. A refusal carries
 * this node's term, so that a sender whose term is behind catches up; a grant carries the term that was asked for.
 */
export function onPreVoteRequest(state: State, message: VoteRequest): void {
  const granted = message.term > state.term && !state.hearsLeader && !recovers(state) && isUpToDate(state, message);
  const term = granted ? message.term : state.term;
  state.send({ type: 'pre-vote-response', from: state.settings.id, to: message.from, term, granted });
}

/** Answers to a candidacy that is over, or refusals, change nothing. */
export function onVoteResponse(state: State, message: VoteResponse): void {
  const { role } = state;
  if (!message.granted) return;
  if (message.type === 'vote-response' && role.name === 'candidate') countVote(state, role, message.from);
  if (message.type === 'pre-vote-response' && role.name === 'pre-candidate' && message.term === state.term + 1) {
    countVote(state, role, message.from);
  }
}

/** Dissertation 3.6.1: the log that ends in the later term, or the longer one of two that end in the same term. */
function isUpToDate(state: State, { lastLogIndex, lastLogTerm }: VoteRequest): boolean {
  const { lastIndex, lastTerm } = state.log;
  return lastLogTerm > lastTerm || (lastLogTerm === lastTerm && lastLogIndex >= lastIndex);
}
