// Threads that issue load, as a user meets them: how many, when they are too slow, and when one of them breaks.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../harness/result/files.ts';
import type { ScenarioResult } from '../harness/result/schema.ts';
import { scenarioFolder } from './testing/scenario-folder.ts';
import { windtunnel } from './testing/windtunnel.ts';

const folder = scenarioFolder('generators');

function scenarioFile(loads: string): string {
  return folder.writeOwn(`cluster: { nodes: 1 }, warmup: '500ms', operationTimeout: '10s', loads: { ${loads} }`);
}

async function run(...words: string[]) {
  const results = join(folder.path, 'results');
  const command = folder.start(['run', ...words, '--results', results]);
  const { code } = await command.ended;
  const written = await readRun(join(results, readdirSync(results)[0] ?? 'nothing was written'));
  return {
    code,
    out: command.out(),
    base: join(results, written.id),
    exit: written.exit,
    result: written.scenarios[0] as ScenarioResult,
  };
}

const registers = (more = '') =>
  `registers: { executor: 'constant-arrival-rate', rate: 40, duration: '3s', preAllocatedVUs: 4, maxVUs: 400, workload: { kind: 'registers', keys: 3 } }, ${more}`;

test('two generators: every operation is issued once, the history is one and checked, and each says how it fared', async () => {
  const path = scenarioFile(
    registers("elements: { executor: 'constant-vus', vus: 3, duration: '3s', workload: { kind: 'set' } }"),
  );
  const { code, out, base, result } = await run(path, '--generators', '2');
  // The instrument may be late on a busy machine, which is exit 96 and not what this test is about.
  expect([0, 96], out).toContain(code);
  expect(result.status).toBe('complete');
  expect(result.configuration['generators']).toBe(2);
  const arrivals = result.statistics.filter(({ load }) => load === 'registers').reduce((sum, { count }) => sum + count, 0);
  expect(arrivals).toBe(120);
  expect(result.verdicts.correct).toBe('valid');
  expect(result.historyFiles).toEqual([`${folder.scenario}/history-registers.jsonl`, `${folder.scenario}/history-set.jsonl`]);
  for (const file of result.historyFiles) expect(existsSync(join(base, file))).toBe(true);
  const { generators = [] } = result.instrument;
  expect(generators.map(({ generator }) => generator)).toEqual([1, 2]);
  expect(generators.reduce((sum, { started }) => sum + started, 0)).toBe(result.totals.started);
  for (const { started, moments } of generators) {
    expect(started).toBeGreaterThanOrEqual(60);
    expect(moments.length).toBeGreaterThanOrEqual(2);
  }
  expect(out).toMatch(/worst: generator [12] of 2 at/);
}, 120_000);

test('a generator that is too slow makes the run invalid: exit 96, with the cause by name', async () => {
  // Each computes for 20 ms and 75 a second are wanted: more than a thread has, on any machine.
  const spent = '(({ user, system }) => user + system)(process.threadCpuUsage())';
  const busy = `async () => { const until = ${spent} + 20_000; while (${spent} < until); }`;
  const load = `busy: { executor: 'constant-arrival-rate', rate: 75, duration: '3s', preAllocatedVUs: 4, maxVUs: 400, workload: { kind: 'function', run: ${busy} } }`;
  const { code, out, exit, result } = await run(scenarioFile(load));
  expect(code, out).toBe(96);
  expect(result.status, result.statusReason).toBe('complete');
  expect(result.verdicts.fast).toBe('invalid');
  const reasons = result.invalid.join('\n');
  expect(reasons).toMatch(/the generator started operations late: schedule lag p\d\d .*, worst at \d/);
  expect(reasons).toMatch(/the generator's event loop was blocked/);
  expect(reasons).toMatch(/the generator also runs the functions of busy: while one computes/);
  expect(exit.reasons.join('\n')).toContain('the functions of busy');
  expect(out).toContain('INVALID');
}, 120_000);

test('a generator that crashes: exit 96, what was measured is kept, nothing is left running', async () => {
  const breaking = `async ({ iteration }) => { if (iteration === 40) setImmediate(() => { throw new Error('a bug of the user'); }); }`;
  const load = registers(
    `broken: { executor: 'constant-arrival-rate', rate: 20, duration: '10m', preAllocatedVUs: 4, workload: { kind: 'function', run: ${breaking} } }`,
  );
  const { code, out, base, exit, result } = await run(scenarioFile(load));
  expect(code, out).toBe(96);
  expect(result).toMatchObject({ status: 'failed', statusReason: 'the generator crashed: a bug of the user' });
  expect(exit.reasons).toContain(`${folder.scenario}: invalid: the generator crashed: a bug of the user`);
  expect(result.totals.ok).toBeGreaterThan(40);
  expect(result.timeline.reduce((sum, { ok }) => sum + ok, 0)).toBe(result.totals.ok);
  const reason = 'a generator failed, so its history may lack operations';
  expect(result.checks.filter(({ checker }) => checker.startsWith('history'))).toMatchObject([{ verdict: 'unknown', reason }]);
  expect(existsSync(join(base, result.historyFiles[0] ?? 'missing'))).toBe(true);
}, 120_000);

test('their number has bounds', async () => {
  expect(await windtunnel('run', 'steady', '--generators', '17')).toMatchObject({ code: 1 });
  expect((await windtunnel('bench', '--generators', '0')).err).toContain('--generators takes a whole number from 1 to 16');
});
