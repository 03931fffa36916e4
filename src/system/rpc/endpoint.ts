// One node as the client sees it: a pool of sessions behind a circuit breaker.

import type { Clock } from '../../runtime/clock.ts';
import { BreakerOpenError } from '../breaker/errors.ts';
import { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import type { Lease } from '../pool/lease.ts';
import { Pool } from '../pool/pool.ts';
import { PoolCreateError } from '../pool/pool-errors.ts';
import type { CallTrace } from './call-trace.ts';
import type { EndpointMeter } from './client-metrics.ts';
import type { WireQueryRequest } from './contract.ts';
import { RpcError } from './errors.ts';
import { openSession, type Session } from './session.ts';
import type { QueryAnswer } from './wire.ts';

/** The longest election timeout: how long followers may hold on to a leader that is gone. */
const HEARSAY_MS = 300;

export interface EndpointOptions {
  readonly clock: Clock;
  /** The most connections to this node, >= 1. */
  readonly sessions: number;
  readonly connectTimeoutMs: number;
  readonly meter?: EndpointMeter | undefined;
}

export class Endpoint {
  readonly address: string;
  readonly breaker: CircuitBreaker;
  readonly pool: Pool<Session>;
  readonly #clock: Clock;
  readonly #unwatch: (() => void) | undefined;
  #lastFaultMs = Number.NEGATIVE_INFINITY;

  constructor(address: string, { clock, sessions, connectTimeoutMs, meter }: EndpointOptions) {
    this.address = address;
    this.#clock = clock;
    this.breaker = new CircuitBreaker({
      failureThreshold: 5,
      resetTimeoutMs: 250,
      maxResetTimeoutMs: 2_000,
      isFailure: (error) => error instanceof RpcError && error.endpointFault,
      ...(meter && { listener: meter.breakerListener }),
      clock,
    });
    this.pool = new Pool<Session>(
      {
        create: (signal) => openSession(address, { clock, timeoutMs: connectTimeoutMs, signal }),
        recycle: (session) => {
          if (!session.alive) throw new RpcError('connect-failed', `the session to ${address} has ended`);
        },
        destroy: (session) => session.close(),
      },
      {
        name: `sessions to ${address}`,
        max: sessions,
        createTimeoutMs: connectTimeoutMs,
        idleTimeoutMs: Number.POSITIVE_INFINITY,
        ...(meter && { onEvent: meter.pool.onEvent }),
        clock,
      },
    );
    this.#unwatch = meter?.pool.watch(this.pool);
  }

  /** Whether a call would be let through now. An open breaker whose time is over counts: the next call is its probe. */
  get available(): boolean {
    const { state } = this.breaker;
    switch (state.kind) {
      case 'closed':
        return true;
      case 'open':
        return this.#clock.now() >= state.untilMs;
      case 'half-open':
        return state.probesInFlight === 0;
    }
  }

  /**
   * Whether this node is worth an immediate attempt because another one named it as leader: not when it failed a moment ago,
   * since for about an election timeout the others still name a leader that has died.
   */
  get credible(): boolean {
    return this.available && this.#clock.now() - this.#lastFaultMs > HEARSAY_MS;
  }

  /** Sends one request. Rejects with RpcError. */
  async submit(request: WireQueryRequest, timeoutMs: number, signal: AbortSignal, trace?: CallTrace): Promise<QueryAnswer> {
    trace?.attempt.set({ 'server.address': this.address, 'windtunnel.breaker.state': this.breaker.state.kind });
    try {
      return await this.breaker.execute(() => this.#submit(request, timeoutMs, signal, trace), { signal });
    } catch (error) {
      if (error instanceof RpcError && error.endpointFault) this.#lastFaultMs = this.#clock.now();
      if (error instanceof BreakerOpenError)
        throw new RpcError('breaker-open', `${this.address}: ${error.message}`, { cause: error });
      throw error;
    }
  }

  async close(): Promise<void> {
    // The leases last only as long as it takes to hand a request to the session, so there is nothing to wait for.
    await this.pool.close({ timeoutMs: 1_000 });
    this.#unwatch?.();
  }

  async #submit(request: WireQueryRequest, timeoutMs: number, signal: AbortSignal, trace?: CallTrace): Promise<QueryAnswer> {
    const session = await this.#session(timeoutMs, signal, trace);
    return session.submit(request, timeoutMs, signal, trace);
  }

  /**
   * A session carries many requests at once, so it is leased only to see that it is alive and goes back at once: the pool
   * keeps the number of connections and replaces broken ones.
   */
  async #session(timeoutMs: number, signal: AbortSignal, trace?: CallTrace): Promise<Session> {
    try {
      using lease = this.pool.tryAcquire() ?? (await this.#acquire(timeoutMs, signal, trace));
      return lease.value;
    } catch (error) {
      if (error instanceof PoolCreateError && error.cause instanceof RpcError) throw error.cause;
      const message = error instanceof Error ? error.message : String(error);
      throw new RpcError(signal.aborted ? 'cancelled' : 'pool-exhausted', message, { cause: error, maybeApplied: false });
    }
  }

  /** Waits for a session, or for the connection of a new one. */
  async #acquire(timeoutMs: number, signal: AbortSignal, trace: CallTrace | undefined): Promise<Lease<Session>> {
    const span = trace?.tracer.start('pool.acquire', trace.attempt.context, {
      'windtunnel.pool.name': 'sessions',
      'windtunnel.pool.waiting': this.pool.statistics.waiting,
    });
    try {
      return await this.pool.acquire({ timeoutMs, signal });
    } catch (error) {
      span?.fail(error instanceof Error ? error.name : 'unknown');
      throw error;
    } finally {
      span?.end();
    }
  }
}
