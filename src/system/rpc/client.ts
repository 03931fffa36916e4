// The smart client as a typestate: `execute` exists only on a connected client, so that calling it too early or too late
// does not compile. Follows the leader, retries what may be retried, and has every write applied once.

import { type Clock, systemClock } from '../../runtime/clock.ts';
import type { DistributedContext } from '../../telemetry/context.ts';
import { currentContext } from '../../telemetry/current-context.ts';
import { injectIntoHeaders } from '../../telemetry/propagation.ts';
import type { ActiveSpan, Tracer } from '../../telemetry/tracer.ts';
import { freshSeed, Random } from '../../runtime/random.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { RetryError } from '../retry/retry-error.ts';
import { type Attempt, RetryPolicy } from '../retry/retry-policy.ts';
import type { SqlValue } from '../store/bytes.ts';
import { classify, parseScript } from '../store/sql-text.ts';
import type { CallTrace } from './call-trace.ts';
import { ClientMetrics, type ClientMetricsOptions } from './client-metrics.ts';
import { Endpoint } from './endpoint.ts';
import { RpcError, toRpcError } from './errors.ts';
import { WriteSessions, type WriteTicket } from './write-sessions.ts';
import { type QueryAnswer, writeQuery } from './wire.ts';

export interface ClientOptions {
  /** host:port of some or all nodes, at least one. */
  readonly endpoints: readonly string[];
  /** Who is asked to read: the leader, or every node in turn, which costs the node a question to the leader. Default 'leader'. */
  readonly reads?: 'leader' | 'any';
  /** Deadline of one operation, all attempts included, milliseconds > 0. Default 5,000. */
  readonly timeoutMs?: number;
  /** How long one attempt may take before another node is tried, milliseconds > 0. Default 1,000. */
  readonly attemptTimeoutMs?: number;
  /** How long connecting to one node may take, milliseconds > 0. Default 1,000. */
  readonly connectTimeoutMs?: number;
  /** Connections to each node, >= 1. Default 1: a session carries any number of requests at once. */
  readonly sessionsPerEndpoint?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called before each retry. */
  readonly onRetry?: (error: RpcError) => void;
  /** Measures the calls that are made in a context (see `withContext`). Default: none does, and the nodes are only told the context. */
  readonly tracer?: Tracer | undefined;
  /** Where retries, breakers and pools are counted: CLIENT_METRICS and SHARED_METRICS of the catalogue. Default: nowhere. */
  readonly metrics?: ClientMetricsOptions | undefined;
}

export interface ExecuteOptions {
  /** Instead of the client's `timeoutMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A client that has not connected. Nothing is sent before `connect`. */
export interface UninitializedClient {
  readonly state: 'uninitialized';
  /**
   * Resolves when one node has been reached; the others are connected to when they are needed.
   * @throws RpcError `connect-failed` when none can be
   */
  connect(): Promise<ConnectedClient>;
}

export interface ConnectedClient {
  readonly state: 'connected';
  /**
   * Runs SQL. Reads are linearizable; a write is applied once however often it had to be sent.
   * @throws RpcError; `maybeApplied` says whether a failed write may have happened
   */
  execute(sql: string, params?: readonly SqlValue[], options?: ExecuteOptions): Promise<QueryAnswer>;
  /** Fails what is under way and closes every connection. Calls on this object fail from now on. */
  disconnect(reason?: string): Promise<DisconnectedClient>;
}

export interface DisconnectedClient {
  readonly state: 'disconnected';
  readonly reason: string;
  /** A new session with the same options. */
  connect(): Promise<ConnectedClient>;
}

/** @throws RangeError for an option out of its range, naming it. */
export function createClient(options: ClientOptions): UninitializedClient {
  if (options.endpoints.length === 0) throw new RangeError('endpoints: at least one host:port is needed');
  for (const endpoint of options.endpoints) {
    if (!/^.+:\d+$/.test(endpoint)) throw new RangeError(`endpoints: '${endpoint}' is not host:port`);
  }
  for (const name of ['timeoutMs', 'attemptTimeoutMs', 'connectTimeoutMs', 'sessionsPerEndpoint'] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0)) throw new RangeError(`${name}: must be above 0, not ${value}`);
  }
  return { state: 'uninitialized', connect: () => connect(options) };
}

async function connect(options: ClientOptions): Promise<ConnectedClient> {
  const client = new SessionClient(options);
  try {
    await client.reachAny();
  } catch (error) {
    await client.disconnect('no node could be reached');
    throw error;
  }
  return client;
}

/** Errors that are the state machine's answer to the write: with them it is known what became of it. */
const ANSWERS: ReadonlySet<string> = new Set([
  'sql-error',
  'constraint',
  'forbidden-sql',
  'not-deterministic',
  'result-too-large',
]);

class SessionClient implements ConnectedClient {
  readonly state = 'connected';
  readonly #options: Required<Omit<ClientOptions, 'onRetry' | 'tracer' | 'metrics'>>;
  readonly #original: ClientOptions;
  readonly #retry: RetryPolicy;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #closing = new AbortController();
  readonly #writes = new WriteSessions();
  readonly #metrics: ClientMetrics | undefined;
  #leader: string | undefined;
  #turn = 0;

  constructor(options: ClientOptions) {
    this.#original = options;
    this.#options = {
      reads: 'leader',
      timeoutMs: 5_000,
      attemptTimeoutMs: 1_000,
      connectTimeoutMs: 1_000,
      sessionsPerEndpoint: 1,
      clock: systemClock,
      random: new Random(freshSeed()),
      ...options,
    };
    const { clock, random } = this.#options;
    // An election makes every operation under way retry a few times; beyond that the cluster is in trouble, and more
    // load would not help it.
    const budget = new RetryBudget({ ratio: 0.5, capacity: 1_000, refillPerSecond: 200, clock });
    this.#metrics = options.metrics && new ClientMetrics(options.metrics, budget);
    this.#retry = new RetryPolicy({
      attempts: Number.POSITIVE_INFINITY,
      baseMs: 10,
      capMs: 200,
      random,
      clock,
      budget,
      // Whoever was told where the leader is need not wait.
      retryAfterMs: (error) =>
        error instanceof RpcError && error.leader && this.#endpoint(error.leader.endpoint).credible ? 0 : undefined,
      onRetry: ({ error }) => options.onRetry?.(toRpcError(error)),
    });
    for (const address of options.endpoints) this.#endpoint(address);
  }

  async reachAny(): Promise<void> {
    const errors: string[] = [];
    const { connectTimeoutMs } = this.#options;
    for (const endpoint of this.#endpoints.values()) {
      try {
        using _lease = await endpoint.pool.acquire({ timeoutMs: connectTimeoutMs, signal: this.#closing.signal });
        return;
      } catch (error) {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
        errors.push(cause instanceof Error ? cause.message : String(cause));
      }
    }
    throw new RpcError('connect-failed', `no node could be reached: ${errors.join('; ')}`);
  }

  async execute(sql: string, params: readonly SqlValue[] = [], options: ExecuteOptions = {}): Promise<QueryAnswer> {
    if (this.#closing.signal.aborted) throw new RpcError('disconnected', 'this client is disconnected');
    const kind = kindOf(sql);
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
    const ticket = kind === 'write' ? this.#writes.begin() : undefined;
    const trace = this.#trace(sql);
    const signal = options.signal ? AbortSignal.any([options.signal, this.#closing.signal]) : this.#closing.signal;
    try {
      return await this.#retry.execute((attempt) => this.#attempt(ticket, sql, params, attempt, trace), {
        // A repeated write carries the same sequence and is recognised, a repeated read changes nothing.
        idempotent: true,
        deadlineMs: timeoutMs,
        signal,
      });
    } catch (error) {
      const failure = this.#failure(error, kind, timeoutMs);
      trace?.span.fail(failure.code);
      throw failure;
    } finally {
      ticket?.end();
      trace?.span.set({ 'windtunnel.attempts': trace.attempts });
      trace?.span.end();
    }
  }

  async disconnect(reason = 'disconnect was called'): Promise<DisconnectedClient> {
    this.#closing.abort(new RpcError('disconnected', reason));
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close()));
    this.#metrics?.close();
    return { state: 'disconnected', reason, connect: () => connect(this.#original) };
  }

  /** @param ticket absent for a read. */
  async #attempt(
    ticket: WriteTicket | undefined,
    sql: string,
    params: readonly SqlValue[],
    attempt: Attempt,
    trace: ExecuteTrace | undefined,
  ): Promise<QueryAnswer> {
    const kind = ticket ? 'write' : 'read';
    if (attempt.number > 1) this.#metrics?.retried(kind);
    const call = trace && beginAttempt(trace, attempt.number);
    const endpoint = this.#choose(kind);
    const timeoutMs = Math.max(1, Math.min(this.#options.attemptTimeoutMs, attempt.remainingMs));
    const session = ticket ?? { clientId: '', sequence: 0, oldestPending: 0 };
    const { clientId, sequence, oldestPending } = session;
    const request = {
      ...writeQuery({ sql, params, timeoutMs, clientId, sequence, oldestPending }),
      ...contextToSend(call?.attempt.context ?? currentContext()),
    };
    try {
      const answer = await endpoint.submit(request, timeoutMs, attempt.signal, call);
      if (ticket) {
        this.#leader = endpoint.address;
        ticket.acknowledge();
      }
      return answer;
    } catch (error) {
      const failure = toRpcError(error);
      if (ANSWERS.has(failure.code)) ticket?.acknowledge();
      if (failure.code === 'session-expired') ticket?.expire();
      if (failure.leader && this.#endpoint(failure.leader.endpoint).credible) this.#leader = failure.leader.endpoint;
      else if (this.#leader === endpoint.address && failure.retryable) this.#leader = undefined;
      call?.attempt.fail(failure.code);
      throw failure;
    } finally {
      call?.attempt.end();
      if (trace && call) trace.lastAttemptEndMs = call.tracer.now();
    }
  }

  #trace(sql: string): ExecuteTrace | undefined {
    const { tracer } = this.#original;
    const parent = currentContext();
    if (tracer === undefined || parent === undefined) return undefined;
    const span = tracer.start('client.execute', parent, { 'db.system.name': 'sqlite', 'db.operation.name': operationOf(sql) });
    return { tracer, span, attempts: 0, lastAttemptEndMs: undefined };
  }

  #choose(kind: 'read' | 'write'): Endpoint {
    if (this.#leader !== undefined && (kind === 'write' || this.#options.reads === 'leader')) {
      const leader = this.#endpoint(this.#leader);
      if (leader.available) return leader;
    }
    const all = [...this.#endpoints.values()];
    const available = all.filter((endpoint) => endpoint.available);
    const candidates = available.length > 0 ? available : all;
    return candidates[this.#turn++ % candidates.length] as Endpoint;
  }

  #endpoint(address: string): Endpoint {
    const known = this.#endpoints.get(address);
    if (known) return known;
    const { clock, sessionsPerEndpoint, connectTimeoutMs } = this.#options;
    const meter = this.#metrics?.endpoint(address);
    const endpoint = new Endpoint(address, { clock, sessions: sessionsPerEndpoint, connectTimeoutMs, meter });
    this.#endpoints.set(address, endpoint);
    return endpoint;
  }

  /** What the caller of `execute` is told, with everything that the attempts together say about the operation. */
  #failure(error: unknown, kind: 'read' | 'write', timeoutMs: number): RpcError {
    if (!(error instanceof RetryError)) return toRpcError(error);
    const cause = error.cause instanceof RpcError ? error.cause : undefined;
    // A read leaves nothing behind; and an answer to a write that can be applied only once settles all its attempts.
    const maybeApplied = kind === 'write' && error.maybeApplied && !ANSWERS.has(cause?.code ?? '');
    const details = { cause: error, maybeApplied, leader: cause?.leader };
    if (this.#closing.signal.aborted) return new RpcError('disconnected', 'the client was disconnected', details);
    if (error.reason === 'aborted') return new RpcError('cancelled', 'the caller cancelled', details);
    if (error.reason === 'deadline') {
      const last = cause ? `; the last attempt: ${cause.message}` : '';
      return new RpcError('deadline-exceeded', `no answer within ${timeoutMs} ms (${error.attempts} attempts)${last}`, details);
    }
    if (error.reason === 'budget') this.#metrics?.budgetExhausted(kind);
    const budget = error.reason === 'budget' ? ' (not tried again: the retry budget is used up)' : '';
    return new RpcError(cause?.code ?? 'internal', `${cause?.message ?? error.message}${budget}`, details);
  }
}

/** What cannot be classified goes to the leader like a write; the node says what is wrong with it. */
function kindOf(sql: string): 'read' | 'write' {
  try {
    return classify(sql);
  } catch {
    return 'write';
  }
}

/** What its first statement does: SELECT, INSERT ... Unknown is what the node will refuse. */
function operationOf(sql: string): string {
  try {
    return parseScript(sql).statements[0]?.keyword ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** The trace of one call of `execute`. */
interface ExecuteTrace {
  readonly tracer: Tracer;
  readonly span: ActiveSpan<'client.execute'>;
  attempts: number;
  lastAttemptEndMs: number | undefined;
}

function beginAttempt(trace: ExecuteTrace, number: number): CallTrace {
  const { tracer, span, lastAttemptEndMs } = trace;
  trace.attempts = number;
  const attempt = tracer.start('retry.attempt', span.context, {
    'windtunnel.attempt': number,
    ...(lastAttemptEndMs !== undefined && { 'windtunnel.retry.pause_ms': tracer.now() - lastAttemptEndMs }),
  });
  return { tracer, attempt };
}

/** A trace context, when there is one, as headers inside the frame. */
function contextToSend(current: DistributedContext | undefined): { context?: Record<string, string> } {
  if (current === undefined) return {};
  const context: Record<string, string> = {};
  injectIntoHeaders(current, context);
  return { context };
}
