// The main job as a user meets it: what is printed, what is written, the exit code, and that nothing is left behind.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LatencyHistogram } from '../harness/result/histogram.ts';
import { readRun } from '../harness/result/files.ts';
import type { Run } from '../harness/result/schema.ts';
import { processesNaming, type Running, start, windtunnel } from './testing/windtunnel.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };

let folder: string;
let scenario: string;
const running: Running[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-measure-'));
  scenario = `s${folder
    .slice(-6)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '0')}`;
});
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  // The cluster's name is made of the scenario's, and stands in the command line of every node and of the links.
  await vi.waitFor(() => expect(processesNaming(`${scenario}-`)).toEqual([]), PATIENCE);
  rmSync(folder, { recursive: true, force: true });
});

/** A short scenario of our own; `more` overrides. */
function scenarioFile(more: string): string {
  const path = join(folder, `${scenario}.ts`);
  writeFileSync(path, scenarioText(more));
  return path;
}

function scenarioText(more: string): string {
  return `export default {
      name: '${scenario}', description: 'a short one', cluster: { nodes: 3 }, warmup: '500ms', recovery: '1s', operationTimeout: '10s',
      loads: {
        registers: { executor: 'constant-arrival-rate', rate: 60, duration: '4s', preAllocatedVUs: 10, maxVUs: 600, workload: { kind: 'registers', keys: 3 } },
        elements: { executor: 'constant-vus', vus: 2, duration: '4s', workload: { kind: 'set' } },
      },
      ${more}
    };`;
}

async function resultOf(results: string): Promise<Run> {
  const [only = '', ...more] = readdirSync(results);
  expect(more).toEqual([]);
  return readRun(join(results, only));
}

test('a run writes a valid result, its histories and logs, prints the summary, and the report prints it again', async () => {
  const results = join(folder, 'results');
  // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
  const { code, out, err } = await windtunnel('run', scenarioFile(''), '--results', results, '--seed', '7');
  expect([0, 96], out + err).toContain(code);
  const run = await resultOf(results);
  expect(run).toMatchObject({ status: 'complete', microbenchmarks: [], exit: { code } });
  const [result] = run.scenarios;
  expect(result).toMatchObject({ name: scenario, seed: 7, status: 'complete', target: 'process', nodes: ['n1', 'n2', 'n3'] });
  expect(result?.verdicts.correct).toBe('valid');
  expect(result?.checks.map((check) => [check.checker, check.verdict])).toEqual([
    ['linearizability', 'valid'],
    ['acknowledged-writes', 'valid'],
    ['raft-invariants', 'valid'],
  ]);
  // Where the scenario lay on this machine is nobody else's business; the command says what the user typed.
  expect(JSON.stringify(result)).not.toContain(folder);
  // An open loop starts what the schedule says, no more and no less.
  const started = result?.statistics.filter((each) => each.load === 'registers').reduce((sum, each) => sum + each.count, 0);
  expect(started).toBe(240);
  for (const { count, responseTime } of result?.statistics ?? [])
    expect(LatencyHistogram.decode(responseTime.histogram).count).toBe(count);
  expect(result?.timeline.length).toBeGreaterThanOrEqual(4);
  expect(result?.roles.some((change) => change.role === 'leader')).toBe(true);
  const base = join(results, run.id);
  for (const file of result?.historyFiles ?? ['missing']) {
    expect(existsSync(join(base, file))).toBe(true);
    expect(await windtunnel('check', join(base, file))).toMatchObject({ code: 0 });
  }
  for (const node of ['n1', 'n2', 'n3'])
    expect(readFileSync(join(base, scenario, `${node}.log`), 'utf8')).toContain('"event":"listening"');
  expect(out).toContain('correct?');
  // The page lies beside the result, and is that of this run.
  expect(out).toContain(`page    ${join(base, 'report.html')}`);
  expect(readFileSync(join(base, 'report.html'), 'utf8')).toContain(`<h1>${run.id}</h1>`);
  const again = await windtunnel('report', run.id, '--results', results);
  expect(again.out.length).toBeGreaterThan(500);
  expect(again.out).toContain(`page    ${join(base, 'report.html')}`);
}, 120_000);

test('every node is killed once, under load, and nothing acknowledged is lost', async () => {
  const results = join(folder, 'results');
  // By name: who leads when is a matter of the machine's load, and at a given moment perhaps nobody.
  const crashes = ['n1', 'n2', 'n3'].map(
    (target, at) => `{ kind: 'crash', target: '${target}', at: '${1 + at * 4}s', duration: '1s' }`,
  );
  const path = scenarioFile(`faults: [${crashes.join(', ')}]`);
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll("duration: '4s'", "duration: '14s'"));
  const { code, out, err } = await windtunnel('run', path, '--results', results);
  const [result] = (await resultOf(results)).scenarios;
  expect([0, 96], out + err).toContain(code);
  // Whether an election came in time is a matter of the machine's load; that every node died and came back is not.
  expect(result?.faults.map((fault) => fault.target)).toEqual(['n1', 'n2', 'n3']);
  for (const fault of result?.faults ?? []) {
    const observed = fault.proof.observations.join('; ');
    expect(observed).toMatch(/ended by SIGKILL/);
    expect(observed).toMatch(/came back on its data/);
  }
  expect(result?.verdicts.correct).toBe('valid');
  expect(result?.checks[1]?.counts['lost']).toBe(0);
  expect(result?.checks[1]?.counts['acknowledged']).toBeGreaterThan(50);
  expect(result?.roles.filter((change) => change.role === 'down').length).toBeGreaterThanOrEqual(3);
}, 180_000);

test('a node that answers reads from stale state is found: exit 95, with an explanation', async () => {
  const results = join(folder, 'results');
  const canary = start(['run', scenarioFile(''), '--results', results], { env: { WINDTUNNEL_CANARY_NODE: 'n2=stale-reads' } });
  running.push(canary);
  expect(await canary.ended).toMatchObject({ code: 95 });
  const [result] = (await resultOf(results)).scenarios;
  expect(result?.verdicts.correct).toBe('violated');
  expect(result?.checks[0]?.explanation).toMatch(/cannot be put in any order/);
  expect(canary.out()).toMatch(/violated/);
  const file = result?.checks[0]?.explanationFile;
  expect(file).toBe(`${scenario}/violation-linearizability.txt`);
  expect(canary.out()).toContain(file);
  const [only = ''] = readdirSync(results);
  const text = readFileSync(join(results, only, file ?? ''), 'utf8');
  expect(text).toContain(result?.checks[0]?.explanation);
  // Every operation that is shown has its times.
  expect(text).toMatch(/process \d+ +read -> (nil|\d+) +[\d.]+m?s \.\. [\d.]+m?s/);
}, 120_000);

test('a threshold that fails is exit 99, and one with abortOnFail ends the run early', async () => {
  const results = join(folder, 'results');
  const path = scenarioFile(
    "thresholds: { response_time: [{ threshold: 'max<0.000001', abortOnFail: true, delayAbortEval: '1s' }] }",
  );
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll("duration: '4s'", "duration: '10m'"));
  const { code, out } = await windtunnel('run', path, '--results', results);
  const [result] = (await resultOf(results)).scenarios;
  expect([99, 96], out).toContain(code);
  expect(result).toMatchObject({ status: 'aborted', thresholds: [{ passed: false, aborted: true }] });
  expect(result?.durationMs).toBeLessThan(60_000);
}, 120_000);

test('a threshold on what a fault costs ends the run when it is crossed: exit 99', async () => {
  const results = join(folder, 'results');
  const path = scenarioFile(
    `faults: [{ kind: 'crash', target: 'leader', at: '1s', duration: '1s' }],
     thresholds: {
       'write_gap{fault:crash}': [{ threshold: 'max<1', abortOnFail: true }],
       first_write: ['max<0.001'],
       operations_lost: ['count==0'],
       'errors{code:session-window}': ['count==0'],
     }`,
  );
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll("duration: '4s'", "duration: '10m'"));
  const { code, out } = await windtunnel('run', path, '--results', results);
  // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
  expect([99, 96], out).toContain(code);
  const [result] = (await resultOf(results)).scenarios;
  expect(result?.status).toBe('aborted');
  expect(result?.durationMs).toBeLessThan(60_000);
  expect(result?.thresholds.map(({ metric, passed, aborted }) => [metric, passed, aborted])).toEqual([
    ['write_gap{fault:crash}', false, true],
    ['first_write', false, false],
    ['operations_lost', true, false],
    ['errors{code:session-window}', true, false],
  ]);
  const [crash] = result?.faults ?? [];
  expect(result?.thresholds[0]?.observed).toBe(crash?.longestWriteGapMs);
  expect(crash?.operations).toBeGreaterThan(0);
  expect(crash?.windowEndMs).toBeLessThanOrEqual(result?.durationMs ?? 0);
  expect(result?.operationsLost).toBe(0);
}, 120_000);

describe('interrupted', () => {
  test('Ctrl-C in a scenario keeps what was measured: exit 105, no process left', async () => {
    const results = join(folder, 'results');
    const path = scenarioFile("faults: [{ kind: 'crash', target: 'leader', at: '2s', duration: '5m' }]");
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll("duration: '4s'", "duration: '10m'"));
    const run = start(['run', path, '--results', results]);
    running.push(run);
    // In the middle of the fault: the node that is down must not be forgotten.
    await run.printed(/crash leader/);
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 105 });
    expect(processesNaming(`${scenario}-`)).toEqual([]);
    const written = await resultOf(results);
    expect(written).toMatchObject({ status: 'interrupted', exit: { code: 105 }, scenarios: [{ status: 'interrupted' }] });
    expect(written.scenarios[0]?.totals.ok).toBeGreaterThan(0);
    expect(run.out()).toContain('interrupted');
  }, 120_000);

  test('Ctrl-C in the microbenchmarks keeps those that finished', async () => {
    const results = join(folder, 'results');
    const bench = start(['bench', '--results', results]);
    running.push(bench);
    await bench.printed(/microbenchmark actor\/ask/);
    bench.child.kill('SIGINT');
    expect(await bench.ended).toMatchObject({ code: 105 });
    const written = await resultOf(results);
    expect(written).toMatchObject({ status: 'interrupted', exit: { code: 105 }, scenarios: [] });
    expect(readFileSync(join(results, written.id, 'report.html'), 'utf8')).toContain('<strong>✗ interrupted</strong>');
  }, 120_000);
});

test('a partition of a running cluster is carried out, proven and undone; killed meanwhile, the run leaves nothing behind', async () => {
  const results = join(folder, 'results');
  const partition = (duration: string) =>
    `faults: [{ kind: 'partition', shape: 'isolate-leader', clients: true, at: '1s', duration: '${duration}' }]`;
  const path = scenarioFile(partition('2s'));
  // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
  const { code, out } = await windtunnel('run', path, '--results', results);
  expect([0, 96], out).toContain(code);
  const [result] = (await resultOf(results)).scenarios;
  expect(result?.faults[0]).toMatchObject({ kind: 'partition', target: 'isolate-leader' });
  expect(result?.faults[0]?.proof.observations).toContain('not one byte passed during it');
  expect(result?.verdicts.correct).toBe('valid');

  writeFileSync(path, scenarioText(partition('5m')).replaceAll("duration: '4s'", "duration: '10m'"));
  const run = start(['run', path, '--results', join(folder, 'killed')]);
  running.push(run);
  await run.printed(/partition isolate-leader/);
  // Four processes, none of which may outlive the one that is killed now: `afterEach` waits for that.
  expect(processesNaming(`${scenario}-`).length).toBe(4);
  run.child.kill('SIGKILL');
}, 120_000);

test('a cluster that cannot start is a failed scenario that says why', async () => {
  const results = join(folder, 'results');
  const run = start(['run', scenarioFile(''), '--results', results], { env: { WINDTUNNEL_CANARY_NODE: 'n2=no-such-canary' } });
  running.push(run);
  expect(await run.ended).toMatchObject({ code: 1 });
  const written = await resultOf(results);
  expect(written.scenarios[0]).toMatchObject({ status: 'failed' });
  expect(written.scenarios[0]?.statusReason).toContain('no-such-canary');
}, 120_000);
