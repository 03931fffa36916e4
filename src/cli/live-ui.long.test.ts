// `run --ui` as a user meets it: an address on standard error, a page behind it while the run goes on, and nothing left afterwards.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LiveEvent } from '../harness/page/client/chart-data.ts';
import { type Running, start, windtunnel } from './testing/windtunnel.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };

let folder: string;
let results: string;
const running: Running[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-live-'));
  results = join(folder, 'results');
});
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

/** A scenario of a single node. */
function scenarioFile(duration: string): string {
  const path = join(folder, 'live.ts');
  writeFileSync(
    path,
    `export default {
      name: 'seen', description: 'a short one', cluster: { nodes: 1 }, warmup: '500ms', operationTimeout: '10s',
      loads: { elements: { executor: 'constant-arrival-rate', rate: 20, duration: '${duration}', preAllocatedVUs: 10, workload: { kind: 'set' } } },
      faults: [{ kind: 'pause', target: 'n1', at: '2s', duration: '1s' }],
    };`,
  );
  return path;
}

async function begin(duration: string): Promise<{ run: Running; address: string }> {
  const run = start(['run', scenarioFile(duration), '--ui', '--results', results]);
  running.push(run);
  await run.printed(/live page: http:\S+\n/);
  return { run, address: /live page: (\S+)\n/.exec(run.err())?.[1] ?? '' };
}

/** What a page that looks on is sent. */
function follow(address: string): LiveEvent[] {
  const events: LiveEvent[] = [];
  get(new URL('events', address), (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      const pieces = `${text}${part}`.split('\n\n');
      text = pieces.pop() ?? '';
      for (const piece of pieces) events.push(JSON.parse(piece.replace(/^data: /, '')) as LiveEvent);
    });
    response.on('error', () => {});
  }).on('error', () => {});
  return events;
}

test('the page shows the load, second by second, then the verdicts, and the process ends', async () => {
  const { run, address } = await begin('6s');
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const page = await (await fetch(address)).text();
  expect(page).toContain('"isLive":true');
  const events = follow(address);
  await vi.waitFor(() => expect(events.at(-1)?.body).toMatch(/<span role="status">seen, phase baseline<\/span>/), PATIENCE);
  const lengths = () => events.map(({ data }) => data.charts.find(({ title }) => title === 'Response time')?.at.length ?? 0);
  await vi.waitFor(() => expect(Math.max(...lengths())).toBeGreaterThanOrEqual(3), PATIENCE);
  // It grew; it did not come at once.
  expect(new Set(lengths()).size).toBeGreaterThan(1);
  expect(events.find(({ data }) => data.heatMaps.length > 0)?.isOver).toBe(false);
  // What is known of a fault is shown, and nothing is judged before its time.
  await vi.waitFor(() => expect(events.at(-1)?.data.groups[0]?.faults).toMatchObject([{ label: 'pause of n1' }]), PATIENCE);
  for (const { body, isOver } of events) if (!isOver) expect(body).not.toMatch(/not proven|exit code/i);
  const { code } = await run.ended;
  // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
  expect([0, 96], run.err()).toContain(code);
  const last = events.at(-1);
  expect(last?.isOver).toBe(true);
  expect(last?.body).toMatch(/The run is over[^]*report\.html/);
  expect(last?.body).toContain('no thresholds were set');
  await expect(fetch(address)).rejects.toThrow(/fetch failed/);
}, 120_000);

test('Ctrl-C ends the run as without a page, and who looks on sees that', async () => {
  const { run, address } = await begin('10m');
  const events = follow(address);
  await vi.waitFor(() => expect(events.at(-1)?.body).toContain('phase baseline'), PATIENCE);
  run.child.kill('SIGINT');
  expect(await run.ended).toMatchObject({ code: 105 });
  expect(events.at(-1)).toMatchObject({ isOver: true });
  expect(events.at(-1)?.body).toContain('interrupted');
}, 120_000);

describe('before anything is run', () => {
  test.each([['65536'], ['80a'], ['-1']])('the port %s is refused', async (port) => {
    const { code, err } = await windtunnel('run', scenarioFile('5s'), `--ui=${port}`, '--results', results);
    expect(err).toContain(`--ui takes a whole number from 0 to 65535, not '${port}'`);
    expect(code).toBe(1);
    expect(existsSync(results)).toBe(false);
  });

  test('a port that is taken is named', async () => {
    const holder = createServer();
    await new Promise<void>((listening) => holder.listen(0, '127.0.0.1', listening));
    try {
      const { port } = holder.address() as AddressInfo;
      for (const words of [['run', scenarioFile('5s')], ['bench']]) {
        const { code, err } = await windtunnel(...words, '--ui', String(port), '--results', results);
        expect(err).toContain(`the page cannot be served at 127.0.0.1:${port}: another program listens there`);
        expect(code).toBe(1);
      }
      expect(existsSync(results)).toBe(false);
    } finally {
      holder.close();
    }
  });
});
