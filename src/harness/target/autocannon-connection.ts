// One client of autocannon's: a connection that is made again when it breaks, and the requests under way on it.
//
// autocannon 9 keeps its accounts by events that leave out what was lost, and goes on with the state of a broken connection: the rest
// of an answer that was cut off swallows the next one, and from then on every answer is taken for that of an earlier request. What
// makes its accounts ours and each connection a fresh one is in here: it takes the place of two of its methods, `_connect` and
// `_doRequest`, which do the work in the end. The version is pinned, and the tests would show a change.

import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { known } from '../../runtime/assert.ts';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import { REFUSED_PAUSE_MS } from '../load/closed-loop.ts';
import type { Answer } from '../load/operation.ts';
import type { ValidHttp } from '../scenario/valid-scenario.ts';
import { answered, codeOf, DEADLINE_EXCEEDED, INVALID_RESPONSE, unanswered } from './http-answer.ts';

/** Of autocannon's client, what is used. */
export interface AutocannonClient extends EventEmitter {
  /** Breaks the connection some time after the last request was sent. Made when its constructor ends. */
  timeoutTicker: { reschedule(timeoutMs: number): void; clear(): void } | undefined;
  readonly secure: boolean;
  readonly destroyed: boolean;
  readonly conn: Socket | undefined;
  readonly parser: Parser;
  readonly pipelinedRequests: { addBody(piece: Buffer): void; clear(): void; terminateRequest(): object | undefined };
  /** Makes a connection, and sends as many requests on it as are pipelined. */
  _connect(): void;
  /** Sends the next request; called once for each answer. */
  _doRequest(): void;
  /** Emits `done`. */
  destroy(): void;
}

/** Of http-parser-js. */
interface Parser {
  readonly type: string;
  readonly hadError: boolean;
  readonly headerSize: number;
  /** The connection has ended: an answer without a length is complete. */
  finish(): void;
  reinitialize(type: string): void;
}

export interface ConnectionOptions {
  readonly request: ValidHttp;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** See Saturate. */
  readonly begin: () => ((answer: Answer) => void) | undefined;
  /** The connection is closed and will not be made again. */
  readonly onClosed: () => void;
}

interface Pending {
  readonly settle: (answer: Answer) => void;
  readonly sentMs: number;
  /** How many pieces had been received on the connection when it was sent. */
  readonly sentAfter: number;
}

const LARGEST_HEADERS_BYTES = 80 << 10;

/** What autocannon takes for the request that an answer belongs to when there is none. */
const NO_REQUEST = { req: undefined, bytes: 0, body: '', headers: { statusCode: 0, headers: [] }, duration: 0 };

export class AutocannonConnection {
  readonly #client: AutocannonClient;
  readonly #options: ConnectionOptions;
  readonly #connect: () => void;
  readonly #send: () => void;
  /** Oldest first: answers come in the order of the requests. */
  #pending: Pending[] = [];
  /** Of the connection that is, or the last one. */
  #state = freshState();
  #cancelPause: Cancel | undefined;
  #cancelDeadline: Cancel | undefined;

  constructor(client: AutocannonClient, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#connect = client._connect.bind(client);
    this.#send = client._doRequest.bind(client);
  }

  /** From the client's constructor, before it connects. */
  attach(): void {
    const client = this.#client;
    client._connect = () => this.#reconnect();
    client._doRequest = () => this.#sendNext();
    const { pipelinedRequests: requests } = client;
    requests.addBody = () => {};
    const terminateRequest = requests.terminateRequest.bind(requests);
    requests.terminateRequest = () => terminateRequest() ?? NO_REQUEST;
    client.on('headers', ({ shouldKeepAlive }: { readonly shouldKeepAlive: boolean }) => {
      this.#state.saidClose = !shouldKeepAlive;
    });
    client.on('response', (status: number) => this.#receive(status));
    client.on('connError', (error: Error) => {
      this.#state.failure = codeOf(error);
    });
    client.once('done', () => {
      this.#cancelPause?.();
      this.#cancelDeadline?.();
      this.#options.onClosed();
    });
  }

  #sendNext(): void {
    // The next connection will.
    if (this.#state.over || this.#state.saidClose) return;
    const settle = this.#options.begin();
    if (settle !== undefined) {
      this.#pending.push({ settle, sentMs: this.#options.clock.now(), sentAfter: this.#state.pieces });
      if (this.#cancelDeadline === undefined) this.#watchDeadline(this.#options.timeoutMs);
      this.#send();
    } else if (this.#pending.length === 0) this.#client.destroy();
  }

  #receive(status: number): void {
    const state = this.#state;
    const [oldest] = this.#pending;
    // Nobody asked for it, it came before it was asked for, or it is only the announcement of an answer.
    if (oldest === undefined || (oldest.sentAfter === state.pieces && !state.over) || status < 200) {
      state.invalid = true;
      state.over = true;
      return;
    }
    this.#pending.shift();
    state.answers++;
    oldest.settle(answered(this.#options.request, status));
  }

  /** One timer for a connection: it is set when a request is sent, and looks at the oldest one when it fires. */
  #watchDeadline(inMs: number): void {
    const { clock, timeoutMs } = this.#options;
    this.#cancelDeadline = clock.schedule(inMs, () => {
      this.#cancelDeadline = undefined;
      const [oldest] = this.#pending;
      if (oldest === undefined) return;
      const leftMs = oldest.sentMs + timeoutMs - clock.now();
      if (leftMs > 0) this.#watchDeadline(leftMs);
      else this.#reconnect(DEADLINE_EXCEEDED);
    });
  }

  /** The connection has ended, or is given up, or there is none yet. */
  #reconnect(reason?: string): void {
    if (this.#cancelPause !== undefined) return;
    const client = this.#client;
    const { conn } = client;
    if (conn === undefined) {
      // Its own would go by the last request, and its timer warns of negative times when it is late.
      client.timeoutTicker?.clear();
      client.timeoutTicker = { reschedule() {}, clear() {} };
      this.#makeConnection();
      return;
    }
    const state = this.#state;
    state.over = true;
    if (conn.readableEnded) client.parser.finish();
    leave(conn);
    client.parser.reinitialize(client.parser.type);
    client.pipelinedRequests.clear();
    this.#giveUp(reason ?? state.failure ?? 'ECONNRESET');
    if (state.answers > 0) this.#makeConnection();
    // As other closed loops pause, see there.
    else this.#cancelPause = this.#options.clock.schedule(REFUSED_PAUSE_MS, () => this.#makeConnection());
  }

  #giveUp(code: string): void {
    const { connected, saidClose } = this.#state;
    const lost = this.#pending;
    this.#pending = [];
    // What a server gets behind an answer with which it closes the connection it does not process (RFC 9112, section 9.6).
    for (const { settle } of lost) settle(unanswered(this.#options.request, code, connected && !saidClose));
  }

  #makeConnection(): void {
    this.#cancelPause = undefined;
    const state = freshState();
    this.#state = state;
    this.#connect();
    const conn = known(this.#client.conn, 'autocannon has made a connection');
    conn.once(this.#client.secure ? 'secureConnect' : 'connect', () => (state.connected = true));
    conn.prependListener('data', () => state.pieces++);
    conn.on('data', () => this.#inspect(conn));
  }

  /** autocannon ignores what its parser could not read, and would wait for an answer until its time is up. */
  #inspect(conn: Socket): void {
    const { parser } = this.#client;
    if (!this.#state.invalid && !parser.hadError && parser.headerSize <= LARGEST_HEADERS_BYTES) return;
    conn.destroy(Object.assign(new Error('the server sent what is no answer'), { code: INVALID_RESPONSE }));
  }
}

/** It may still break; nobody is to take that for the next one. */
function leave(conn: Socket): void {
  for (const event of ['data', 'end', 'error']) conn.removeAllListeners(event);
  conn.on('error', () => {});
  conn.destroy();
}

function freshState() {
  return {
    connected: false,
    /** Of what was received. */
    pieces: 0,
    answers: 0,
    /** Whether the last answer said that it is the last one. */
    saidClose: false,
    /** Whether something came that is no answer to a request. */
    invalid: false,
    /** Nothing is sent on it any more. */
    over: false,
    failure: undefined as string | undefined,
  };
}
