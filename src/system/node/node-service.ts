// What a node does for its callers: a write goes through the Raft actor's mailbox, a read asks it for leave and then goes to
// a reader. Also takes in what the peers send.

import { Metadata } from '@grpc/grpc-js';
import { type Clock, sleep } from '../../runtime/clock.ts';
import { type ExtractedContext, extractFromHeaders, extractFromMetadata } from '../../telemetry/propagation.ts';
import { withContext } from '../../telemetry/current-context.ts';
import type { DistributedMetrics } from '../../telemetry/metrics.ts';
import type { ActiveSpan, Tracer } from '../../telemetry/tracer.ts';
import type { ActorRef } from '../actor/system.ts';
import { PoolExhaustedError, PoolTimeoutError } from '../pool/pool-errors.ts';
import type { Pool } from '../pool/pool.ts';
import type { Input, Message, NodeId } from '../raft/protocol.ts';
import type { WireHealth } from '../rpc/contract.ts';
import type { CallContext } from '../rpc/backend.ts';
import { RpcError, toRpcError } from '../rpc/errors.ts';
import type { EntriesTrace } from '../rpc/peer-wire.ts';
import type { Query, QueryAnswer } from '../rpc/wire.ts';
import { CommandError, encodeCommand } from '../store/command.ts';
import type { StatementOutcome } from '../store/outcome.ts';
import { type Reader, ReadTimeoutError } from '../store/reader.ts';
import { classify, SqlTextError } from '../store/sql-text.ts';
import type { NodeAddresses } from './addresses.ts';
import { type Canary, SLOW_REQUEST_MS, StaleCache } from './canary.ts';
import type { HttpBackend } from './http-server.ts';
import type { HostMessage, RaftHost } from './raft-host.ts';
import type { RequestTrace } from './raft-tracing.ts';

/** Requests under way in one node; further ones are refused, so that memory stays bounded whatever clients send. */
export const MOST_REQUESTS = 10_000;

export interface NodeServiceOptions {
  readonly id: NodeId;
  readonly clusterId: string;
  readonly addresses: NodeAddresses;
  readonly clock: Clock;
  readonly canaries: ReadonlySet<Canary>;
  readonly host: RaftHost;
  readonly raft: ActorRef<HostMessage>;
  readonly readers: Pool<Reader>;
  readonly metrics: DistributedMetrics;
  readonly tracer?: Tracer | undefined;
  readonly isHealthy: () => boolean;
}

export class NodeService implements HttpBackend {
  readonly #options: NodeServiceOptions;
  readonly #staleCache: StaleCache<StatementOutcome> | undefined;
  #underWay = 0;
  #stopped = false;

  constructor(options: NodeServiceOptions) {
    this.#options = options;
    if (options.canaries.has('stale-reads')) this.#staleCache = new StaleCache(options.clock);
  }

  execute(query: Query, call: CallContext): Promise<QueryAnswer> {
    const { context, remote, problem } = contextOf(call.context);
    if (problem !== undefined)
      this.#options.metrics.inc('distributed_context_problems_total', {
        transport: call.context instanceof Metadata ? 'grpc' : 'http',
      });
    // Who sends no trace wants none.
    const span = remote
      ? this.#options.tracer?.start('rpc.server', context, { 'windtunnel.node.id': this.#options.id })
      : undefined;
    return withContext(span?.context ?? context, () => this.#measured(query, call, span));
  }

  async #measured(query: Query, { signal, called }: CallContext, span: ServerSpan | undefined): Promise<QueryAnswer> {
    const { clock, id, metrics } = this.#options;
    const startMs = clock.now();
    let method = 'unknown';
    try {
      method = kindOf(query.sql);
      span?.set({ 'rpc.method': method });
      const results = await this.#admitted(method, query, startMs, signal, span);
      const elapsedMs = clock.now() - startMs;
      metrics.recordRequest(method, 'ok', elapsedMs / 1_000);
      span?.set({ 'windtunnel.outcome': 'ok' });
      return { results, executionTimeMs: elapsedMs, nodeId: id };
    } catch (error) {
      const { code, maybeApplied } = toRpcError(error);
      metrics.recordRequest(method, maybeApplied ? 'info' : 'fail', (clock.now() - startMs) / 1_000);
      metrics.recordError(code);
      span?.set({ 'windtunnel.outcome': maybeApplied ? 'info' : 'fail' });
      span?.fail(code);
      throw this.#inNetworkOf(called, error);
    } finally {
      span?.end();
    }
  }

  /** The leader that an error names is where its caller can reach it. */
  #inNetworkOf(called: string | undefined, error: unknown): unknown {
    if (!(error instanceof RpcError) || error.leader === undefined) return error;
    const { code, message, maybeApplied, leader, cause } = error;
    const endpoint = this.#options.addresses.of(leader.id, called);
    return endpoint === leader.endpoint
      ? error
      : new RpcError(code, message, { leader: { ...leader, endpoint }, maybeApplied, cause });
  }

  async #admitted(
    method: string,
    query: Query,
    startMs: number,
    signal: AbortSignal,
    span: ServerSpan | undefined,
  ): Promise<QueryAnswer['results']> {
    const { id } = this.#options;
    if (this.#stopped) throw new RpcError('shutting-down', `node ${id} is shutting down`);
    if (this.#underWay >= MOST_REQUESTS) throw new RpcError('overloaded', `node ${id} has ${MOST_REQUESTS} requests under way`);
    this.#underWay++;
    try {
      const deadlineMs = startMs + query.timeoutMs;
      if (this.#options.canaries.has('slow-requests')) await sleep(this.#options.clock, SLOW_REQUEST_MS);
      const outcome = await (method === 'write'
        ? this.#write(query, deadlineMs, signal, span)
        : this.#read(query, deadlineMs, signal, span));
      if (!outcome.ok) throw new RpcError(outcome.code, outcome.message);
      return outcome.results;
    } finally {
      this.#underWay--;
    }
  }

  health(called: string | undefined): WireHealth {
    const { id, clusterId, addresses } = this.#options;
    const { role, term, leader, commitIndex, appliedIndex } = this.#options.host.status;
    return {
      clusterId,
      nodeId: id,
      role,
      term,
      leaderId: leader ?? '',
      commitIndex,
      appliedIndex,
      ready: !this.#stopped && this.healthy() && leader !== undefined,
      members: addresses.members.map((nodeId) => ({ nodeId, endpoint: addresses.of(nodeId, called) })),
    };
  }

  healthy(): boolean {
    return this.#options.isHealthy();
  }

  metrics(accept: string | undefined): Promise<{ contentType: string; text: string }> {
    return this.#options.metrics.expose(accept);
  }

  /** A message of the node to itself. */
  input(input: Input): void {
    this.#options.raft.tell({ type: 'input', input });
  }

  /** Messages from a peer. Dropped when the node is far behind, because Raft repeats them and its own work must go on. */
  receive(messages: readonly Message[], traces: readonly EntriesTrace[]): void {
    if (this.#stopped || this.#options.raft.statistics().mailboxDepth > 2 * MOST_REQUESTS) return;
    for (const message of messages) this.#options.raft.tell({ type: 'input', input: { type: 'message', message }, traces });
  }

  /** Takes no further requests. */
  stop(): void {
    this.#stopped = true;
  }

  async #write(query: Query, deadlineMs: number, signal: AbortSignal, span: ServerSpan | undefined): Promise<StatementOutcome> {
    const command = commandOf(query);
    const trace = this.#traceOf(span);
    return this.#inTime(deadlineMs, signal, (resolve, reject) =>
      this.#options.raft.tell({ type: 'write', command, deadlineMs, resolve, reject, trace }),
    );
  }

  async #read(query: Query, deadlineMs: number, signal: AbortSignal, span: ServerSpan | undefined): Promise<StatementOutcome> {
    const readLocal = () => this.#readLocal(query, deadlineMs, signal, span);
    if (this.#staleCache) return this.#staleCache.get(JSON.stringify([query.sql, query.params]), readLocal);
    const trace = this.#traceOf(span);
    await this.#inTime<void>(deadlineMs, signal, (resolve, reject) =>
      this.#options.raft.tell({ type: 'read', deadlineMs, resolve, reject, trace }),
    );
    return readLocal();
  }

  #traceOf(span: ServerSpan | undefined): RequestTrace | undefined {
    const { tracer, raft } = this.#options;
    if (span === undefined || tracer === undefined) return undefined;
    return { context: span.context, arrivedMs: tracer.now(), depth: raft.statistics().mailboxDepth };
  }

  /** Reads the state machine as it is here. Linearizable only behind a read index. */
  async #readLocal(
    { sql, params }: Query,
    deadlineMs: number,
    signal: AbortSignal,
    span: ServerSpan | undefined,
  ): Promise<StatementOutcome> {
    const { clock, readers, tracer } = this.#options;
    const remainingMs = deadlineMs - clock.now();
    if (remainingMs <= 0) throw new RpcError('expired', 'the deadline passed before the read began');
    // Waiting for a reader, and then reading: the one ends where the other begins.
    const wait = span && tracer?.start('pool.acquire', span.context, { 'windtunnel.pool.name': 'readers' });
    let read: ActiveSpan<'store.read'> | undefined;
    try {
      return await readers.with(
        async (reader) => {
          wait?.end();
          read = span && tracer?.start('store.read', span.context, { 'db.system.name': 'sqlite' });
          const beganMs = clock.now();
          const outcome = await reader.query(sql, params, { timeoutMs: Math.max(1, deadlineMs - beganMs), signal });
          this.#options.metrics.observe('distributed_store_read_seconds', {}, (clock.now() - beganMs) / 1_000);
          return outcome;
        },
        { timeoutMs: remainingMs, signal },
      );
    } catch (error) {
      const failure = readFailure(error, signal);
      (read ?? wait)?.fail(failure.code);
      throw failure;
    } finally {
      wait?.end();
      read?.end();
    }
  }

  /** Waits for the Raft actor's answer until the deadline or until nobody wants it any more. */
  #inTime<T>(
    deadlineMs: number,
    signal: AbortSignal,
    begin: (resolve: (value: T) => void, reject: (error: RpcError) => void) => void,
  ): Promise<T> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const onAbort = () => settle(() => reject(new RpcError('cancelled', 'the caller does not wait for the answer any more')));
      const cancelTimer = clock.schedule(deadlineMs - clock.now(), () =>
        settle(() => reject(new RpcError('deadline-exceeded', 'the deadline passed before the request was answered'))),
      );
      const settle = (finish: () => void) => {
        cancelTimer();
        signal.removeEventListener('abort', onAbort);
        finish();
      };
      if (signal.aborted) {
        settle(() => reject(new RpcError('cancelled', 'cancelled before it began', { maybeApplied: false })));
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      begin(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      );
    });
  }
}

type ServerSpan = ActiveSpan<'rpc.server'>;

/** @throws RpcError for parameters that SQL cannot hold. */
function commandOf(query: Query): Uint8Array {
  try {
    return encodeCommand(query);
  } catch (error) {
    if (error instanceof CommandError) throw new RpcError('invalid-request', error.message, { cause: error });
    throw error;
  }
}

/** What a read that could not be made is to its caller. It changed nothing, whatever the reason. */
function readFailure(error: unknown, signal: AbortSignal): RpcError {
  if (error instanceof RpcError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const details = { cause: error, maybeApplied: false };
  if (signal.aborted) return new RpcError('cancelled', message, details);
  if (error instanceof CommandError) return new RpcError('invalid-request', message, details);
  if (error instanceof ReadTimeoutError || error instanceof PoolTimeoutError)
    return new RpcError('deadline-exceeded', message, details);
  if (error instanceof PoolExhaustedError) return new RpcError('overloaded', message, details);
  return new RpcError('internal', message, details);
}

/** @throws RpcError for SQL that no node would run. */
function kindOf(sql: string): 'read' | 'write' {
  try {
    return classify(sql);
  } catch (error) {
    if (error instanceof SqlTextError) throw new RpcError(error.code, error.message, { cause: error });
    throw error;
  }
}

function contextOf(carrier: CallContext['context']): ExtractedContext {
  // Nobody records the trace that stands in for a missing one: it must not become an exemplar.
  const stand = { sampled: false };
  return carrier instanceof Metadata ? extractFromMetadata(carrier, stand) : extractFromHeaders(carrier, stand);
}
