// HTTP requests over real sockets, to servers that behave and servers that do not: what is called certain must be certain, and
// nothing that a server does may hang a run or take its memory.

import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Answer, PlannedOperation } from '../load/operation.ts';
import { known } from '../../runtime/assert.ts';
import { Random } from '../../runtime/random.ts';
import { scenarioOf } from '../load/testing/fake-server.ts';
import { planOf } from '../load/workload.ts';
import type { Load } from '../scenario/loads.ts';
import type { HttpWorkload } from '../scenario/workloads.ts';
import { closedPort, httpServer, rawServer, targetOf, type TestServer } from './testing/servers.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function served(server: Promise<TestServer>): Promise<TestServer> {
  const started = await server;
  cleanups.push(() => started.close());
  return started;
}

type Send = (options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number }) => Promise<Answer>;

/** Sends the requests of a workload to servers. */
async function sender(workload: Omit<HttpWorkload, 'kind'>, ...httpEndpoints: string[]): Promise<Send> {
  const http = { kind: 'http', ...workload } as const;
  const target = await targetOf(http, { httpEndpoints });
  cleanups.push(() => target.close());
  const load = { executor: 'constant-vus', vus: 1, duration: '1s', workload: http } as Load;
  const valid = known(scenarioOf({ a: load }).loads['a'], 'the load').workload;
  const operation: PlannedOperation = planOf('a', valid, new Random(1), { index: 0, of: 1 }).next();
  return ({ signal = new AbortController().signal, timeoutMs } = {}) => target.invoke(operation, signal, timeoutMs);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe('an answer is judged by its status', () => {
  test.each<['GET' | 'POST', number, Answer]>([
    ['POST', 200, { outcome: 'ok' }],
    ['POST', 204, { outcome: 'ok' }],
    ['POST', 301, { outcome: 'fail', code: 'HTTP_301' }],
    ['POST', 404, { outcome: 'fail', code: 'HTTP_404' }],
    ['POST', 503, { outcome: 'fail', code: 'HTTP_503' }],
    ['POST', 500, { outcome: 'info', code: 'HTTP_500' }],
    ['POST', 504, { outcome: 'info', code: 'HTTP_504' }],
    ['GET', 500, { outcome: 'fail', code: 'HTTP_500' }],
  ])('%s and %d', async (method, status, answer) => {
    let asked = 0;
    const server = await served(
      httpServer((_, response) => {
        asked++;
        response.writeHead(status, { location: '/elsewhere' }).end(status === 204 ? undefined : 'a body');
      }),
    );
    expect(await (await sender({ url: '/', method }, server.address))()).toEqual(answer);
    // A redirection is not followed.
    expect(asked).toBe(1);
  });

  test('or as the workload says', async () => {
    const server = await served(httpServer((_, response) => response.writeHead(409).end()));
    expect(await (await sender({ url: '/', expectStatus: [201, 409] }, server.address))()).toEqual({ outcome: 'ok' });
    expect(await (await sender({ url: '/', expectStatus: [200] }, server.address))()).toEqual({
      outcome: 'fail',
      code: 'HTTP_409',
    });
  });
});

test('method, headers, path and body arrive as they were given', async () => {
  const seen: unknown[] = [];
  const echo: RequestListener = (request, response) => {
    void bodyOf(request).then((body) => {
      const { 'content-type': type, 'content-length': length, 'x-own': own, host } = request.headers;
      seen.push({ method: request.method, url: request.url, type, length, own, toHost: host === server.address, body });
      response.end('{}');
    });
  };
  const server = await served(httpServer(echo));
  const send = async (workload: Omit<HttpWorkload, 'kind'>) => (await sender(workload, server.address))();
  expect(await send({ url: '/query?a=b', body: { query: 'ünï' }, headers: { 'X-Own': 'v' } })).toEqual({ outcome: 'ok' });
  expect(await send({ url: `http://${server.address}/x`, method: 'PUT', body: 'text' })).toEqual({ outcome: 'ok' });
  expect(await send({ url: '/', method: 'HEAD' })).toEqual({ outcome: 'ok' });
  expect(await send({ url: '/' })).toEqual({ outcome: 'ok' });
  expect(seen).toEqual([
    {
      method: 'POST',
      url: '/query?a=b',
      type: 'application/json',
      length: '17',
      own: 'v',
      toHost: true,
      body: '{"query":"ünï"}',
    },
    { method: 'PUT', url: '/x', length: '4', toHost: true, body: 'text' },
    { method: 'HEAD', url: '/', toHost: true, body: '' },
    { method: 'GET', url: '/', toHost: true, body: '' },
  ]);
});

test('a path goes to the endpoints in turn', async () => {
  const seen: number[] = [];
  const servers = await Promise.all(
    [0, 1, 2].map((at) =>
      served(
        httpServer((_, response) => {
          seen.push(at);
          response.end();
        }),
      ),
    ),
  );
  const send = await sender({ url: '/' }, ...servers.map(({ address }) => address));
  for (let at = 0; at < 7; at++) expect(await send()).toEqual({ outcome: 'ok' });
  expect(seen).toEqual([0, 1, 2, 0, 1, 2, 0]);
});

test('connections are kept: as many as requests were under way at once', async () => {
  const held: (() => void)[] = [];
  const server = await served(httpServer((_, response) => held.push(() => response.end('x'.repeat(10_000)))));
  const send = await sender({ url: '/', body: 'x' }, server.address);
  for (let round = 0; round < 5; round++) {
    const answers = Array.from({ length: 20 }, () => send());
    await vi.waitFor(() => expect(held).toHaveLength(20));
    for (const answer of held.splice(0)) answer();
    expect(await Promise.all(answers)).toEqual(answers.map(() => ({ outcome: 'ok' })));
  }
  expect(server.connections()).toBe(20);
});

test('a path without endpoints is refused by name, and so is an address that is none', async () => {
  await expect(sender({ url: '/query' })).rejects.toThrow(
    "loads.a.workload.url ('/query') is a path, but the target has no HTTP endpoints",
  );
  await expect(sender({ url: '/query' }, '127.0.0.1:99999')).rejects.toThrow("'http://127.0.0.1:99999/query' is not a URL");
});

describe('what got no answer', () => {
  const post = { url: '/', body: 'x' } as const;

  test('nobody listens: definitely not applied', async () => {
    expect(await (await sender(post, await closedPort()))()).toEqual({ outcome: 'fail', code: 'ECONNREFUSED' });
  });

  test('a certificate that nobody vouches for, or no TLS at all: not sent either', async () => {
    const plain = await served(httpServer((_, response) => response.end()));
    const answer = await (await sender({ ...post, url: `https://${plain.address}/` }))();
    expect(answer).toMatchObject({ outcome: 'fail', code: expect.stringMatching(/^(ERR_SSL|EPROTO|ECONNRESET)/) as string });
  });

  test.each<['GET' | 'POST', 'fail' | 'info']>([
    ['POST', 'info'],
    ['GET', 'fail'],
  ])('a %s whose time is up is %s, and its connection is broken', async (method, outcome) => {
    const server = await served(httpServer(() => {}));
    const send = await sender({ url: '/', method }, server.address);
    expect(await send({ timeoutMs: 100 })).toEqual({ outcome, code: 'deadline-exceeded' });
    await vi.waitFor(() => expect(server.open()).toBe(0));
  });

  test('an abort ends it at once; before it was sent, it is not', async () => {
    const abort = new AbortController();
    const server = await served(httpServer(() => abort.abort()));
    const send = await sender(post, server.address);
    expect(await send({ signal: abort.signal })).toEqual({ outcome: 'info', code: 'cancelled' });
    await vi.waitFor(() => expect(server.open()).toBe(0));
    expect(await send({ signal: AbortSignal.abort() })).toEqual({ outcome: 'fail', code: 'cancelled' });
  });
});

describe('a server that misbehaves', () => {
  const http = (text: string) => text.replaceAll('\n', '\r\n');
  test.each<[string, (socket: Socket) => void, Answer]>([
    [
      'sends garbage',
      (socket) => socket.write('\u0000\u0001 not http at all\r\n\r\n'),
      { outcome: 'info', code: 'invalid-response' },
    ],
    [
      'never ends its headers',
      (socket) => socket.write(http(`HTTP/1.1 200 OK\nx: ${'y'.repeat(100_000)}`)),
      { outcome: 'info', code: 'invalid-response' },
    ],
    ['closes without a word', (socket) => socket.end(), { outcome: 'info', code: 'ECONNRESET' }],
    ['resets', (socket) => socket.resetAndDestroy(), { outcome: 'info', code: 'ECONNRESET' }],
    [
      'closes within the headers',
      (socket) => socket.end(http('HTTP/1.1 200 OK\ncontent-le')),
      { outcome: 'info', code: 'ECONNRESET' },
    ],
    [
      'closes within the body',
      (socket) => socket.end(http('HTTP/1.1 200 OK\ncontent-length: 10\n\nabc')),
      { outcome: 'info', code: 'ECONNRESET' },
    ],
    [
      'never ends its body',
      (socket) => socket.write(http('HTTP/1.1 200 OK\ncontent-length: 10\n\nabc')),
      { outcome: 'info', code: 'deadline-exceeded' },
    ],
    [
      'says two lengths',
      (socket) => socket.write(http('HTTP/1.1 200 OK\ncontent-length: 1\ncontent-length: 2\n\nab')),
      { outcome: 'info', code: 'invalid-response' },
    ],
    ['has no length and closes', (socket) => socket.end(http('HTTP/1.0 200 OK\n\nabc')), { outcome: 'ok' }],
    [
      'switches protocols',
      (socket) => socket.write(http('HTTP/1.1 101 Switching\nconnection: upgrade\nupgrade: x\n\n')),
      { outcome: 'fail', code: 'HTTP_101' },
    ],
    [
      'hints, and then answers',
      (socket) => socket.write(http('HTTP/1.1 103 Early\n\nHTTP/1.1 200 OK\ncontent-length: 0\n\n')),
      { outcome: 'ok' },
    ],
  ])('%s', async (_, behave, answer) => {
    const server = await served(rawServer(behave));
    const send = await sender({ url: '/', body: 'x' }, server.address);
    expect(await send({ timeoutMs: 2_000 })).toEqual(answer);
  });

  test('says more than it was asked: the next request is not taken in by it', async () => {
    const twice = http('HTTP/1.1 200 OK\ncontent-length: 0\n\nHTTP/1.1 500 Oops\ncontent-length: 0\n\n');
    const server = await served(rawServer((socket) => socket.write(twice)));
    const send = await sender({ url: '/', body: 'x' }, server.address);
    for (let at = 0; at < 3; at++) {
      expect(await send()).toEqual({ outcome: 'ok' });
      // The connection that said it is not used again.
      await vi.waitFor(() => expect(server.open()).toBe(0));
    }
  });

  test('a huge body is read to its end, and not kept', async () => {
    const piece = Buffer.alloc(1 << 20);
    const pieces = 256;
    const server = await served(
      httpServer((_, response) => {
        let left = pieces;
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
    const send = await sender({ url: '/' }, server.address);
    const before = process.memoryUsage.rss();
    expect(await send()).toEqual({ outcome: 'ok' });
    expect(process.memoryUsage.rss() - before).toBeLessThan((pieces / 2) << 20);
    expect(await send()).toEqual({ outcome: 'ok' });
    expect(server.connections()).toBe(1);
  });
});
