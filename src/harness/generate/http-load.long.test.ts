// HTTP load as a run issues it, end to end: generators' threads, real sockets, and a server in a process of its own. On a machine that
// is busy with other things an attempt may be invalid, as a run would be; it is repeated then, and said so.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Recorder } from '../load/recorder.ts';
import { arrivals, scenarioOf } from '../load/testing/fake-server.ts';
import { LatencyHistogram } from '../result/histogram.ts';
import type { Phase } from '../result/schema.ts';
import { PhaseTracker } from '../scenario/phases.ts';
import type { Load } from '../scenario/loads.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { Generators } from './generators.ts';
import { generatorProblems } from './judgement.ts';
import type { ServerMeasured } from './testing/http-server.ts';

const MOST_ATTEMPTS = 3;

let folder: string;
const servers: ChildProcess[] = [];
const started: Generators[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-http-load-'));
});
afterEach(async () => {
  for (const generators of started.splice(0)) await generators.terminate();
  for (const server of servers.splice(0)) {
    if (server.exitCode !== null || server.signalCode !== null) continue;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true });
});

async function startServer(delayMs: number) {
  const program = join(import.meta.dirname, 'testing/http-server.ts');
  const process_ = spawn(process.execPath, [program, String(delayMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
  servers.push(process_);
  const [port] = (await once(process_.stdout, 'data')) as [Buffer];
  const address = `127.0.0.1:${String(port).trim()}`;
  return {
    process: process_,
    address,
    measured: async () => (await (await fetch(`http://${address}/measured`)).json()) as ServerMeasured,
  };
}

const http = { kind: 'http', url: '/', body: 'x' } as const;

async function generate(
  httpEndpoint: string,
  loads: Readonly<Record<string, Load>>,
  more: Partial<Scenario> = {},
  meanwhile: (tracker: PhaseTracker, originMs: number) => () => void = () => () => {},
) {
  const scenario = scenarioOf(loads, { operationTimeout: '20s', ...more });
  const addresses = { endpoints: [], httpEndpoints: [httpEndpoint] };
  const generators = await Generators.start({ scenario, addresses, folder, seed: 5, clock: systemClock });
  started.push(generators);
  const tracker = new PhaseTracker(scenario);
  const recorder = new Recorder((ms) => tracker.phaseAt(ms));
  const originMs = systemClock.now();
  const stop = meanwhile(tracker, originMs);
  const { signal } = new AbortController();
  const report = await generators.run({ originMs, recorder, onSecond: () => {}, signal });
  stop();
  expect(generators.failures).toEqual([]);
  await generators.close();
  const histogram = (time: 'responseTime' | 'serviceTime', load: string, ...phases: Phase[]) => {
    const all = new LatencyHistogram();
    for (const cell of recorder.measured()) {
      if (cell.load === load && (phases.length === 0 || phases.includes(cell.phase))) all.merge(cell[time]);
    }
    return all;
  };
  return {
    totals: recorder.totals(report.durationMs),
    lag: recorder.lag,
    problems: generatorProblems(report.generators, scenario),
    percentile: (p: number, ...of: Parameters<typeof histogram>) =>
      (histogram(...of).percentile(p) ?? histogram(...of).max) / 1_000,
    count: (load: string, ...phases: Phase[]) => histogram('serviceTime', load, ...phases).count,
  };
}

/** Whether more wants to run on this machine than it has cores for. */
const isBusy = () => (loadavg()[0] ?? 0) > availableParallelism();

/** Until `attempt` says nothing; the last one is asked for no more than it can promise on any machine. */
async function repeated(attempt: (isLast: boolean) => Promise<string | undefined>): Promise<void> {
  for (let number = 1; number <= MOST_ATTEMPTS; number++) {
    const reason = await attempt(number === MOST_ATTEMPTS);
    if (reason === undefined) return;
    process.stderr.write(`attempt ${number} of ${MOST_ATTEMPTS} says nothing about the times: ${reason}\n`);
  }
}

describe('a server that takes 50 ms', () => {
  test.each([
    [10, '3s', 30, 1],
    [1_000, '2s', 2_000, 1],
    [1_000, '2s', 2_000, 2],
  ])(
    'at %d/s for %s is reported so, with exactly %d samples, by %d generators',
    async (rate, duration, count, generators) => {
      await repeated(async (isLast) => {
        const server = await startServer(50);
        const load = arrivals(rate, duration, { workload: http });
        const { totals, percentile, problems, lag } = await generate(server.address, { a: load }, { generators });
        expect(totals).toMatchObject({ scheduled: count, started: count, ok: count, fail: 0, info: 0, dropped: 0 });
        const measured = await server.measured();
        expect(measured.count).toBe(count);
        const [service, response] = [percentile(50, 'serviceTime', 'a'), percentile(50, 'responseTime', 'a')];
        // No answer is there before the server gave it, and no request was sent before it was due.
        expect(service).toBeGreaterThanOrEqual(measured.p50 - 0.5);
        expect(response).toBeGreaterThanOrEqual(service - 0.1);
        if (problems.length > 0) return problems.join('; ');
        const lateMs = (lag.percentile(50) ?? lag.max) / 1_000;
        if (measured.p50 > 51 || lateMs > 0.5)
          return `the server itself took ${measured.p50} ms, and requests were ${lateMs} ms late`;
        const furthest = Math.max(...[service, response].map((p50) => Math.abs(p50 - 50)));
        if (furthest > 2 && (!isLast || isBusy())) return `answers waited ${furthest} ms for a busy machine`;
        expect(furthest).toBeLessThanOrEqual(2);
        return undefined;
      });
    },
    120_000,
  );
});

test('a server that is frozen for 2 s of 10: the response times show it, and autocannon does not', async () => {
  await repeated(async (isLast) => {
    const server = await startServer(5);
    const autocannon: Load = { executor: 'autocannon', connections: 2, duration: '10s', workload: http };
    const { totals, percentile, count, problems } = await generate(
      server.address,
      { open: arrivals(100, '10s', { workload: http }), closed: autocannon },
      { recovery: '1s' },
      (tracker, originMs) => {
        const cancels = (
          [
            [4_000, 'SIGSTOP', (ms: number) => tracker.faultStarted(ms)],
            [6_000, 'SIGCONT', (ms: number) => tracker.faultEnded(ms)],
          ] as const
        ).map(([atMs, signal, tell]) =>
          systemClock.schedule(atMs, () => {
            server.process.kill(signal);
            tell(systemClock.now() - originMs);
          }),
        );
        return () => cancels.forEach((cancel) => cancel());
      },
    );
    expect(totals).toMatchObject({ fail: 0, info: 0, dropped: 0 });
    expect(count('open')).toBe(1_000);
    expect(percentile(99, 'responseTime', 'open')).toBeGreaterThanOrEqual(1_000);
    // Every request that was due meanwhile is there, and waited a second in the middle.
    expect(count('open', 'fault')).toBeGreaterThan(190);
    expect(percentile(50, 'responseTime', 'open', 'fault')).toBeGreaterThan(800);
    // What a closed loop makes of it: two slow samples.
    expect(count('closed')).toBeGreaterThan(200);
    expect(percentile(99, 'responseTime', 'closed')).toBeLessThan(1_000);
    if (problems.length > 0 && !isLast) return problems.join('; ');
    // A second after the freeze nothing is left of it.
    expect(count('open', 'after')).toBeGreaterThan(250);
    expect(percentile(95, 'serviceTime', 'open', 'after')).toBeLessThan(1_000);
    expect(percentile(50, 'serviceTime', 'open', 'after')).toBeLessThan(500);
    return undefined;
  });
}, 120_000);
