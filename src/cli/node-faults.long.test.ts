// Faults of nodes and known-bad nodes, end to end: what befell every node is proven, a good cluster keeps its promises through all
// of it, and a bad one does not.

import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../harness/result/files.ts';
import type { Fault } from '../harness/scenario/faults.ts';
import { scenarioFolder } from './testing/scenario-folder.ts';

const TIMEOUT_MS = 180_000;
const folder = scenarioFolder('node-faults');

async function run(faults: readonly Fault[], seconds: number, env: Record<string, string> = {}) {
  const path = folder.writeOwn(
    `cluster: { nodes: 3 }, warmup: '1s', recovery: '1s',
      loads: {
        registers: { executor: 'constant-vus', vus: 4, duration: '${seconds}s', workload: { kind: 'registers', keys: 5 } },
        elements: { executor: 'constant-vus', vus: 4, duration: '${seconds}s', workload: { kind: 'set' } },
      },
      faults: ${JSON.stringify(faults)}`,
  );
  const results = mkdtempSync(join(folder.path, 'results-'));
  const running = folder.start(['run', path, '--results', results], { env });
  const { code } = await running.ended;
  const [only = 'no result'] = readdirSync(results);
  const [result] = (await readRun(join(results, only))).scenarios;
  return { code, result, printed: running.out() + running.err() };
}

test(
  'a slow disk, skewed clocks, a planned restart and a full disk each befall their nodes, and nothing acknowledged is lost',
  async () => {
    // First what needs nodes that run; how long a node takes to come back is a matter of the machine's load.
    const { code, result, printed } = await run(
      [
        { kind: 'slow-disk', target: 'n3', at: '1s', duration: '2s', delay: '200ms' },
        { kind: 'clock-skew', target: 'all', at: '4s', duration: '2s', offset: '-1h', drift: 2 },
        { kind: 'restart', target: 'n1', at: '7s', duration: '1s' },
        { kind: 'full-disk', target: 'n2', at: '16s', duration: '2s' },
      ],
      20,
    );
    // Elections may come late too, and then the run is invalid; what the processes did remains.
    expect([0, 96], printed).toContain(code);
    const observed = result?.faults.map((fault) => fault.proof.observations.join('; ')) ?? [];
    expect(observed[0]).toMatch(/\d+ writes to the disk of n3 took/);
    for (const node of ['n1', 'n2', 'n3'])
      expect(observed[1]).toMatch(new RegExp(`the clock of ${node} was .* behind at the beg`));
    expect(observed[2]).toMatch(/n1.* ended in good order/);
    expect(observed[3]).toMatch(/n2.* ended by itself when its disk was full/);
    expect(result?.verdicts.correct, printed).toBe('valid');
    // A node that ends because it was made to is no surprise.
    expect(result?.invalid.join()).not.toContain('by itself (');
  },
  TIMEOUT_MS,
);

test(
  'a node that lost its data catches up and votes again, and nothing acknowledged is lost',
  async () => {
    const { code, result, printed } = await run([{ kind: 'wipe', target: 'leader', at: '2s', duration: '1s' }], 6);
    expect([0, 96], printed).toContain(code);
    expect(result?.faults[0]?.proof.observations.join('; ')).toMatch(
      /its data was deleted.*caught up from nothing and votes again/,
    );
    expect(result?.verdicts.correct, printed).toBe('valid');
  },
  TIMEOUT_MS,
);

test(
  'when all nodes are killed at once nothing acknowledged is lost, unless they lied about their disks: exit 95',
  async () => {
    const powerFailure: Fault[] = [{ kind: 'crash', target: 'all', at: '3s', duration: '1s' }];
    const good = await run(powerFailure, 9);
    expect([0, 96], good.printed).toContain(good.code);
    expect(good.result?.verdicts.correct).toBe('valid');
    expect(good.result?.faults[0]?.nodes).toEqual(['n1', 'n2', 'n3']);
    const bad = await run(powerFailure, 9, { WINDTUNNEL_CANARY_NODE: '*=ack-before-fsync' });
    expect(bad.code, bad.printed).toBe(95);
    expect(bad.result?.checks.find(({ checker }) => checker === 'acknowledged-writes')).toMatchObject({ verdict: 'violated' });
    expect(bad.result?.checks[1]?.counts['lost']).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  'nodes that apply a repeated write again are found when a leader gives up writes that were committed: exit 95',
  async () => {
    // The leader's disk stalls, the others commit, it steps down, and its clients repeat what they had no answer to.
    const stall: Fault[] = [{ kind: 'slow-disk', target: 'leader', at: '3s', duration: '5s', delay: '3s' }];
    const bad = await run(stall, 10, { WINDTUNNEL_CANARY_NODE: '*=lost-dedup' });
    expect(bad.code, bad.printed).toBe(95);
  },
  TIMEOUT_MS,
);
