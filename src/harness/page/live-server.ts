// Serves the page of a run that is under way, on this machine only: the page itself, and what is new on it once a second. It is
// made only when somebody looks.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { Run } from '../result/schema.ts';
import type { LiveEvent } from './client/chart-data.ts';
import type { LiveState } from './live-part.ts';
import { renderContent, renderPage } from './page.ts';

const HOST = '127.0.0.1';
const PERIOD_MS = 1_000;

/** The most of this thread's time that is spent on it: faults and thresholds need the thread, too. */
const SHARE = 0.1;

/** More pages than these at once are a mistake. */
const MOST_VIEWERS = 16;

/** How long the end waits for a browser to take the last page. */
const FAREWELL_MS = 2_000;

/** Nothing else may embed, keep or guess at it. */
const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "frame-ancestors 'none'",
};

/** The address cannot be served at: another program does. */
export class LivePageError extends Error {
  override readonly name = 'LivePageError';
}

export interface LiveView {
  readonly run: Run;
  readonly live: LiveState;
}

/** What is known now. */
export type Look = () => LiveView;

export class LiveServer {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #viewers = new Set<ServerResponse>();
  #look: Look | undefined;
  #page = { text: '', madeAtMs: -Infinity };
  #stop: Cancel = () => {};

  private constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
    server.on('request', (request, response) => this.#answer(request, response));
    // Neither it nor who looks keeps the process alive.
    server.unref();
    server.on('connection', (socket) => socket.unref());
  }

  /** @param port 0: any that is free. Throws LivePageError when it is taken. */
  static async open(port: number, clock: Clock): Promise<LiveServer> {
    const server = createServer();
    try {
      server.listen(port, HOST);
      await once(server, 'listening');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === 'EADDRINUSE' ? 'another program listens there' : message;
      throw new LivePageError(
        `the page cannot be served at ${HOST}:${port}: ${why}; name another port, or none for one that is free`,
        { cause: error },
      );
    }
    return new LiveServer(server, clock);
  }

  /** 'http://127.0.0.1:PORT/'. */
  get address(): string {
    return `http://${HOST}:${this.#port}/`;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @param look called once a second, less often when the page takes long to make, and only while somebody looks */
  show(look: Look): void {
    this.#look = look;
    const wait = (delayMs: number) => {
      this.#stop = this.#clock.scheduleBackground(delayMs, () => {
        const beganMs = this.#clock.now();
        if (this.#viewers.size > 0) this.#send(look);
        wait(Math.max(PERIOD_MS, (this.#clock.now() - beganMs) / SHARE));
      });
    };
    wait(PERIOD_MS);
  }

  /** Sends everybody who looks the page as it stays, waits at most two seconds until they have it, and closes. */
  async finish(view: LiveView): Promise<void> {
    this.#stop();
    const viewers = [...this.#viewers];
    this.#send(() => view);
    const taken = Promise.all(viewers.map((viewer) => new Promise((done) => viewer.end(done).once('close', done))));
    const timedOut = Promise.withResolvers<void>();
    const cancel = this.#clock.schedule(FAREWELL_MS, timedOut.resolve);
    await Promise.race([taken, timedOut.promise]);
    cancel();
    this.close();
  }

  /** May be called again. */
  close(): void {
    this.#stop();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer({ method, url, headers }: IncomingMessage, response: ServerResponse): void {
    // A page of somebody else whose name leads here (DNS rebinding) says its own name.
    if (!this.#isOwnName(headers.host)) refuse(response, 403, `this is ${this.address} and answers to no other name`);
    else if (method !== 'GET') refuse(response.setHeader('allow', 'GET'), 405, 'only GET');
    else if (this.#look === undefined) refuse(response, 503, 'the run has not begun');
    else if (url === '/') this.#sendPage(this.#look, response);
    else if (url === '/events') this.#follow(response);
    else refuse(response, 404, `there is only ${this.address}`);
  }

  #isOwnName(host = ''): boolean {
    const port = this.#port === 80 ? '(?::80)?' : `:${this.#port}`;
    return new RegExp(`^(?:127\\.0\\.0\\.1|localhost)${port}$`, 'i').test(host);
  }

  /** Whoever asks often gets the same one for a second: the load needs this machine, too. */
  #sendPage(look: Look, response: ServerResponse): void {
    const nowMs = this.#clock.now();
    try {
      if (nowMs - this.#page.madeAtMs >= PERIOD_MS) this.#page = { text: renderPage(...optionsOf(look())), madeAtMs: nowMs };
    } catch (error) {
      refuse(response, 500, `the page cannot be made: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/html; charset=utf-8' });
    response.end(this.#page.text);
  }

  #follow(response: ServerResponse): void {
    if (this.#viewers.size >= MOST_VIEWERS) {
      refuse(response, 503, `${MOST_VIEWERS} pages are open already`);
      return;
    }
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
    response.flushHeaders();
    this.#viewers.add(response);
    response.on('close', () => this.#viewers.delete(response));
  }

  #send(look: Look): void {
    try {
      const view = look();
      const isOver = view.live.kind === 'over';
      const event: LiveEvent = { ...renderContent(...optionsOf(view)), isOver };
      const text = `data: ${JSON.stringify(event)}\n\n`;
      // Whoever is too slow to take the last one gets the next; the end nobody may miss.
      for (const viewer of this.#viewers) if (!viewer.writableNeedDrain || isOver) viewer.write(text);
    } catch {
      // That it cannot be shown must not end the run. The pages say that they are cut off, and made anew they say why.
      for (const viewer of this.#viewers) viewer.destroy();
    }
  }
}

function optionsOf({ run, live }: LiveView): Parameters<typeof renderContent> {
  return [run, { isBesideResult: false, live }];
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}
