// What a core is built from, checked once.

import type { Random } from '../../runtime/random.ts';
import type { Entry, HardState, NodeId, Recovery } from './protocol.ts';

export interface RaftOptions {
  readonly id: NodeId;
  /** Every voter, including `id`. */
  readonly peers: readonly NodeId[];
  /**
   * Draws election timeouts and the first read request id. Give every start of a node another seed: two runs of one node
   * that number their read requests alike would take an old run's answer for their own.
   */
  readonly random: Random;
  /** As read from disk; `{ term: 0, votedFor: undefined }` for a new node. */
  readonly hardState: HardState;
  /** The log as read from disk, from index 1. */
  readonly entries: readonly Entry[];
  /** Entries up to here are in the state machine already, and therefore committed. 0 for a new node. */
  readonly appliedIndex: number;
  /**
   * Of a node whose disk was lost, once, however long ago: as the host recorded it. It must never be started without it again; see
   * recovery.ts. Absent for a node that never lost its disk.
   */
  readonly recovery?: Recovery;
  /** Milliseconds between tick inputs. Default 10. */
  readonly tickMs?: number;
  /** A follower that hears nothing for a time drawn from this range stands for election. Milliseconds, default 150 to 300. */
  readonly electionTimeoutMs?: { readonly min: number; readonly max: number };
  /** Milliseconds between a leader's heartbeats; below the shortest election timeout. Default 50. */
  readonly heartbeatMs?: number;
  /** The most entries in one append-request, >= 1. Default 1,024. */
  readonly maxEntriesPerMessage?: number;
  /** The most bytes of entry data in one append-request; a larger entry travels alone. >= 1, default 1 MiB. */
  readonly maxBytesPerMessage?: number;
  /** How many append-requests with entries may be unanswered per follower, >= 1. Default 64. */
  readonly maxInflightMessages?: number;
  /** Ask whether an election could be won before disturbing anyone with a new term (dissertation 9.6). Default true. */
  readonly preVote?: boolean;
  /**
   * A leader that no quorum answered for the longest election timeout steps down, and voters that hear a leader refuse to
   * elect another (dissertation 6.2, 4.2.3). So does a leader whose own disk stalls for three of them while those of a quorum
   * of others do not. Default true.
   */
  readonly checkQuorum?: boolean;
}

/** An option that cannot be worked with. The message names it and its value. */
export class RaftOptionsError extends Error {
  override readonly name = 'RaftOptionsError';
  readonly code = 'invalid-raft-options';
}

/** Options as the core uses them: durations counted in ticks, defaults filled in. */
export interface Settings {
  readonly id: NodeId;
  readonly others: readonly NodeId[];
  /** How many voters are a majority. */
  readonly quorum: number;
  readonly electionMinTicks: number;
  readonly electionMaxTicks: number;
  readonly heartbeatTicks: number;
  readonly maxEntriesPerMessage: number;
  readonly maxBytesPerMessage: number;
  readonly maxInflightMessages: number;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
}

/** Throws RaftOptionsError. */
export function settingsOf(options: RaftOptions): Settings {
  const { id, peers } = options;
  const { min, max } = options.electionTimeoutMs ?? { min: 150, max: 300 };
  const tickMs = positive('tickMs', options.tickMs ?? 10);
  demand(peers.includes(id), `peers must include the node itself: '${id}' is not among ${JSON.stringify(peers)}`);
  demand(new Set(peers).size === peers.length, `peers must differ: ${JSON.stringify(peers)}`);
  demand(min <= max, `electionTimeoutMs: min ${min} is above max ${max}`);
  const settings: Settings = {
    id,
    others: peers.filter((peer) => peer !== id),
    quorum: Math.floor(peers.length / 2) + 1,
    electionMinTicks: Math.ceil(positive('electionTimeoutMs.min', min) / tickMs),
    electionMaxTicks: Math.ceil(positive('electionTimeoutMs.max', max) / tickMs),
    heartbeatTicks: Math.ceil(positive('heartbeatMs', options.heartbeatMs ?? 50) / tickMs),
    maxEntriesPerMessage: count('maxEntriesPerMessage', options.maxEntriesPerMessage ?? 1_024),
    maxBytesPerMessage: count('maxBytesPerMessage', options.maxBytesPerMessage ?? 1024 * 1024),
    maxInflightMessages: count('maxInflightMessages', options.maxInflightMessages ?? 64),
    preVote: options.preVote ?? true,
    checkQuorum: options.checkQuorum ?? true,
  };
  demand(
    options.recovery === undefined || (Number.isSafeInteger(options.recovery.incarnation) && options.recovery.incarnation > 0),
    `recovery.incarnation must be an integer above 0, not ${options.recovery?.incarnation}`,
  );
  demand(
    settings.heartbeatTicks < settings.electionMinTicks,
    `heartbeatMs must be below electionTimeoutMs.min, in whole ticks of ${tickMs} ms: ${settings.heartbeatTicks} ticks against ${settings.electionMinTicks}`,
  );
  checkStored(options);
  return settings;
}

function checkStored({ hardState, entries, appliedIndex }: RaftOptions): void {
  demand(
    Number.isSafeInteger(hardState.term) && hardState.term >= 0,
    `hardState.term must be an integer >= 0, not ${hardState.term}`,
  );
  demand(
    Number.isSafeInteger(appliedIndex) && appliedIndex >= 0 && appliedIndex <= entries.length,
    `appliedIndex must be from 0 to the log's last index ${entries.length}, not ${appliedIndex}`,
  );
  let previousTerm = 1;
  entries.forEach((entry, at) => {
    demand(entry.index === at + 1, `the log must run from index 1 without a gap: position ${at + 1} has index ${entry.index}`);
    demand(
      entry.term >= previousTerm,
      `terms must not decrease along the log: index ${entry.index} has ${entry.term} after ${previousTerm}`,
    );
    previousTerm = entry.term;
  });
  const last = entries.at(-1);
  demand(
    last === undefined || last.term <= hardState.term,
    `the log's last term ${last?.term} is above hardState.term ${hardState.term}: the hard state was lost`,
  );
}

function demand(condition: boolean, message: string): void {
  if (!condition) throw new RaftOptionsError(message);
}

function positive(name: string, value: number): number {
  demand(Number.isFinite(value) && value > 0, `${name} must be above 0, not ${value}`);
  return value;
}

function count(name: string, value: number): number {
  demand(Number.isSafeInteger(value) && value >= 1, `${name} must be an integer >= 1, not ${value}`);
  return value;
}
