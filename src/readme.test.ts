// README.md is a promise to its reader: its scenario is valid, its commands exist, its figures are those of the committed run.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseInvocation } from './cli/command.ts';
import { bench } from './cli/bench.ts';
import { check } from './cli/check.ts';
import { cluster } from './cli/cluster.ts';
import { compare } from './cli/compare.ts';
import { doctor } from './cli/doctor.ts';
import { gate } from './cli/gate.ts';
import { history } from './cli/history.ts';
import { image } from './cli/image.ts';
import { init } from './cli/init.ts';
import { micro } from './cli/micro.ts';
import { query } from './cli/query.ts';
import { report } from './cli/report.ts';
import { run } from './cli/run.ts';
import { readRun } from './harness/result/files.ts';
import { loadScenarios } from './harness/scenario/discover.ts';

const ROOT = resolve(import.meta.dirname, '..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const COMMANDS = [bench, micro, run, init, cluster, query, check, report, compare, history, gate, image, doctor];

const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map((match) => match[1] as string);

test('the scenario is valid', async () => {
  const source = blocks('ts').find((block) => block.includes('defineScenario')) ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-readme-'));
  try {
    const path = join(folder, 'two-crashes.ts');
    writeFileSync(path, source.replace('@windtunnel/harness/scenario', join(ROOT, 'src/harness/scenario/scenario.ts')));
    const [scenario] = await loadScenarios([path], folder);
    expect(scenario).toMatchObject({ name: 'two-crashes', faults: [{ target: 'leader' }, { target: 'follower' }] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('every command in it exists, with the flags it is given', () => {
  const lines = [...readme.matchAll(/(?:npx )?windtunnel ([a-z]+)([^`\n|]*)/g)].map(
    (match) => [match[1] as string, match[2] as string] as const,
  );
  const named = new Set<string>();
  for (const [name, rest] of lines) {
    const command = COMMANDS.find((each) => each.name === name);
    if (command === undefined) continue;
    named.add(name);
    const flags = [...rest.matchAll(/(--[a-z-]+)/g)].map((match) => match[1] as string);
    for (const flag of flags) {
      const spec = command.options[flag.slice(2)];
      expect(spec, `windtunnel ${name} ${flag}`).toBeDefined();
    }
    expect(() => parseInvocation(command, [])).not.toThrow();
  }
  expect([...named].sort()).toEqual(COMMANDS.map((each) => each.name).sort());
});

test('the subpaths it names are exported', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, unknown> };
  const section = /Each building block is a subpath[^]*?\n\n/.exec(readme)?.[0] ?? '';
  const subpaths = [...section.matchAll(/`(?:@windtunnel\/harness)?(\/[a-z/]+)`/g)].map((match) => `.${match[1]}`);
  expect(subpaths.length).toBeGreaterThan(10);
  for (const subpath of subpaths) expect(exports).toHaveProperty([subpath]);
});

test('the figures are those of results/baseline', async () => {
  const baseline = await readRun(join(ROOT, 'results', 'baseline'));
  expect(baseline.exit.code).toBe(0);
  // It is published, and so are no paths of the machine that it was made on.
  expect(JSON.stringify(baseline)).not.toMatch(/"\/[^"/]+\//);
  const crash = baseline.scenarios.find((scenario) => scenario.name === 'leader-crash');
  const fault = crash?.faults[0];
  expect(readme).toContain(`${fault?.kind} of ${fault?.target} (${fault?.nodes[0]})`);
  for (const observation of fault?.proof.observations ?? ['missing']) expect(readme).toContain(observation);
  const ms = (value: number | undefined) => `${Math.round(value ?? Number.NaN)}ms`;
  expect(readme).toContain(`new leader ${ms(fault?.electionMs)}, first write ${ms(fault?.firstWriteMs)}`);
  expect(readme).toContain(`longest gap between writes ${ms(fault?.longestWriteGapMs)}`);
  const median = (id: string) =>
    (baseline.microbenchmarks.find((each) => each.id === id)?.nanoseconds?.median ?? Number.NaN) / 1_000;
  expect(readme).toContain(`cost ${median('rpc/session-64-concurrent').toFixed(1)} us`);
  expect(readme).toContain(`gRPC call ${Math.round(median('rpc/unary-64-concurrent'))} us`);
});
