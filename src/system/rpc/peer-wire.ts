// Raft messages on the wire. A frame from a peer is checked completely before the core sees any of it: the core asserts its
// own invariants, and a hostile or damaged frame must not be able to trip them.

import type { Entry, Message, NodeId, Recovery } from '../raft/protocol.ts';
import { DistributedContext } from '../../telemetry/context.ts';
import { formatTraceparent, parseTraceparent } from '../../telemetry/trace-context.ts';
import type { WireEntriesTrace, WireEntry, WireRaftMessage, WireRecovery } from './contract.ts';

/** A peer sent something that no correct node sends. The stream it came on is not to be trusted any more. */
export class PeerFrameError extends Error {
  override readonly name = 'PeerFrameError';
}

/** What is done with the entries `firstIndex` to `lastIndex` is a part of a trace. */
export interface EntriesTrace {
  readonly context: DistributedContext;
  readonly firstIndex: number;
  readonly lastIndex: number;
}

/** No correct node sends more with a frame: a leader has not more batches under way. */
export const MOST_ENTRIES_TRACES = 256;

export function writeEntriesTrace({ context, firstIndex, lastIndex }: EntriesTrace): WireEntriesTrace {
  return { traceparent: formatTraceparent(context), firstIndex, lastIndex };
}

/** Those that can be read: what a peer sends along for tracing is no reason to refuse what it says. */
export function readEntriesTraces(traces: readonly WireEntriesTrace[] = []): EntriesTrace[] {
  return traces.slice(0, MOST_ENTRIES_TRACES).flatMap(({ traceparent = '', firstIndex = 0, lastIndex = 0 }) => {
    const parent = parseTraceparent(traceparent);
    return parent.ok ? [{ context: new DistributedContext(parent.value), firstIndex, lastIndex }] : [];
  });
}

export function writeMessage(message: Message): WireRaftMessage {
  const { term } = message;
  switch (message.type) {
    case 'pre-vote-request':
      return { term, preVoteRequest: { lastLogIndex: message.lastLogIndex, lastLogTerm: message.lastLogTerm } };
    case 'vote-request':
      return { term, voteRequest: { lastLogIndex: message.lastLogIndex, lastLogTerm: message.lastLogTerm } };
    case 'pre-vote-response':
      return { term, preVoteResponse: { granted: message.granted } };
    case 'vote-response':
      return { term, voteResponse: { granted: message.granted } };
    case 'append-request':
      return {
        term,
        appendRequest: {
          previousIndex: message.previousIndex,
          previousTerm: message.previousTerm,
          commitIndex: message.commitIndex,
          round: message.round,
          entries: message.entries.map(writeEntry),
          ...(message.recovery && { recovery: message.recovery }),
        },
      };
    case 'append-response': {
      const recovery = message.recovery && { recovery: message.recovery };
      return message.accepted
        ? { term, appendAccepted: { round: message.round, matchIndex: message.matchIndex, ...recovery } }
        : {
            term,
            appendRejected: {
              round: message.round,
              rejectedIndex: message.rejectedIndex,
              hintIndex: message.hintIndex,
              hintTerm: message.hintTerm,
              ...recovery,
            },
          };
    }
    case 'read-index-request':
      return { term, readIndexRequest: { requestId: message.requestId } };
    case 'read-index-response':
      return {
        term,
        readIndexResponse: {
          requestId: message.requestId,
          known: message.readIndex !== undefined,
          readIndex: message.readIndex ?? 0,
        },
      };
  }
}

function writeEntry(entry: Entry): WireEntry {
  return entry.kind === 'noop' ? { term: entry.term, noop: true } : { term: entry.term, data: entry.data };
}

/** @throws PeerFrameError */
export function readMessage(wire: WireRaftMessage, from: NodeId, to: NodeId): Message {
  const term = natural(wire.term, 'term');
  if (term === 0) throw new PeerFrameError(`term 0 from ${from}`);
  const envelope = { from, to, term };
  if (wire.preVoteRequest) return { ...envelope, type: 'pre-vote-request', ...readVote(wire.preVoteRequest) };
  if (wire.voteRequest) return { ...envelope, type: 'vote-request', ...readVote(wire.voteRequest) };
  if (wire.preVoteResponse) return { ...envelope, type: 'pre-vote-response', granted: wire.preVoteResponse.granted ?? false };
  if (wire.voteResponse) return { ...envelope, type: 'vote-response', granted: wire.voteResponse.granted ?? false };
  if (wire.appendRequest) {
    const append = wire.appendRequest;
    const previousIndex = natural(append.previousIndex, 'previous_index');
    const previousTerm = natural(append.previousTerm, 'previous_term');
    return {
      ...envelope,
      type: 'append-request',
      previousIndex,
      previousTerm,
      entries: readEntries(append.entries ?? [], previousIndex, previousTerm, term),
      commitIndex: natural(append.commitIndex, 'commit_index'),
      round: natural(append.round, 'round'),
      ...(append.recovery && {
        recovery: { incarnation: incarnationOf(append.recovery), upTo: natural(append.recovery.upTo, 'up_to') },
      }),
    };
  }
  if (wire.appendAccepted) {
    const round = natural(wire.appendAccepted.round, 'round');
    return {
      ...envelope,
      type: 'append-response',
      accepted: true,
      round,
      matchIndex: natural(wire.appendAccepted.matchIndex, 'match_index'),
      ...readRecovery(wire.appendAccepted),
    };
  }
  if (wire.appendRejected) {
    const rejected = wire.appendRejected;
    return {
      ...envelope,
      type: 'append-response',
      accepted: false,
      round: natural(rejected.round, 'round'),
      rejectedIndex: natural(rejected.rejectedIndex, 'rejected_index'),
      hintIndex: natural(rejected.hintIndex, 'hint_index'),
      hintTerm: natural(rejected.hintTerm, 'hint_term'),
      ...readRecovery(rejected),
    };
  }
  if (wire.readIndexRequest) {
    return { ...envelope, type: 'read-index-request', requestId: natural(wire.readIndexRequest.requestId, 'request_id') };
  }
  if (wire.readIndexResponse) {
    const { requestId, known, readIndex } = wire.readIndexResponse;
    return {
      ...envelope,
      type: 'read-index-response',
      requestId: natural(requestId, 'request_id'),
      readIndex: known ? natural(readIndex, 'read_index') : undefined,
    };
  }
  throw new PeerFrameError(`a message without a body from ${from}`);
}

function readVote(wire: { lastLogIndex?: number; lastLogTerm?: number }) {
  return { lastLogIndex: natural(wire.lastLogIndex, 'last_log_index'), lastLogTerm: natural(wire.lastLogTerm, 'last_log_term') };
}

function readRecovery({ recovery }: { readonly recovery?: WireRecovery }): { readonly recovery?: Recovery } {
  return recovery ? { recovery: { incarnation: incarnationOf(recovery), over: recovery.over ?? false } } : {};
}

/** 0 stands for the first disk, which needs no recovery. */
function incarnationOf({ incarnation }: { readonly incarnation?: number }): number {
  const number = natural(incarnation, 'incarnation');
  if (number === 0) throw new PeerFrameError('a recovery of incarnation 0');
  return number;
}

function readEntries(wire: readonly WireEntry[], previousIndex: number, previousTerm: number, leaderTerm: number): Entry[] {
  let lowest = Math.max(1, previousTerm);
  return wire.map((entry, at) => {
    const term = natural(entry.term, 'entry term');
    if (term < lowest || term > leaderTerm) {
      throw new PeerFrameError(`entry ${previousIndex + 1 + at} has term ${term}, outside ${lowest} to ${leaderTerm}`);
    }
    lowest = term;
    return { term, index: previousIndex + 1 + at, kind: entry.noop ? 'noop' : 'command', data: entry.data ?? new Uint8Array(0) };
  });
}

function natural(value: number | undefined, name: string): number {
  const number = value ?? 0;
  if (!Number.isSafeInteger(number) || number < 0)
    throw new PeerFrameError(`${name} is ${value}, not an integer from 0 to 2^53 - 1`);
  return number;
}
