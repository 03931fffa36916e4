// The vocabulary of consensus: what the core keeps, what it is told and what it answers. No behaviour.
// Terms follow D. Ongaro, "Consensus: Bridging Theory and Practice" (2014), chapters 3, 6.4 and 9.6.

export type NodeId = string;

/** `noop` is the entry with which a leader opens its term; it carries no data and is not shown to the state machine's user. */
export type EntryKind = 'command' | 'noop';

/**
 * Invariants:
 * 1. `index` >= 1, and consecutive in a log.
 * 2. `term` >= 1, and never decreases along a log.
 */
export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** What must be on disk before anything that depends on it is said. Dissertation figure 3.1, "persistent state". */
export interface HardState {
  readonly term: number;
  readonly votedFor: NodeId | undefined;
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; for a pre-vote request, the term the sender would stand for. */
  readonly term: number;
}

/** Of a node whose disk was lost; see recovery.ts. Absent for one that never lost it. */
export interface Recovery {
  /** Which disk this is: a number that is higher after each loss. */
  readonly incarnation: number;
  /** Whether the node is one like the others again. While it is not, it counts towards no majority. */
  readonly over: boolean;
}

export type Message = Envelope &
  (
    | { readonly type: 'pre-vote-request' | 'vote-request'; readonly lastLogIndex: number; readonly lastLogTerm: number }
    | { readonly type: 'pre-vote-response' | 'vote-response'; readonly granted: boolean }
    | {
        readonly type: 'append-request';
        readonly previousIndex: number;
        readonly previousTerm: number;
        readonly entries: readonly Entry[];
        readonly commitIndex: number;
        /**
         * Grows with every heartbeat broadcast of a leader, from 0 in each of its terms; requests between two heartbeats repeat
         * it. Echoed, so that an answer proves leadership at or after that broadcast.
         */
        readonly round: number;
        /** To a follower that recovers in this incarnation: it is done when it has on disk what the log holds up to `upTo`. */
        readonly recovery?: { readonly incarnation: number; readonly upTo: number };
      }
    /**
     * `matchIndex`: the follower's disk agrees with the leader's log up to here. While its disk is busy this is less than what
     * the request carried: a heartbeat is answered at once, new entries when they are durable, one answer for all of them.
     */
    | {
        readonly type: 'append-response';
        readonly round: number;
        readonly accepted: true;
        readonly matchIndex: number;
        readonly recovery?: Recovery;
      }
    /**
     * Also the answer to a leader of an older term, which learns from `term` that it is one; then round and indexes are 0.
     */
    | {
        readonly type: 'append-response';
        readonly round: number;
        readonly accepted: false;
        /** The `previousIndex` that did not match, so that an answer to an older request is recognised. */
        readonly rejectedIndex: number;
        /** Where the leader may try next: the last index at which the logs could still agree, and the term there. */
        readonly hintIndex: number;
        readonly hintTerm: number;
        readonly recovery?: Recovery;
      }
    /** A follower asks the leader for a read index on behalf of its own reader. `readIndex` is undefined when it does not lead. */
    | { readonly type: 'read-index-request'; readonly requestId: number }
    | { readonly type: 'read-index-response'; readonly requestId: number; readonly readIndex: number | undefined }
  );

export interface Proposal {
  /** Chosen by the host, unique while it runs; comes back in `proposed` or `proposal-rejected`. */
  readonly id: number;
  readonly data: Uint8Array;
}

export type Input =
  /** `tickMs` of time have passed. After a stall the host sends one tick, not the missed ones. */
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly message: Message }
  | { readonly type: 'propose'; readonly proposals: readonly Proposal[] }
  /**
   * Asks for an index that makes a read linearizable (dissertation 6.4). On a follower it is asked of the leader. Comes back as
   * `read-ready` or `read-rejected`, exactly once. One id can serve all the reads that wait: each id costs a place in a broadcast.
   * `id` is chosen by the host, unique among the reads that are pending.
   */
  | { readonly type: 'read-index'; readonly id: number }
  /** Every persist effect with a sequence up to this one is durable. */
  | { readonly type: 'persisted'; readonly sequence: number }
  /** The state machine has applied every entry up to this index. */
  | { readonly type: 'applied'; readonly index: number }
  /** The host has recorded durably that the recovery is over. The answer to `recovered`. */
  | { readonly type: 'recovery-recorded' };

export type RaftEvent =
  | { readonly type: 'role'; readonly role: Role; readonly term: number; readonly leader: NodeId | undefined }
  /** The commit index rose to `index`; `term` is the term of the entry there. */
  | { readonly type: 'commit'; readonly index: number; readonly term: number };

/**
 * What the host must do, in this order. Nothing else is ordered: a `send` may leave before an earlier `persist` is durable,
 * because the core itself holds back what must wait and releases it on `persisted`.
 */
export type Effect =
  /**
   * Write to disk. `entries`, when there are any, replace everything from entries[0].index on. Persist effects are
   * numbered 1, 2, 3 ...; the host may make several durable with one fsync and then reports the last number.
   */
  | {
      readonly type: 'persist';
      readonly sequence: number;
      readonly hardState: HardState | undefined;
      readonly entries: readonly Entry[];
    }
  | { readonly type: 'send'; readonly message: Message }
  /** Committed entries, durable here, each exactly once and in order while the host runs. Answer with `applied`. */
  | { readonly type: 'apply'; readonly entries: readonly Entry[] }
  | { readonly type: 'proposed'; readonly id: number; readonly term: number; readonly index: number }
  /** Not the leader: definitely not applied. `leader` is the best guess. */
  | { readonly type: 'proposal-rejected'; readonly id: number; readonly leader: NodeId | undefined }
  /** The state machine has applied enough: a read of it now is linearizable. */
  | { readonly type: 'read-ready'; readonly id: number }
  | { readonly type: 'read-rejected'; readonly id: number; readonly leader: NodeId | undefined }
  /** A node that had lost its disk has caught up, up to `index`. Record it durably, then answer with `recovery-recorded`. */
  | { readonly type: 'recovered'; readonly index: number }
  | { readonly type: 'event'; readonly event: RaftEvent };
