// The random nemesis and the search for the knee, end to end.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readRun } from '../harness/result/files.ts';
import { loadScenarios } from '../harness/scenario/discover.ts';
import { faultsOf } from '../harness/scenario/nemesis.ts';
import { processesNaming } from '../harness/launch/testing/processes.ts';
import { type Running, start } from './testing/windtunnel.ts';

const TIMEOUT_MS = 180_000;
const SEED = 7;
/** Stands in the command line of every node. */
const NAME = `nemesis-${process.pid}`;
const MODULE = resolve(import.meta.dirname, '../harness/scenario/scenario.ts');
const CLOCK = resolve(import.meta.dirname, '../runtime/clock.ts');

let folder: string;
let running: Running | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-nemesis-'));
});
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
  await vi.waitFor(() => expect(processesNaming(`${NAME}-`)).toEqual([]), { timeout: 60_000, interval: 50 });
  rmSync(folder, { recursive: true });
});

/** @param body the scenario without its name. */
async function run(body: string) {
  const path = join(folder, `${NAME}.ts`);
  writeFileSync(
    path,
    `import { defineScenario, steps } from '${MODULE}';
     import { sleep, systemClock } from '${CLOCK}';
     export default defineScenario({ name: '${NAME}', description: 'For a test.', cluster: { nodes: 3 }, warmup: '1s', recovery: '1s', ${body} });`,
  );
  const results = join(folder, 'results');
  running = start(['run', path, '--results', results, '--seed', String(SEED)]);
  const { code } = await running.ended;
  const [only = 'no result'] = readdirSync(results);
  const [result] = (await readRun(join(results, only))).scenarios;
  const [scenario] = await loadScenarios([path], folder);
  return { code, result, scenario, printed: running.out() + running.err() };
}

test(
  'what the seed plans is carried out or skipped with a reason, and nothing acknowledged is lost',
  async () => {
    const { code, result, scenario, printed } = await run(`
      loads: {
        registers: { executor: 'constant-vus', vus: 4, duration: '20s', workload: { kind: 'registers', keys: 5 } },
        elements: { executor: 'constant-vus', vus: 2, duration: '20s', workload: { kind: 'set' } },
      },
      nemesis: {
        mix: [
          { kind: 'crash', target: 'follower' },
          { kind: 'pause', target: 'leader' },
          { kind: 'slow-disk', target: 'random', delay: '50ms' },
          { kind: 'partition', shape: 'halves' },
          { kind: 'latency', target: 'leader', delay: '30ms' },
        ],
        every: ['3s', '5s'],
        lasts: ['1s', '2s'],
      },`);
    // An election may come late on a busy machine, and then the run is invalid; what was done to the cluster remains.
    expect([0, 96], printed).toContain(code);
    expect(result?.verdicts.correct, printed).toBe('valid');
    const planned = scenario === undefined ? [] : faultsOf(scenario, SEED).map(({ fault }) => fault);
    expect(planned.length).toBeGreaterThanOrEqual(3);
    const done = [
      ...(result?.faults ?? []).map(({ kind, startMs }) => ({ kind, atMs: startMs })),
      ...(result?.skippedFaults ?? []).map(({ kind, atMs }) => ({ kind, atMs })),
    ].sort((a, b) => a.atMs - b.atMs);
    expect(done.map(({ kind }) => kind)).toEqual(planned.map(({ kind }) => kind));
    for (const [at, { atMs }] of done.entries()) expect(atMs).toBeGreaterThanOrEqual((planned[at]?.atMs ?? Infinity) - 1);
    // The first one meets a cluster that is whole.
    expect(result?.faults[0], printed).toMatchObject({ kind: planned[0]?.kind, proof: { proven: true } });
    for (const { reason } of result?.skippedFaults ?? []) expect(reason).toMatch(/had not ended yet|nobody led/);
  },
  TIMEOUT_MS,
);

test(
  'a load beyond what the target takes is not held against the run: the knee is found',
  async () => {
    // One operation after the other, each at least 15 ms: more than 66 a second are not to be had on any machine.
    const { code, result, printed } = await run(`
      operationTimeout: '5s',
      loads: {
        rising: {
          executor: 'ramping-arrival-rate',
          startRate: 10,
          stages: [{ target: 10, duration: '1s' }, ...steps({ from: 10, to: 210, by: 100, duration: '3s' })],
          preAllocatedVUs: 20,
          gracefulStop: '1s',
          workload: {
            kind: 'function',
            run: (() => {
              let last = Promise.resolve();
              return () => (last = last.then(() => sleep(systemClock, 15)));
            })(),
          },
        },
      },
      saturation: { p99: '150ms' },
      thresholds: { knee: ['>=10', '<110'] },`);
    const saturation = result?.saturation;
    expect(
      saturation?.steps.map(({ rate }) => rate),
      printed,
    ).toEqual([10, 110, 210]);
    for (const step of saturation?.steps ?? []) expect(step.offered).toBeCloseTo(step.rate, 0);
    const [low, ...high] = saturation?.steps ?? [];
    for (const step of high) {
      expect(step.held).toBe(false);
      expect(step.achieved).toBeLessThan(67);
    }
    // More was dropped than answered, and that is the target's doing.
    expect(high.at(-1)?.dropped).toBeGreaterThan(100);
    expect(result?.totals.dropped).toBeGreaterThan(200);
    // On a machine that is too busy the generator is late as well, and says so.
    if (low?.held && high[0]?.generator === undefined) {
      expect(saturation).toMatchObject({ outcome: 'found', knee: 10 });
      expect(result?.invalid).toEqual([]);
      expect(code, printed).toBe(0);
      expect(printed).toMatch(/knee  10\/s: the highest step that held/);
    } else expect(saturation?.outcome, printed).toMatch(/^(generator-limited|below-first-step)$/);
  },
  TIMEOUT_MS,
);
