// Traces for tests, as our own client and nodes make them, from the time that each part shall take.

import type { AttributeValue, SpanContext } from '../../../telemetry/span.ts';
import type { SpanName } from '../../../telemetry/catalogue.ts';
import { SPANS } from '../../../telemetry/catalogue.ts';
import { seededIds } from '../../../telemetry/trace-ids.ts';
import { Random } from '../../../runtime/random.ts';
import { assemble, type AssembledTrace } from '../assembly.ts';
import type { ReceivedSpan } from '../received-span.ts';

export const EPOCH_MS = Date.UTC(2026, 10, 28);

export interface SpanDetails {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly links?: readonly SpanContext[];
  readonly error?: string;
}

/** Collects the spans of several traces and processes. Times are milliseconds behind the epoch that it is given. */
export class TraceBuilder {
  readonly spans: ReceivedSpan[] = [];
  readonly #ids;
  /** What is added to the clock of a process. */
  readonly #skewMs: Readonly<Record<string, number>>;

  readonly #epochMs: number;

  constructor(seed = 1, skewMs: Readonly<Record<string, number>> = {}, epochMs = EPOCH_MS) {
    this.#ids = seededIds(new Random(seed));
    this.#skewMs = skewMs;
    this.#epochMs = epochMs;
  }

  /** A span of process `instance` ('n1', 'n2', ... are nodes, others generators), the root of a trace unless it has a parent. */
  add(
    name: SpanName,
    instance: string,
    fromMs: number,
    toMs: number,
    parent?: SpanContext,
    details: SpanDetails = {},
  ): ReceivedSpan {
    const skewMs = this.#skewMs[instance] ?? 0;
    const span: ReceivedSpan = {
      traceId: parent?.traceId ?? this.#ids.traceId(),
      spanId: this.#ids.spanId(),
      name,
      kind: SPANS[name].kind,
      ...(parent !== undefined && { parentSpanId: parent.spanId }),
      startMs: this.#epochMs + fromMs + skewMs,
      endMs: this.#epochMs + toMs + skewMs,
      attributes: {},
      service: instance.startsWith('n') ? 'windtunnel-node' : 'windtunnel-load',
      instance,
      ...details,
    };
    this.spans.push(span);
    return span;
  }

  assemble(root: SpanContext): AssembledTrace {
    return assemble(root.traceId, (traceId) => this.spans.filter((span) => span.traceId === traceId));
  }
}

/** How long each part of a write takes, milliseconds; what is left out takes none. */
export interface WriteTimes {
  readonly generatorWait?: number;
  readonly failedAttempt?: number;
  readonly pause?: number;
  readonly poolWait?: number;
  /** There and back, half each. */
  readonly network?: number;
  readonly mailbox?: number;
  readonly append?: number;
  readonly fsync?: number;
  /** To the peer that completes the majority, and back. */
  readonly peerNetwork?: number;
  readonly peerAppend?: number;
  readonly peerFsync?: number;
  /** From the commit to the end of the quorum's span. */
  readonly quorum?: number;
  readonly apply?: number;
  /** At the node, before it answers. */
  readonly server?: number;
  /** At the client, behind the answer. */
  readonly other?: number;
}

/**
 * A write at leader n1 that begins at `atMs`; its batch is replicated to n2, which completes the majority when that takes
 * longer than the leader's own disk, and to n3, which answers long after the commit. Returns the root.
 */
export function addWrite(builder: TraceBuilder, times: WriteTimes, atMs = 0): ReceivedSpan {
  const {
    generatorWait = 0,
    failedAttempt = 0,
    pause = 0,
    poolWait = 0,
    network = 0,
    mailbox = 0,
    quorum = 0,
    apply = 0,
  } = times;
  const { append = 0, fsync = 0, peerNetwork = 0, peerAppend = 0, peerFsync = 0, server = 0, other = 0 } = times;
  const sentMs = atMs + generatorWait;
  const attemptMs = sentMs + failedAttempt + pause;
  const serverMs = attemptMs + poolWait + network / 2;
  const proposedMs = serverMs + mailbox;
  const committedMs = proposedMs + Math.max(append + fsync, peerNetwork + peerAppend + peerFsync);
  const appliedMs = committedMs + quorum + apply;
  const endMs = appliedMs + server + network / 2;
  const root = builder.add('load.operation', '1', atMs, endMs + other, undefined, {
    attributes: { 'windtunnel.load': 'registers', 'windtunnel.operation': 'write', 'windtunnel.outcome': 'ok' },
  });
  const execute = builder.add('client.execute', '1', sentMs, endMs + other, root);
  if (failedAttempt > 0) builder.add('retry.attempt', '1', sentMs, sentMs + failedAttempt, execute, { error: 'unavailable' });
  const attempt = builder.add('retry.attempt', '1', attemptMs, endMs, execute, { attributes: { 'windtunnel.attempt': 1 } });
  builder.add('pool.acquire', '1', attemptMs, attemptMs + poolWait, attempt);
  const service = builder.add('rpc.server', 'n1', serverMs, endMs - network / 2, attempt, {
    attributes: { 'windtunnel.node.id': 'n1' },
  });
  builder.add('raft.mailbox', 'n1', serverMs, proposedMs, service);
  const batch = builder.add('raft.batch', 'n1', proposedMs, committedMs);
  addDisk(builder, 'n1', proposedMs, append, fsync, batch);
  const replicate = builder.add('raft.replicate', 'n1', proposedMs, proposedMs + peerNetwork + peerAppend + peerFsync, batch, {
    attributes: { 'windtunnel.peer.id': 'n2' },
  });
  addDisk(builder, 'n2', proposedMs + peerNetwork / 2, peerAppend, peerFsync, replicate);
  builder.add('raft.replicate', 'n1', proposedMs, committedMs + 50, batch, { attributes: { 'windtunnel.peer.id': 'n3' } });
  builder.add('raft.quorum', 'n1', proposedMs, committedMs + quorum, service, { links: [contextOf(batch)] });
  builder.add('store.apply', 'n1', committedMs + quorum, appliedMs, service);
  return root;
}

function addDisk(builder: TraceBuilder, node: string, fromMs: number, append: number, fsync: number, parent: SpanContext): void {
  const span = builder.add('raft.append', node, fromMs, fromMs + append + fsync, parent);
  builder.add('raft.fsync', node, fromMs + append, fromMs + append + fsync, span);
}

/** A read at n1, which waits for a reader and then runs. Returns the root. */
export function addRead(
  builder: TraceBuilder,
  times: { index: number; readerWait: number; read: number; network: number },
  atMs = 0,
): ReceivedSpan {
  const { index, readerWait, read, network } = times;
  const serverMs = atMs + network / 2;
  const doneMs = serverMs + index + readerWait + read;
  const root = builder.add('load.operation', '1', atMs, doneMs + network / 2);
  const execute = builder.add('client.execute', '1', atMs, doneMs + network / 2, root);
  const attempt = builder.add('retry.attempt', '1', atMs, doneMs + network / 2, execute);
  const service = builder.add('rpc.server', 'n1', serverMs, doneMs, attempt);
  builder.add('raft.read-index', 'n1', serverMs, serverMs + index, service);
  builder.add('pool.acquire', 'n1', serverMs + index, serverMs + index + readerWait, service);
  builder.add('store.read', 'n1', serverMs + index + readerWait, doneMs, service);
  return root;
}

function contextOf({ traceId, spanId }: SpanContext): SpanContext {
  return { traceId, spanId };
}
