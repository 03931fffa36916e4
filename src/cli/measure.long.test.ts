// The main job as a user meets it: what is printed, what is written, the exit code, and that nothing is left behind.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LatencyHistogram } from '../harness/result/histogram.ts';
import { scenarioFolder } from './testing/scenario-folder.ts';
import { processesNaming } from '../harness/launch/testing/processes.ts';
import { windtunnel } from './testing/windtunnel.ts';

const folder = scenarioFolder('measure');

test('a run writes a valid result, its histories and logs, prints the summary, and the report prints it again', async () => {
  const results = join(folder.path, 'results');
  // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
  const { code, out, err } = await windtunnel('run', folder.write({}), '--results', results, '--seed', '7');
  expect([0, 96], out + err).toContain(code);
  expect(err).toContain(': warming up');
  const run = await folder.resultOf(results);
  expect(run).toMatchObject({ status: 'complete', microbenchmarks: [], exit: { code } });
  const [result] = run.scenarios;
  expect(result).toMatchObject({
    name: folder.scenario,
    seed: 7,
    status: 'complete',
    target: 'process',
    nodes: ['n1', 'n2', 'n3'],
  });
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
    expect(readFileSync(join(base, folder.scenario, `${node}.log`), 'utf8')).toContain('"event":"listening"');
  expect(out).toContain('correct?');
  // The page lies beside the result, and is that of this run.
  expect(out).toContain(`page    ${join(base, 'report.html')}`);
  expect(readFileSync(join(base, 'report.html'), 'utf8')).toContain(`<h1>${run.id}</h1>`);
  const again = await windtunnel('report', run.id, '--results', results);
  expect(again.out.length).toBeGreaterThan(500);
  expect(again.out).toContain(`page    ${join(base, 'report.html')}`);
}, 120_000);

test('a node that answers reads from stale state is found: exit 95, with an explanation', async () => {
  const results = join(folder.path, 'results');
  const canary = folder.start(['run', folder.write({}), '--results', results], {
    env: { WINDTUNNEL_CANARY_NODE: 'n2=stale-reads' },
  });
  expect(await canary.ended).toMatchObject({ code: 95 });
  const [result] = (await folder.resultOf(results)).scenarios;
  expect(result?.verdicts.correct).toBe('violated');
  expect(result?.checks[0]?.explanation).toMatch(/cannot be put in any order/);
  expect(canary.out()).toMatch(/violated/);
  const file = result?.checks[0]?.explanationFile;
  expect(file).toBe(`${folder.scenario}/violation-linearizability.txt`);
  expect(canary.out()).toContain(file);
  const [only = ''] = readdirSync(results);
  const text = readFileSync(join(results, only, file ?? ''), 'utf8');
  expect(text).toContain(result?.checks[0]?.explanation);
  // Every operation that is shown has its times.
  expect(text).toMatch(/process \d+ +read -> (nil|\d+) +[\d.]+m?s \.\. [\d.]+m?s/);
}, 120_000);

test('a threshold that fails is exit 99, and one with abortOnFail ends the run early; without a warm-up the cluster is cold', async () => {
  const results = join(folder.path, 'results');
  const path = folder.write({
    duration: '10m',
    warmup: '0s',
    more: "thresholds: { response_time: [{ threshold: 'max<0.000001', abortOnFail: true, delayAbortEval: '1s' }] }",
  });
  const { code, out, err } = await windtunnel('run', path, '--results', results);
  const [result] = (await folder.resultOf(results)).scenarios;
  expect([99, 96], out).toContain(code);
  expect(err).not.toContain('warming up');
  expect(result).toMatchObject({ status: 'aborted', thresholds: [{ passed: false, aborted: true }] });
  expect(result?.durationMs).toBeLessThan(60_000);
}, 120_000);

describe('interrupted', () => {
  test('Ctrl-C in a scenario keeps what was measured: exit 105, no process left', async () => {
    const results = join(folder.path, 'results');
    const path = folder.write({
      duration: '10m',
      more: "faults: [{ kind: 'crash', target: 'leader', at: '2s', duration: '5m' }]",
    });
    const run = folder.start(['run', path, '--results', results]);
    // In the middle of the fault: the node that is down must not be forgotten.
    await run.printed(/crash leader/);
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 105 });
    expect(processesNaming(`${folder.scenario}-`)).toEqual([]);
    const written = await folder.resultOf(results);
    expect(written).toMatchObject({ status: 'interrupted', exit: { code: 105 }, scenarios: [{ status: 'interrupted' }] });
    expect(written.scenarios[0]?.totals.ok).toBeGreaterThan(0);
    expect(run.out()).toContain('interrupted');
  }, 120_000);

  test('Ctrl-C in the microbenchmarks keeps those that finished', async () => {
    const results = join(folder.path, 'results');
    const bench = folder.start(['bench', '--results', results]);
    await bench.printed(/microbenchmark actor\/ask/);
    bench.child.kill('SIGINT');
    expect(await bench.ended).toMatchObject({ code: 105 });
    const written = await folder.resultOf(results);
    expect(written).toMatchObject({ status: 'interrupted', exit: { code: 105 }, scenarios: [] });
    expect(readFileSync(join(results, written.id, 'report.html'), 'utf8')).toContain('<strong>✗ interrupted</strong>');
  }, 120_000);
});

test('a cluster that cannot start is a failed scenario that says why', async () => {
  const results = join(folder.path, 'results');
  const run = folder.start(['run', folder.write({}), '--results', results], {
    env: { WINDTUNNEL_CANARY_NODE: 'n2=no-such-canary' },
  });
  expect(await run.ended).toMatchObject({ code: 1 });
  const written = await folder.resultOf(results);
  expect(written.scenarios[0]).toMatchObject({ status: 'failed' });
  expect(written.scenarios[0]?.statusReason).toContain('no-such-canary');
}, 120_000);
