import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { ExpositionError } from './exposition.ts';
import { MetricsRecorder, readMetricsRecord, type ScrapeLine } from './record.ts';
import { readMetrics, Scraper, type ScrapeTarget } from './scraper.ts';

let folder: string;
let clock: VirtualClock;
let record: MetricsRecorder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-scraper-'));
  clock = new VirtualClock(1_000_000);
  record = new MetricsRecorder(join(folder, 'metrics.jsonl'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const target = (instance: string, read: ScrapeTarget['read']): ScrapeTarget => ({ job: 'j', instance, read });

/** Lets promises settle, and moves time. */
async function passTime(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    clock.advance(50);
  }
  for (let turns = 0; turns < 10; turns++) await Promise.resolve();
}

async function scrapes(): Promise<readonly ScrapeLine[]> {
  await record.close();
  return (await readMetricsRecord(join(folder, 'metrics.jsonl'))).scrapes;
}

test('every target is scraped once a second, whether or not the others answer', async () => {
  let [asked, down] = [0, false];
  const good = target('good', async () => `g ${asked++}\n`);
  const flaky = target('flaky', async () => {
    if (down) throw new Error('ECONNREFUSED');
    return 'g 1\n';
  });
  // As a paused process: it takes the connection and says nothing.
  const paused = target(
    'paused',
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  );
  const scraper = new Scraper({ targets: [good, flaky, paused], record, clock });
  scraper.start();
  await passTime(2_500);
  down = true;
  await passTime(2_000);
  down = false;
  await passTime(1_000);
  const stopped = scraper.stop();
  // The one that is paused has until then for the scrape under way, and for the last one.
  await passTime(2_000);
  await stopped;
  const found = await scrapes();
  const upOf = (of: number) =>
    found.filter((scrape) => scrape.of === of).map(({ at, took }) => [at - 1_000_000, took !== undefined]);
  expect(upOf(0)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000, 5_500].map((at) => [at, true]));
  expect(upOf(1)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000, 5_500].map((at) => [at, at !== 3_000 && at !== 4_000]));
  expect(upOf(2).every(([, isUp]) => isUp === false)).toBe(true);
  expect(upOf(2).length).toBe(7);
  expect(clock.pendingTimers).toBe(0);
});

test('what is no metrics is not asked again, and is no error', async () => {
  let asked = 0;
  const page = target('page', async () => {
    asked++;
    return '<html></html>';
  });
  const scraper = new Scraper({ targets: [page], record, clock });
  scraper.start();
  await passTime(3_000);
  await scraper.stop();
  expect(asked).toBe(1);
  expect(await scrapes()).toEqual([]);
});

test('a scrape out of turn waits for the one that is under way', async () => {
  const order: string[] = [];
  let asked = 0;
  const slow = target('slow', async () => {
    const at = ++asked;
    order.push(`begin ${at}`);
    await new Promise<void>((resolve) => clock.schedule(300, resolve));
    order.push(`end ${at}`);
    return `g ${at}\n`;
  });
  const scraper = new Scraper({ targets: [slow], record, clock });
  scraper.start();
  await passTime(100);
  const extra = scraper.scrapeNow(slow);
  await passTime(700);
  await extra;
  expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
  const stopped = scraper.stop();
  await passTime(500);
  await stopped;
  expect((await scrapes()).map(({ changed }) => changed?.[0]?.[1])).toEqual([1, 2, 3]);
});

test('in a long run the interval grows, so that the record does not grow with it', async () => {
  let asked = 0;
  const scraper = new Scraper({ targets: [target('t', async () => `g ${asked++}\n`)], record, clock });
  scraper.start();
  await passTime(1_800_000);
  expect(asked).toBeGreaterThan(1_790);
  expect(asked).toBeLessThanOrEqual(1_801);
  const before = asked;
  await passTime(1_800_000);
  // ln 2 of 1,800 and not 1,800.
  expect(asked - before).toBeGreaterThan(1_150);
  expect(asked - before).toBeLessThan(1_350);
  await scraper.stop();
});

describe('over HTTP', () => {
  let server: Server;
  let endpoint: string;
  let answer: { status: number; text: string };
  beforeEach(async () => {
    server = createServer((request, response) =>
      response.writeHead(request.url === '/metrics' ? answer.status : 418).end(answer.text + (request.headers.accept ?? '')),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const read = () => readMetrics(endpoint, new AbortController().signal);

  test('OpenMetrics is asked for', async () => {
    answer = { status: 200, text: '# ' };
    expect(await read()).toBe('# application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5');
  });

  test('a server without /metrics will never have it; one in trouble may', async () => {
    answer = { status: 404, text: '' };
    await expect(read()).rejects.toThrow(ExpositionError);
    answer = { status: 503, text: '' };
    const error = await read().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ExpositionError);
  });

  test('an answer without end is not read to its end', async () => {
    answer = { status: 200, text: 'x'.repeat(9 << 20) };
    await expect(read()).rejects.toThrow('is larger than');
  });
});
