// autocannon as an engine, over real sockets: what it sends is counted request by request, whatever the server does.

import type { Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { REFUSED_PAUSE_MS } from '../load/closed-loop.ts';
import { runLoads } from '../load/generator.ts';
import type { EndEvent } from '../load/operation.ts';
import { recorderOf, scenarioOf } from '../load/testing/fake-server.ts';
import type { Autocannon, Load } from '../scenario/loads.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { HttpWorkload } from '../scenario/workloads.ts';
import { connectTarget } from './connect.ts';
import { closedPort, httpServer, rawServer, type TestServer } from './testing/servers.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function served(server: Promise<TestServer>): Promise<TestServer> {
  const started = await server;
  cleanups.push(() => started.close());
  return started;
}

type Options = Partial<Autocannon> & { readonly http?: Partial<HttpWorkload> };

/** Runs one such load to its end. Nothing may be under way or connected any more then. */
async function saturate(
  httpEndpoints: readonly string[],
  { http = {}, ...options }: Options,
  more: Partial<Scenario> & { readonly signal?: AbortSignal; readonly clock?: Clock } = {},
) {
  const { signal, clock = systemClock, ...scenarioOptions } = more;
  const workload = { kind: 'http', url: '/', ...http } as const;
  const load = { executor: 'autocannon', connections: 4, duration: '1m', workload, ...options } as Load;
  const scenario = scenarioOf({ a: load }, { operationTimeout: '20s', ...scenarioOptions });
  const target = await connectTarget({ endpoints: [], httpEndpoints, scenario, clock, random: new Random(1) });
  cleanups.push(() => target.close());
  const recorder = recorderOf(scenario);
  const ends: EndEvent[] = [];
  const report = await runLoads({
    scenario,
    random: new Random(1),
    invoke: target.invoke,
    saturate: target.saturate,
    recorder,
    sink: (event) => {
      if (event.type !== 'invoke') ends.push(event);
    },
    ...(signal && { signal }),
  });
  const totals = recorder.totals(report.durationMs);
  expect(totals.started).toBe(totals.scheduled);
  expect(ends).toHaveLength(totals.started);
  return { report, totals, ends, errors: recorder.errors() };
}

const ok = (text = '') => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;

test.each([1, 5])(
  'it keeps its connections busy, %d requests on each at a time, until the amount is done',
  async (pipelining) => {
    let asked = 0;
    let [busy, most] = [0, 0];
    const server = await served(
      httpServer((_, response) => {
        asked++;
        busy++;
        most = Math.max(most, busy);
        setImmediate(() => {
          busy--;
          response.end('hello');
        });
      }),
    );
    const { totals, ends } = await saturate([server.address], { amount: 1_000, pipelining });
    expect(totals).toMatchObject({ scheduled: 1_000, ok: 1_000, fail: 0, info: 0, dropped: 0 });
    expect(asked).toBe(1_000);
    expect(server.connections()).toBe(4);
    expect(most).toBeGreaterThan(1);
    await vi.waitFor(() => expect(server.open()).toBe(0));
    for (const { scheduledMs, sentMs, atMs } of ends) {
      expect(sentMs).toBeGreaterThanOrEqual(scheduledMs);
      expect(atMs).toBeGreaterThan(sentMs);
    }
  },
);

test('an amount that is less than what would be under way at once is not exceeded', async () => {
  const server = await served(httpServer((_, response) => response.end()));
  expect((await saturate([server.address], { amount: 5, connections: 4, pipelining: 10 })).totals).toMatchObject({
    started: 5,
    ok: 5,
  });
});

test('at the end of the load what is under way is answered, and nothing begins any more', async () => {
  const server = await served(httpServer((_, response) => void systemClock.schedule(20, () => response.end())));
  const { report, totals } = await saturate([server.address], { duration: '500ms', connections: 8, startTime: '200ms' });
  expect(totals.ok).toBe(totals.started);
  expect(totals.ok).toBeGreaterThanOrEqual(8);
  expect(report.durationMs).toBeGreaterThanOrEqual(700);
  expect(report.loads).toMatchObject([{ cutOff: 0, dropped: 0 }]);
});

test('method, headers and body are those of the workload, its statuses are judged, and the endpoints take turns', async () => {
  const seen: unknown[] = [];
  const start = (status: number) =>
    served(
      httpServer((request, response) => {
        const { 'content-type': type, 'content-length': length, 'x-own': own } = request.headers;
        seen.push([request.method, request.url, type, length, own]);
        request.resume().once('end', () => response.writeHead(status).end());
      }),
    );
  const servers = await Promise.all([start(200), start(503), start(500)]);
  const http = { url: '/query?a=b', body: { q: 'ü' }, headers: { 'X-Own': 'v' } };
  const { errors, totals } = await saturate(
    servers.map(({ address }) => address),
    { http, connections: 3, amount: 3 },
  );
  expect(new Set(seen.map((each) => JSON.stringify(each)))).toEqual(
    new Set([JSON.stringify(['POST', '/query?a=b', 'application/json', '10', 'v'])]),
  );
  expect(totals).toMatchObject({ ok: 1, fail: 1, info: 1 });
  expect(errors.map(({ code, outcome }) => [code, outcome])).toEqual([
    ['HTTP_500', 'info'],
    ['HTTP_503', 'fail'],
  ]);
});

test('an abort ends the load: what is under way has its graceful stop, and is then cut off', async () => {
  const abort = new AbortController();
  let asked = 0;
  const server = await served(
    httpServer((_, response) => {
      asked++;
      if (asked <= 100) response.end();
      else abort.abort();
    }),
  );
  const { totals, errors, report } = await saturate([server.address], { gracefulStop: '100ms' }, { signal: abort.signal });
  expect(totals.ok).toBe(100);
  expect(errors).toEqual([{ code: 'cut-off', outcome: 'info', count: totals.info }]);
  expect(totals.info).toBeLessThanOrEqual(4);
  expect(report.stopped).toBe(true);
  await vi.waitFor(() => expect(server.open()).toBe(0));
});

test('nobody listens: definite failures, and a pause after each, or a closed loop would take the core', async () => {
  let pauses = 0;
  const clock: Clock = {
    ...systemClock,
    schedule(delayMs, callback) {
      if (delayMs === REFUSED_PAUSE_MS) pauses++;
      return systemClock.schedule(delayMs, callback);
    },
  };
  const options = { http: { body: 'x' }, duration: '500ms', connections: 2 };
  const { totals, errors } = await saturate([await closedPort()], options, { clock });
  expect(errors).toEqual([{ code: 'ECONNREFUSED', outcome: 'fail', count: totals.started }]);
  expect(totals.started).toBeGreaterThanOrEqual(2);
  expect(pauses).toBe(totals.started);
});

describe('connections that end', () => {
  test('after every answer, as announced: nothing is lost', async () => {
    const server = await served(httpServer((_, response) => response.writeHead(200, { connection: 'close' }).end('x')));
    expect((await saturate([server.address], { amount: 200 })).totals).toMatchObject({ started: 200, ok: 200 });
    expect(server.connections()).toBeGreaterThanOrEqual(200);
  });

  test('as announced, with more requests behind: those were not processed', async () => {
    const server = await served(
      rawServer((socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')),
    );
    const { totals, errors } = await saturate([server.address], {
      http: { body: 'x' },
      amount: 30,
      connections: 1,
      pipelining: 3,
    });
    expect(totals.ok).toBeGreaterThanOrEqual(10);
    expect(errors).toEqual([{ code: 'ECONNRESET', outcome: 'fail', count: 30 - totals.ok }]);
  });

  test('in the middle of an answer: that request may have been carried out, and the next answers are their own', async () => {
    const server = await served(
      rawServer((socket, request) => {
        if (request < 4) socket.write(ok('whole'));
        else socket.end(ok('0123456789').slice(0, -5));
      }),
    );
    const { totals, errors } = await saturate([server.address], { http: { body: 'x' }, connections: 1, amount: 50 });
    expect(totals).toMatchObject({ ok: 40, fail: 0, info: 10 });
    expect(errors).toEqual([{ code: 'ECONNRESET', outcome: 'info', count: 10 }]);
  });

  test('with the answer that has no length', async () => {
    const server = await served(rawServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nabc')));
    expect((await saturate([server.address], { amount: 20 })).totals).toMatchObject({ started: 20, ok: 20 });
  });
});

describe('a server that misbehaves', () => {
  test.each<[string, string, string, (socket: Socket) => void]>([
    ['sends garbage', 'invalid-response', 'info', (socket) => socket.write('\u0000\u0001 not http\r\n\r\n')],
    [
      'never ends its headers',
      'invalid-response',
      'info',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`),
    ],
    ['says more than it was asked', 'invalid-response', 'info', (socket) => socket.write(ok() + ok())],
    ['says much more than it was asked', 'invalid-response', 'info', (socket) => socket.write(ok().repeat(5))],
    ['only hints', 'invalid-response', 'info', (socket) => socket.write('HTTP/1.1 103 Early\r\n\r\n')],
    ['closes without a word', 'ECONNRESET', 'info', (socket) => socket.end()],
    ['resets', 'ECONNRESET', 'info', (socket) => socket.resetAndDestroy()],
    ['never answers', 'deadline-exceeded', 'info', () => {}],
    ['never ends its body', 'deadline-exceeded', 'info', (socket) => socket.write(ok('0123456789').slice(0, -5))],
  ])('%s', async (_, code, outcome, behave) => {
    const server = await served(rawServer(behave));
    const options = { http: { body: 'x' }, connections: 2, amount: 10 };
    const { totals, errors } = await saturate([server.address], options, { operationTimeout: '200ms' });
    expect(totals.started).toBe(10);
    // Of two answers the first is one.
    expect(errors).toEqual([{ code, outcome, count: 10 - totals.ok }]);
    expect(totals.info).toBeGreaterThanOrEqual(4);
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });

  test('goes on after its last word: nobody listens any more', async () => {
    const last = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
    const server = await served(rawServer((socket) => socket.end(last + ok() + ok())));
    expect((await saturate([server.address], { amount: 20, connections: 2 })).totals).toMatchObject({ started: 20, ok: 20 });
  });

  test('a huge body is not kept', async () => {
    const piece = Buffer.alloc(1 << 20);
    const server = await served(
      httpServer((_, response) => {
        let left = 128;
        const more = () => {
          while (left > 0) {
            left--;
            if (!response.write(piece)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
      }),
    );
    const before = process.memoryUsage.rss();
    const { totals } = await saturate([server.address], { connections: 2, amount: 3 });
    expect(totals.ok).toBe(3);
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 << 20);
  });
});
