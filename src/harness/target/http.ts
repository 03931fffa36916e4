// Operations that are HTTP requests. Each is sent once, over connections that are kept: nothing is repeated and no redirection
// followed, because what the server did is what is measured.

import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import { currentContext } from '../../telemetry/current-context.ts';
import { formatTraceparent } from '../../telemetry/trace-context.ts';
import type { Answer, PlannedOperation } from '../load/operation.ts';
import type { ValidHttp, ValidScenario } from '../scenario/valid-scenario.ts';
import { answered, CANCELLED, codeOf, DEADLINE_EXCEEDED, unanswered } from './http-answer.ts';
import { inTurn, urlsOf } from './http-request.ts';

export interface HttpTargetOptions {
  /** host:port of HTTP servers, for workloads whose URL is a path. */
  readonly httpEndpoints: readonly string[];
  readonly scenario: Pick<ValidScenario, 'loads' | 'operationTimeoutMs'>;
  readonly clock: Clock;
}

export interface HttpTarget {
  invoke(operation: HttpOperation, signal: AbortSignal, timeoutMs?: number): Promise<Answer>;
  /** Breaks every connection. */
  close(): void;
}

type HttpOperation = Extract<PlannedOperation, { kind: 'http' }>;

/** What of a request is the same every time. */
interface Prepared {
  readonly nextOptions: () => RequestOptions;
  readonly body: Buffer | undefined;
}

/** Connects to nothing yet: a connection is made when a request finds none free. @throws ScenarioError */
export function prepareHttp({ httpEndpoints, scenario, clock }: HttpTargetOptions): HttpTarget {
  // There are as many connections as requests were under way at once, and none is given up while there is nothing to send.
  const keeping = { keepAlive: true, maxFreeSockets: Infinity };
  const agents = { http: new Agent(keeping), https: new TlsAgent(keeping) };
  const prepared = new Map<string, Prepared>();
  for (const [load, { workload }] of Object.entries(scenario.loads)) {
    if (workload.kind !== 'http') continue;
    const body = workload.body === undefined ? undefined : Buffer.from(workload.body);
    const options = urlsOf(load, workload, httpEndpoints).map((url) => ({
      ...urlToHttpOptions(url),
      agent: url.protocol === 'https:' ? agents.https : agents.http,
      method: workload.method,
      headers: { ...workload.headers, ...(body !== undefined && { 'content-length': body.length }) },
    }));
    prepared.set(load, { nextOptions: inTurn(options), body });
  }
  return {
    invoke({ load, request }, signal, timeoutMs = scenario.operationTimeoutMs) {
      const { nextOptions, body } = known(prepared.get(load), `the load ${load} has no request`);
      return new Exchange({ request, options: nextOptions(), body, clock, signal, timeoutMs }).answer;
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

interface ExchangeOptions {
  readonly request: ValidHttp;
  readonly options: RequestOptions;
  readonly body: Buffer | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** One request and its answer, from its construction on. */
class Exchange {
  readonly answer: Promise<Answer>;
  readonly #options: ExchangeOptions;
  readonly #settle: (answer: Answer) => void;
  readonly #outgoing: ClientRequest;
  /** Whether a byte of the request may have left. */
  #sent = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { clock, signal, timeoutMs } = options;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const cancelDeadline = clock.schedule(timeoutMs, () => this.#giveUp(DEADLINE_EXCEEDED));
    const onAbort = () => this.#giveUp(CANCELLED);
    signal.addEventListener('abort', onAbort, { once: true });
    this.answer = promise;
    this.#settle = (answer) => {
      cancelDeadline();
      signal.removeEventListener('abort', onAbort);
      resolve(answer);
    };
    this.#outgoing = this.#send();
    if (signal.aborted) onAbort();
  }

  #send(): ClientRequest {
    const { options, body } = this.#options;
    const send = options.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(options);
    const context = currentContext();
    if (context !== undefined) outgoing.setHeader('traceparent', formatTraceparent(context));
    outgoing.once('socket', (socket) => this.#watch(socket));
    outgoing.once('response', (response) => this.#receive(response));
    outgoing.once('upgrade', (response, socket) => {
      socket.destroy();
      this.#settle(answered(this.#options.request, statusOf(response)));
    });
    // The last word is what has settled already, if anything has.
    outgoing.on('error', (error) => this.#fail(codeOf(error)));
    outgoing.end(body);
    return outgoing;
  }

  #watch(socket: Socket): void {
    if (!socket.connecting) this.#sent = true;
    else socket.once(this.#options.options.protocol === 'https:' ? 'secureConnect' : 'connect', () => (this.#sent = true));
  }

  #receive(response: IncomingMessage): void {
    response.on('error', (error) => this.#fail(codeOf(error)));
    response.once('end', () => this.#settle(answered(this.#options.request, statusOf(response))));
    response.resume();
  }

  #giveUp(code: string): void {
    this.#fail(code);
    this.#outgoing.destroy();
  }

  #fail(code: string): void {
    this.#settle(unanswered(this.#options.request, code, this.#sent));
  }
}

function statusOf({ statusCode }: IncomingMessage): number {
  return known(statusCode, 'an answer has a status');
}
