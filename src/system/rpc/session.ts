// The client's end of a session: one stream to one node, shared by every request to it. Requests issued in the same turn of
// the event loop leave in one frame, because a message on a stream costs ten times what a request inside a frame costs.

import { Client, connectivityState, credentials, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { ActiveSpan } from '../../telemetry/tracer.ts';
import { queryService, type RequestFrame, type ResponseFrame, type WireQueryRequest } from './contract.ts';
import { RpcError } from './errors.ts';
import type { CallTrace } from './call-trace.ts';
import { type QueryAnswer, readAnswer, readError } from './wire.ts';

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': 16 << 20,
  'grpc.max_send_message_length': 16 << 20,
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 2_000,
  // Each session is a connection of its own, so that closing it closes a socket and a broken one is really replaced.
  'grpc.use_local_subchannel_pool': 1,
  // A node that restarts is back within a second; the default backoff would hide it for up to two minutes.
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

interface Pending {
  readonly resolve: (answer: QueryAnswer) => void;
  readonly reject: (error: RpcError) => void;
  readonly cancelTimer: Cancel;
  readonly trace: CallTrace | undefined;
  sent: boolean;
  /** What carried it. */
  frame: TracedFrame | undefined;
}

/** A frame with traced requests in it, until all of them are answered. */
interface TracedFrame {
  readonly span: ActiveSpan<'rpc.session.frame'>;
  unanswered: number;
}

/** Use `openSession`. */
export class Session {
  readonly endpoint: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #stream: ClientDuplexStream<RequestFrame, ResponseFrame>;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #outgoing: { id: number; request: WireQueryRequest }[] = [];
  #cancelled: number[] = [];
  #flushScheduled = false;
  #ended: RpcError | undefined;

  constructor(endpoint: string, client: Client, clock: Clock) {
    this.endpoint = endpoint;
    this.#client = client;
    this.#clock = clock;
    const { path, requestSerialize, responseDeserialize } = queryService.Session;
    this.#stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    this.#stream.on('data', (frame: ResponseFrame) => this.#receive(frame));
    this.#stream.on('error', (error: Error) =>
      this.#end(new RpcError('connection-lost', `${endpoint}: ${error.message}`, { cause: error })),
    );
    this.#stream.on('end', () => this.#end(new RpcError('connection-lost', `${endpoint} ended the session`)));
  }

  /** Whether requests can be submitted. */
  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** Requests that have not been answered. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /**
   * Sends one request and resolves with its answer. Rejects with RpcError: `attempt-timeout` after `timeoutMs` (> 0),
   * `connection-lost` when the stream breaks, `cancelled` when the signal is aborted, or what the node answered.
   */
  submit(request: WireQueryRequest, timeoutMs: number, signal?: AbortSignal, trace?: CallTrace): Promise<QueryAnswer> {
    if (this.#ended) return Promise.reject(new RpcError('connect-failed', this.#ended.message, { cause: this.#ended }));
    if (signal?.aborted)
      return Promise.reject(new RpcError('cancelled', 'cancelled before it was sent', { maybeApplied: false }));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#abandon(id, 'cancelled', 'the caller cancelled');
      const settled = () => signal?.removeEventListener('abort', onAbort);
      this.#pending.set(id, {
        resolve: (answer) => {
          settled();
          resolve(answer);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
        cancelTimer: this.#clock.schedule(timeoutMs, () =>
          this.#abandon(id, 'attempt-timeout', `${this.endpoint} did not answer within ${Math.round(timeoutMs)} ms`),
        ),
        trace,
        sent: false,
        frame: undefined,
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#outgoing.push({ id, request });
      this.#scheduleFlush();
    });
  }

  /** Ends the stream and the connection. Requests under way fail with `connection-lost`. */
  close(): void {
    this.#end(new RpcError('connection-lost', `the session to ${this.endpoint} was closed`));
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#ended || (this.#outgoing.length === 0 && this.#cancelled.length === 0)) return;
    const sent = this.#outgoing.flatMap(({ id }) => this.#pending.get(id) ?? []);
    for (const pending of sent) pending.sent = true;
    this.#traceFrame(sent);
    this.#stream.write({ requests: this.#outgoing, cancelled: this.#cancelled });
    this.#outgoing = [];
    this.#cancelled = [];
  }

  #traceFrame(sent: readonly Pending[]): void {
    const traced = sent.filter(({ trace }) => trace !== undefined);
    const [first] = traced;
    if (first?.trace === undefined) return;
    const sampled = traced.some(({ trace }) => trace?.attempt.context.sampled === true);
    const span = first.trace.tracer.startRoot('rpc.session.frame', sampled, {
      'rpc.system': 'grpc',
      'server.address': this.endpoint,
      'windtunnel.frame.requests': sent.length,
    });
    const frame = { span, unanswered: traced.length };
    for (const pending of traced) {
      pending.frame = frame;
      pending.trace?.attempt.link(span.context);
    }
  }

  /** Of a request that nobody waits for any more, whatever it came to. */
  #settled({ cancelTimer, frame }: Pending): void {
    cancelTimer();
    if (frame !== undefined && --frame.unanswered === 0) frame.span.end();
  }

  #receive(frame: ResponseFrame): void {
    for (const { id, response, error } of frame.responses ?? []) {
      const pending = this.#pending.get(Number(id));
      // Unknown ids are answers to requests that timed out or were cancelled.
      if (pending === undefined) continue;
      this.#pending.delete(Number(id));
      this.#settled(pending);
      if (error) pending.reject(readError(error));
      else pending.resolve(readAnswer(response ?? {}));
    }
  }

  #abandon(id: number, code: 'attempt-timeout' | 'cancelled', message: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#settled(pending);
    pending.reject(new RpcError(code, message, { maybeApplied: pending.sent }));
    if (pending.sent) {
      this.#cancelled.push(id);
      this.#scheduleFlush();
    } else {
      this.#outgoing = this.#outgoing.filter((waiting) => waiting.id !== id);
    }
  }

  #end(reason: RpcError): void {
    if (this.#ended) return;
    this.#ended = reason;
    for (const pending of this.#pending.values()) {
      this.#settled(pending);
      pending.reject(
        pending.sent
          ? new RpcError('connection-lost', reason.message, { cause: reason })
          : new RpcError('connect-failed', reason.message, { cause: reason }),
      );
    }
    this.#pending.clear();
    this.#stream.cancel();
    this.#client.close();
  }
}

/**
 * Connects to `endpoint` ('host:port') and opens a session.
 * @param timeoutMs how long connecting may take, > 0.
 * @throws RpcError `connect-failed`
 */
export async function openSession(
  endpoint: string,
  options: { clock: Clock; timeoutMs: number; signal?: AbortSignal },
): Promise<Session> {
  const client = await connectChannel(endpoint, options);
  return new Session(endpoint, client, options.clock);
}

/**
 * A connected gRPC channel to `endpoint`. A refused connection fails at once rather than at the deadline: whoever asked has
 * other nodes to try.
 * @throws RpcError `connect-failed`
 */
export function connectChannel(
  endpoint: string,
  options: { clock: Clock; timeoutMs: number; signal?: AbortSignal },
): Promise<Client> {
  const { clock, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new RpcError('connect-failed', `${endpoint}: cancelled before connecting`));
      return;
    }
    const client = new Client(endpoint, credentials.createInsecure(), CHANNEL_OPTIONS);
    const channel = client.getChannel();
    const deadline = clock.wallTime() + options.timeoutMs;
    let settled = false;
    const settle = (failure?: string) => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', onAbort);
      if (failure === undefined) {
        resolve(client);
        return;
      }
      client.close();
      reject(new RpcError('connect-failed', `${endpoint}: ${failure}`));
    };
    const onAbort = () => settle('connecting was cancelled');
    signal?.addEventListener('abort', onAbort, { once: true });
    const watch = () => {
      if (settled) return;
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) settle();
      else if (state === connectivityState.TRANSIENT_FAILURE) settle('the connection was refused or broke');
      else
        channel.watchConnectivityState(state, deadline, (error) =>
          error ? settle(`no connection within ${options.timeoutMs} ms`) : watch(),
        );
    };
    watch();
  });
}
