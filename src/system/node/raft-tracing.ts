// The spans of consensus: where the time of a request goes between its arrival in the mailbox and its answer, and what the batch
// that carried it did meanwhile, here and on the peers. A request links to its batch, because a batch carries many requests.

import type { DistributedContext } from '../../telemetry/context.ts';
import type { ActiveSpan, Tracer } from '../../telemetry/tracer.ts';
import type { Message, NodeId, RaftEvent } from '../raft/protocol.ts';
import { type EntriesTrace, MOST_ENTRIES_TRACES } from '../rpc/peer-wire.ts';

/** The trace of a request that waits for the Raft actor. */
export interface RequestTrace {
  /** The span of the request at this node. */
  readonly context: DistributedContext;
  /** When it was put into the mailbox, as `Tracer.now`. */
  readonly arrivedMs: number;
  /** How many messages waited before it. */
  readonly depth: number;
}

/** The trace of a write that was proposed. */
export interface ProposalTrace {
  readonly context: DistributedContext;
  readonly batch: Batch;
  readonly proposedMs: number;
  committedMs: number | undefined;
}

/** What went to disk in one append, for the traces that it is a part of. */
export interface AppendTrace {
  /** Not none. */
  readonly parents: readonly DistributedContext[];
  readonly startMs: number;
  readonly entries: number;
  /** Of the last entry. */
  readonly index: number;
}

export interface Batch {
  readonly span: ActiveSpan<'raft.batch'>;
  /** Of its entries; Infinity and 0 while nothing was proposed. */
  firstIndex: number;
  lastIndex: number;
  /** By peer: until it acknowledges the last entry. */
  readonly replications: Map<NodeId, ActiveSpan<'raft.replicate'>>;
  readonly acknowledged: Set<NodeId>;
  /** Peers to which it was sent more than once. */
  readonly repeated: Set<NodeId>;
  committed: boolean;
}

/** A peer that is gone acknowledges nothing, and then every batch stays open; the oldest of more than this many is given up. */
const MOST_OPEN_BATCHES = MOST_ENTRIES_TRACES;

export class RaftTracing {
  readonly #tracer: Tracer;
  readonly #node: NodeId;
  readonly #peers: readonly NodeId[];
  #term = 0;
  /** In the order of their entries; each has an entry that is not committed, or that some peer has not acknowledged. */
  #open: Batch[] = [];
  #current: Batch | undefined;
  /** Of the message that the core is given. */
  #received: readonly EntriesTrace[] = [];

  constructor(tracer: Tracer, node: NodeId, peers: readonly NodeId[]) {
    this.#tracer = tracer;
    this.#node = node;
    this.#peers = peers;
  }

  now(): number {
    return this.#tracer.now();
  }

  /** A request leaves the mailbox. Returns when. */
  drained({ context, arrivedMs, depth }: RequestTrace): number {
    const endMs = this.#tracer.now();
    const attributes = { ...this.#here(), 'windtunnel.mailbox.depth': depth };
    this.#tracer.record('raft.mailbox', context, { startMs: arrivedMs, endMs, attributes });
    return endMs;
  }

  /** What is proposed until `endProposing` is one batch. @param requests those that are traced; none: it is not traced either. */
  beginProposing(requests: readonly RequestTrace[]): void {
    if (requests.length === 0) return;
    const sampled = requests.some(({ context }) => context.sampled);
    this.#current = {
      span: this.#tracer.startRoot('raft.batch', sampled, this.#here()),
      firstIndex: Number.POSITIVE_INFINITY,
      lastIndex: 0,
      replications: new Map(),
      acknowledged: new Set(),
      repeated: new Set(),
      committed: false,
    };
  }

  proposed(index: number, request: RequestTrace | undefined): ProposalTrace | undefined {
    const batch = this.#current;
    if (batch === undefined) return undefined;
    batch.firstIndex = Math.min(batch.firstIndex, index);
    batch.lastIndex = Math.max(batch.lastIndex, index);
    if (request === undefined) return undefined;
    return { context: request.context, batch, proposedMs: this.#tracer.now(), committedMs: undefined };
  }

  endProposing(): void {
    const batch = this.#current;
    this.#current = undefined;
    // Everything was refused: not the leader.
    if (batch === undefined || batch.lastIndex === 0) return;
    batch.span.set({
      'windtunnel.batch.entries': batch.lastIndex - batch.firstIndex + 1,
      'windtunnel.raft.index': batch.lastIndex,
    });
    this.#open.push(batch);
    if (this.#open.length > MOST_OPEN_BATCHES) this.#giveUp(this.#open.shift(), 'not-acknowledged');
  }

  /** The core is given a message that came with these, until `endReceiving`. */
  beginReceiving(traces: readonly EntriesTrace[]): void {
    this.#received = traces;
  }

  endReceiving(): void {
    this.#received = [];
  }

  /** Entries are handed over to be made durable. */
  appending(entries: number, lastIndex: number): AppendTrace | undefined {
    if (entries === 0) return undefined;
    const parents = this.#current
      ? [this.#current.span.context]
      : // A frame may carry messages with the entries of several batches.
        this.#received.filter((each) => each.firstIndex <= lastIndex && each.lastIndex > lastIndex - entries).map(contextOf);
    return parents.length === 0 ? undefined : { parents, startMs: this.#tracer.now(), entries, index: lastIndex };
  }

  /** They are durable now. @param syncSeconds how long the fsync took that was last. */
  appended(traces: readonly (AppendTrace | undefined)[], syncSeconds: number, bytes: number): void {
    const endMs = this.#tracer.now();
    for (const trace of traces) {
      if (trace === undefined) continue;
      const { parents, startMs, entries, index } = trace;
      const attributes = { ...this.#here(), 'windtunnel.batch.entries': entries, 'windtunnel.raft.index': index };
      for (const parent of parents) {
        const append = this.#tracer.start('raft.append', parent, attributes, startMs);
        this.#tracer.record('raft.fsync', append.context, {
          startMs: Math.max(startMs, endMs - syncSeconds * 1_000),
          endMs,
          attributes: { ...this.#here(), 'windtunnel.batch.bytes': bytes },
        });
        append.end(endMs);
      }
    }
  }

  /** A frame goes to a peer. Returns what goes with it. */
  sending(to: NodeId, messages: readonly Message[]): EntriesTrace[] {
    const traces = new Map<Batch, EntriesTrace>();
    for (const message of messages) {
      if (message.type !== 'append-request' || message.entries.length === 0) continue;
      const first = message.previousIndex + 1;
      const last = message.previousIndex + message.entries.length;
      for (const batch of this.#open) {
        if (batch.lastIndex < first || batch.firstIndex > last || batch.acknowledged.has(to)) continue;
        let span = batch.replications.get(to);
        if (span === undefined) {
          const entries = batch.lastIndex - batch.firstIndex + 1;
          const attributes = { ...this.#here(), 'windtunnel.peer.id': to, 'windtunnel.batch.entries': entries };
          batch.replications.set(to, (span = this.#tracer.start('raft.replicate', batch.span.context, attributes)));
        } else if (!batch.repeated.has(to)) {
          // Once: a peer that does not answer is sent the same with every heartbeat.
          batch.repeated.add(to);
          span.event('sent again');
        }
        const { firstIndex, lastIndex } = batch;
        traces.set(batch, { context: span.context, firstIndex, lastIndex });
      }
    }
    return [...traces.values()];
  }

  /** A message of a peer, before the core is given it. */
  received(message: Message): void {
    if (message.type !== 'append-response' || !message.accepted || this.#open.length === 0) return;
    const { from, matchIndex } = message;
    for (const batch of this.#open) {
      if (batch.lastIndex > matchIndex) break;
      if (batch.acknowledged.has(from)) continue;
      batch.acknowledged.add(from);
      batch.replications.get(from)?.end();
    }
    this.#close();
  }

  happened(event: RaftEvent): void {
    if (event.type === 'commit') this.#committed(event.index);
    else {
      this.#term = event.term;
      if (event.role === 'leader') return;
      for (const batch of this.#open.splice(0)) this.#giveUp(batch, 'leadership-lost');
    }
  }

  /** The entry of a write is committed. */
  quorum(trace: ProposalTrace, index: number): void {
    const endMs = this.#tracer.now();
    trace.committedMs = endMs;
    const attributes = { ...this.#here(), 'windtunnel.raft.index': index };
    const links = [trace.batch.span.context];
    this.#tracer.record('raft.quorum', trace.context, { startMs: trace.proposedMs, endMs, attributes, links });
  }

  /** The entry of a write is applied. @param entries how many were applied in one transaction. */
  applied({ context, committedMs, proposedMs }: ProposalTrace, index: number, entries: number): void {
    const attributes = { 'db.system.name': 'sqlite', 'windtunnel.batch.entries': entries, 'windtunnel.raft.index': index };
    this.#tracer.record('store.apply', context, { startMs: committedMs ?? proposedMs, attributes });
  }

  /** A read has its permission. @param drainedMs when it left the mailbox. */
  readReady({ context }: RequestTrace, drainedMs: number): void {
    this.#tracer.record('raft.read-index', context, { startMs: drainedMs, attributes: this.#here() });
  }

  #committed(index: number): void {
    for (const batch of this.#open) {
      if (batch.lastIndex > index) break;
      if (batch.committed) continue;
      batch.committed = true;
      batch.span.end();
    }
    this.#close();
  }

  #close(): void {
    this.#open = this.#open.filter(({ committed, acknowledged }) => !committed || acknowledged.size < this.#peers.length);
  }

  #giveUp(batch: Batch | undefined, reason: string): void {
    if (batch === undefined) return;
    for (const [peer, span] of batch.replications) {
      if (batch.acknowledged.has(peer)) continue;
      span.event(reason);
      span.end();
    }
    if (!batch.committed) batch.span.event(reason);
    batch.span.end();
  }

  #here() {
    return { 'windtunnel.node.id': this.#node, 'windtunnel.raft.term': this.#term };
  }
}

function contextOf({ context }: EntriesTrace): DistributedContext {
  return context;
}
