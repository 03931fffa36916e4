// The server of a run under way, asked as a browser asks and as somebody who must not be answered asks.

import { createServer, get, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import type { LiveEvent } from './client/chart-data.ts';
import { LivePageError, LiveServer, type LiveView } from './live-server.ts';

const PATIENCE = { timeout: 20_000, interval: 10 };
const run = { ...sampleRun(), microbenchmarks: [] };
const view: LiveView = { run, live: { kind: 'running', step: 'steady', isUnderWay: true } };
const over: LiveView = { run, live: { kind: 'over', page: 'results/x/report.html' } };

let clock: VirtualClock;
let server: LiveServer;
let port: string;
beforeEach(async () => {
  clock = new VirtualClock();
  server = await LiveServer.open(0, clock);
  port = new URL(server.address).port;
});
afterEach(() => server.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function ask(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** What a page that looks on is sent. */
async function follow() {
  const received = { events: [] as LiveEvent[], hasEnded: false };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/events' }, resolve).once('error', reject);
  });
  expect(response.headers['content-type']).toBe('text/event-stream');
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    const pieces = `${text}${part}`.split('\n\n');
    text = pieces.pop() ?? '';
    for (const piece of pieces) received.events.push(JSON.parse(piece.replace(/^data: /, '')) as LiveEvent);
  });
  response.on('close', () => (received.hasEnded = true));
  response.on('error', () => {});
  return received;
}

describe('it answers', () => {
  test('with the page, which may load nothing but what is new on it', async () => {
    server.show(() => view);
    const { status, headers, text } = await ask('/');
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(text).toContain('connect-src &#39;self&#39;');
    expect(text).toContain('"isLive":true');
    expect(text).toContain('running');
    expect(text).toContain('under way: the verdicts come');
    // By the other name of this machine too.
    expect(await ask('/', { headers: { host: `LocalHost:${port}` } })).toMatchObject({ status: 200 });
  });

  test('nobody who calls it by another name, or wants to change something', async () => {
    server.show(() => view);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port}.evil.example`,
      `127.0.0.1.evil.example:${port}`,
      '127.0.0.1:1',
    ])
      expect(await ask('/', { headers: { host } }), host).toMatchObject({ status: 403 });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])
      expect(await ask('/', { method }), method).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    for (const path of ['/run.json', '/../package.json', '/events/x', '//evil.example/'])
      expect(await ask(path), path).toMatchObject({ status: 404 });
  });

  test('that there is nothing to see before there is', async () => {
    expect(await ask('/')).toMatchObject({ status: 503 });
  });

  test('only so many at once', async () => {
    server.show(() => view);
    for (let viewer = 0; viewer < 16; viewer++) await follow();
    expect(await ask('/events')).toMatchObject({ status: 503 });
  });
});

describe('whoever looks on', () => {
  test('is sent the page once a second, and the last one at the end', async () => {
    let step = 0;
    server.show(() => ({ ...view, live: { ...view.live, step: `step ${++step}` } as LiveView['live'] }));
    const received = await follow();
    for (let second = 1; second <= 3; second++) {
      clock.advance(1_000);
      await vi.waitFor(() => expect(received.events).toHaveLength(second), PATIENCE);
      expect(received.events.at(-1)).toMatchObject({ isOver: false, data: { isLive: true } });
      expect(received.events.at(-1)?.body).toContain(`step ${second}`);
    }
    await server.finish(over);
    await vi.waitFor(() => expect(received.hasEnded).toBe(true), PATIENCE);
    const last = received.events.at(-1);
    expect(last?.isOver).toBe(true);
    expect(last?.data.isLive).toBeUndefined();
    expect(last?.body).toContain('results/x/report.html');
    expect(last?.body).toContain('all 2 thresholds held');
    // Refused, or broken off by the end of the server.
    await expect(ask('/')).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
    expect(clock.pendingTimers).toBe(0);
  });

  test('costs nothing when nobody does', async () => {
    const look = vi.fn<() => LiveView>(() => view);
    server.show(look);
    clock.advance(10_000);
    expect(look).not.toHaveBeenCalled();
    await ask('/');
    await ask('/');
    // However often one asks within a second.
    expect(look).toHaveBeenCalledTimes(1);
    clock.advance(1_000);
    await ask('/');
    expect(look).toHaveBeenCalledTimes(2);
  });

  test('waits longer when the page takes long to make: the run needs its thread', async () => {
    const madeAtMs: number[] = [];
    server.show(() => {
      madeAtMs.push(clock.now());
      clock.advance(400);
      return view;
    });
    await follow();
    clock.advance(20_000);
    const waits = madeAtMs.slice(1).map((at, number) => at - (madeAtMs[number] as number));
    expect(waits.length).toBeGreaterThan(2);
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(4_000);
  });

  test('is cut off when it cannot be made, and the run goes on', async () => {
    server.show(() => {
      throw new Error('a bug');
    });
    const received = await follow();
    clock.advance(1_000);
    await vi.waitFor(() => expect(received.hasEnded).toBe(true), PATIENCE);
    expect(await ask('/')).toMatchObject({ status: 500, text: 'the page cannot be made: a bug\n' });
  });

  test('does not hold up the end by reading nothing', async () => {
    server.show(() => view);
    const response = await new Promise<IncomingMessage>((resolve) => get({ host: '127.0.0.1', port, path: '/events' }, resolve));
    response.on('error', () => {});
    response.pause();
    const large = { ...over, run: { ...run, exit: { code: 0, reasons: ['x'.repeat(20_000_000)] } } };
    const finished = vi.fn<() => void>();
    const finish = server.finish(large).then(finished);
    await vi.waitFor(() => expect(clock.nextDueMs).toBe(2_000), PATIENCE);
    expect(finished).not.toHaveBeenCalled();
    clock.advance(2_000);
    await finish;
    expect(clock.pendingTimers).toBe(0);
  });
});

test('a port that is taken is named', async () => {
  const holder = createServer();
  await new Promise<void>((listening) => holder.listen(0, '127.0.0.1', listening));
  try {
    const { port: taken } = holder.address() as AddressInfo;
    const opened = LiveServer.open(taken, clock);
    await expect(opened).rejects.toThrow(LivePageError);
    await expect(opened).rejects.toThrow(`cannot be served at 127.0.0.1:${taken}: another program listens there`);
  } finally {
    holder.close();
  }
});
