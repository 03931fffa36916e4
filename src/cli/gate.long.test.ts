// The gate as it is used: a repository, two commits, a verdict, files, nothing left behind.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { known } from '../runtime/assert.ts';
import { GatedRepository, type GatedSuite } from '../harness/gate/testing/gated-repository.ts';
import { processesNaming } from '../harness/launch/testing/processes.ts';
import { type Gate, gateSchema } from '../harness/result/gate.ts';
import { start } from './testing/windtunnel.ts';

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('windtunnel-gate-'));

async function gate(repository: GatedRepository, ...words: string[]) {
  // Node's compile cache, of its own, so that one can see what of it stays.
  const env = { NODE_COMPILE_CACHE: join(repository.folder, 'compile-cache') };
  const running = start(['gate', '--format', 'json', '--seed', '1', ...words], { cwd: repository.folder, env });
  const { code } = await running.ended;
  const result = running.out() === '' ? undefined : gateSchema.parse(JSON.parse(running.out()));
  return { code, err: running.err(), result: result as Gate };
}

const before: GatedSuite = { steps: 300, messages: 40, more: { old: 'return 1' } };
const after: GatedSuite = { steps: 600, messages: 41, more: { fresh: 'return 1' } };

test('twice the work is slower, a message more is a regression, and a reviewed file accepts the one and not the other', async () => {
  using repository = new GatedRepository();
  repository.commit(before);
  const commit = repository.commit(after);
  const there = leftovers();
  const { code, result } = await gate(repository, '--base', 'HEAD~1');
  expect(code).toBe(94);
  expect(result).toMatchObject({ added: ['work/fresh'], removed: ['work/old'], exit: { code: 94 } });
  expect(result.subjects).toMatchObject([{ id: 'work/loop', verdict: 'slower' }]);
  expect(result.exit.reasons).toContain('work/loop: 4 messages an operation became 4.1');
  const { first, rerun } = result.subjects[0] as Gate['subjects'][number];
  expect(first.ratio).toBeGreaterThan(1.3);
  expect(first.rounds.length).toBeGreaterThanOrEqual(10);
  expect(rerun?.rounds.length).toBeGreaterThanOrEqual(10);
  const folder = join(repository.folder, 'results', result.id);
  expect(gateSchema.parse(JSON.parse(readFileSync(join(folder, 'gate.json'), 'utf8'))).id).toBe(result.id);
  expect(readFileSync(join(folder, 'gate.md'), 'utf8')).toContain('❌ slower');

  mkdirSync(join(repository.folder, 'results'), { recursive: true });
  const acceptance = { benchmark: 'work/loop', ratio: 4, reason: 'twice as thorough', commit };
  writeFileSync(join(repository.folder, 'results', 'accepted.json'), JSON.stringify([acceptance]));
  const again = await gate(repository, '--base', 'HEAD~1', '--head', 'HEAD');
  expect(again.result.subjects).toMatchObject([{ verdict: 'accepted', acceptance }]);
  // The count is no matter of time, and not accepted.
  expect([again.code, again.result.exit.reasons]).toEqual([94, ['work/loop: 4 messages an operation became 4.1']]);

  expect(repository.git('worktree', 'list').split('\n')).toHaveLength(1);
  expect(leftovers()).toEqual(there);
}, 300_000);

test('when the time is over, what is not known is inconclusive, and with --strict that is not enough', async () => {
  using repository = new GatedRepository();
  repository.commit({ steps: 300, messages: 40 });
  const { code, result } = await gate(repository, '--base', 'HEAD', '--budget', '1s', '--strict');
  expect(code).toBe(96);
  const reason = expect.stringMatching(/^cut short by the budget after \d rounds of the 10 that it takes at least$/) as string;
  expect(result.subjects).toMatchObject([{ verdict: 'inconclusive', reason }]);
  expect(readFileSync(join(repository.folder, 'results', result.id, 'gate.md'), 'utf8')).toContain('cut short by the budget');
  // What was compiled of the checkouts, which are at another place each time, has gone with them.
  const compiled = () => readdirSync(join(repository.folder, 'compile-cache'), { recursive: true }).length;
  const there = compiled();
  expect(there).toBeGreaterThan(0);
  expect((await gate(repository, '--base', 'HEAD', '--budget', '1s')).code).toBe(0);
  expect(compiled()).toBe(there);
}, 100_000);

test('a validation does not count a gate that was cut short', async () => {
  using repository = new GatedRepository();
  repository.commit({ steps: 300, messages: 40 });
  const there = leftovers();
  const running = start(['gate', '--validate', '--budget', '1500ms', '--gates', '1'], { cwd: repository.folder });
  expect((await running.ended).code, running.err()).toBe(96);
  expect(running.err()).toMatch(/gate 1 of 10: .*\n.*no gate ended within its time/s);
  const [file = '', ...more] = readdirSync(join(repository.folder, 'results', 'gate-validation'));
  expect(more).toEqual([]);
  const { gates } = JSON.parse(readFileSync(join(repository.folder, 'results', 'gate-validation', file), 'utf8')) as {
    gates: unknown[];
  };
  expect(gates).toEqual([]);
  expect(leftovers()).toEqual(there);
  expect(processesNaming(repository.folder)).toEqual([]);
}, 60_000);

test('Ctrl-C judges what there is, takes the checkouts away, and exits with 105', async () => {
  using repository = new GatedRepository();
  repository.commit({ steps: 300, messages: 40 });
  const there = leftovers();
  const running = start(['gate', '--base', 'HEAD'], { cwd: repository.folder });
  // Those of HEAD: that they run says that BASE is checked out.
  await expect.poll(() => processesNaming(repository.bench).length, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(105);
  expect(repository.git('worktree', 'list').split('\n')).toHaveLength(1);
  expect(leftovers()).toEqual(there);
  expect(processesNaming(repository.bench)).toEqual([]);
}, 100_000);

test('an acceptance that cannot be read is named, before anything is measured', async () => {
  using repository = new GatedRepository();
  repository.commit({ steps: 300, messages: 40 });
  writeFileSync(join(repository.folder, 'accepted.json'), '[{ "benchmark": "work/loop", "ratio": "a lot" }]');
  const { code, err, result } = await gate(repository, '--base', 'HEAD', '--accepted', 'accepted.json');
  expect([code, result]).toEqual([1, undefined]);
  expect(err).toMatch(/accepted\.json: \[0\]\.ratio: /);
}, 60_000);

describe('scenarios', () => {
  const scenario = ['--base', 'HEAD', '--benchmarks', 'off', '--window', '4s'];
  const here = (words: readonly string[], env: Record<string, string> = {}) =>
    start(['gate', '--format', 'json', '--seed', '1', '--results', folder, ...scenario, ...words], { env });
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gated-scenarios-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('clusters of both take turns at the same load; what the budget cuts short is inconclusive, and nothing is left', async () => {
    const there = leftovers();
    const running = here(['--scenarios', 'closed-loop', '--budget', '25s', '--strict']);
    expect([(await running.ended).code, running.err()]).toEqual([96, expect.any(String)]);
    const { subjects } = gateSchema.parse(JSON.parse(running.out()));
    expect(subjects).toMatchObject([
      { kind: 'scenario', id: 'closed-loop throughput', unit: 'per second', better: 'higher', verdict: 'inconclusive' },
    ]);
    const { base, head, first, reason } = subjects[0] as Gate['subjects'][number];
    // On a busy machine windows are invalid, and a round with one does not count; then there is nothing to compare.
    if (first.rounds.length === 0) expect([base, head]).toEqual([undefined, undefined]);
    else expect(known(base, 'of a round') * known(head, 'of a round')).toBeGreaterThan(0);
    expect(reason).toMatch(/cut short by the budget|the generator|the instrument/);
    expect(leftovers()).toEqual(there);
  }, 120_000);

  test('a HEAD whose answers are wrong fails, however fast: exit 95', async () => {
    const running = here(['--scenarios', 'steady', '--budget', '3m'], { WINDTUNNEL_CANARY_NODE: '*=stale-reads' });
    expect((await running.ended).code).toBe(95);
    const { subjects, exit } = gateSchema.parse(JSON.parse(running.out()));
    for (const subject of subjects) expect(subject).toMatchObject({ verdict: 'failed', violated: true });
    expect(exit.reasons[0]).toMatch(/steady p50 failed HEAD answered what is wrong: linearizability is violated/);
  }, 300_000);
});
