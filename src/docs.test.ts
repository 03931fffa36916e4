// docs/containers.md explains what is there, all of it, and nothing else: panels, services, flags, spans, faults.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bench } from './cli/bench.ts';
import { query } from './cli/query.ts';
import { run } from './cli/run.ts';
import { listScenarios, loadScenarios } from './harness/scenario/discover.ts';
import { impossibleOn } from './harness/scenario/target-consistency.ts';
import type { ValidFault } from './harness/scenario/valid-scenario.ts';
import { SPANS } from './telemetry/catalogue.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DASHBOARDS = join(ROOT, 'dashboards/grafana/dashboards');
const page = readFileSync(join(ROOT, 'docs/containers.md'), 'utf8');

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly panels?: readonly Panel[];
}

/** The text below a heading, to the next one. */
function section(heading: string): string {
  const [, rest] = page.split(`\n${heading}\n`);
  if (rest === undefined) throw new Error(`docs/containers.md has no heading '${heading}'`);
  return rest.split(/^#/m)[0] ?? '';
}

/** The rows of a table, without its head. */
const rows = (text: string) =>
  [...text.matchAll(/^\| (.+) \|$/gm)]
    .slice(1)
    .map(([, row = '']) => row.split(' | ').map((cell) => cell.trim()))
    .filter(([first = '']) => !first.startsWith('---'));

const panelTitles = (panels: readonly Panel[]): string[] =>
  panels.flatMap(({ type, title, panels: inner = [] }) => [...(type === 'row' ? [] : [title]), ...panelTitles(inner)]);

describe('every panel of a dashboard is explained, in its order', () => {
  test.each(readdirSync(DASHBOARDS))('%s', (file) => {
    const { title, panels } = JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')) as { title: string; panels: Panel[] };
    const explained = rows(section(`### ${title.replace('Windtunnel / ', '')}`));
    expect(explained.map(([name]) => name)).toEqual(panelTitles(panels));
    expect(explained.filter(([, words = '']) => words.length < 10)).toEqual([]);
  });
});

test('the flags it gives to commands exist', async () => {
  const lines = [...page.matchAll(/windtunnel (run|bench|query)([^`\n]*)/g)];
  expect(lines.length).toBeGreaterThan(1);
  for (const [, name, rest = ''] of lines) {
    const command = [run, bench, query].find((each) => each.name === name);
    for (const [, flag = ''] of rest.matchAll(/ --([a-z-]+)/g))
      expect(command?.options, `${name} --${flag}`).toHaveProperty([flag]);
  }
  for (const [, flag = ''] of page.matchAll(/`--(target|traces|metrics-port)\b/g)) {
    expect(run.options).toHaveProperty([flag]);
    expect(bench.options).toHaveProperty([flag]);
  }
  const scenarios = await listScenarios(join(ROOT, 'scenarios'));
  for (const [, name] of page.matchAll(/WINDTUNNEL_SCENARIO=([a-z-]+)/g)) {
    expect(scenarios).toContain(name);
    const [scenario] = await loadScenarios([name as string], join(ROOT, 'scenarios'));
    expect([...(scenario?.faults ?? []), ...(scenario?.nemesis?.mix ?? [])]).toEqual([]);
  }
});

test('the spans it names are made', () => {
  const named = [...section('## What to look at').matchAll(/`((?:client|retry|rpc|raft)\.[a-z]+)`/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(SPANS).toHaveProperty([name as string]);
});

test('what each target cannot have is what it refuses', () => {
  const faults = rows(section('## Faults, and what each needs'));
  const kinds = faults.flatMap(([cell = '', ...answers]) =>
    [...cell.matchAll(/`([a-z-]+)`/g)].map(([, kind]) => [kind as ValidFault['kind'], answers] as const),
  );
  const files = readdirSync(join(ROOT, 'src/harness/faults')).map((file) => file.replace('.ts', ''));
  expect(kinds.length).toBeGreaterThan(15);
  for (const [kind, [onProcesses = '', inContainers = '', onCompose = '']] of kinds) {
    expect(files).toContain(kind);
    const refused = (target: Parameters<typeof impossibleOn>[0]) => impossibleOn(target, kind) !== undefined;
    expect(onProcesses.startsWith('no'), kind).toBe(refused({ kind: 'process' }));
    expect(inContainers.startsWith('no'), kind).toBe(refused({ kind: 'docker', netAdmin: true }));
    expect(onCompose.startsWith('no'), kind).toBe(refused({ kind: 'compose' }));
  }
});
