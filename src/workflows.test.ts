// The workflows cannot be run here. What can be held is that they are what GitHub reads, and that every command of ours in them exists.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bench } from './cli/bench.ts';
import { type Command, parseInvocation } from './cli/command.ts';
import { gate } from './cli/gate.ts';
import { history } from './cli/history.ts';
import { run } from './cli/run.ts';

const ROOT = resolve(import.meta.dirname, '..');
const COMMANDS: readonly Command[] = [bench, gate, history, run];

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly 'continue-on-error'?: boolean;
}

interface Job {
  readonly 'runs-on': string;
  readonly 'timeout-minutes': number;
  readonly 'continue-on-error'?: boolean;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly if?: string;
  readonly strategy?: { readonly matrix: { readonly include: readonly Readonly<Record<'part' | 'what', string>>[] } };
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflows = globSync('.github/workflows/*.yml', { cwd: ROOT })
  .sort()
  .map((path) => ({ name: basename(path, '.yml'), workflow: parse(readFileSync(join(ROOT, path), 'utf8')) as Workflow }));
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

const jobsOf = ({ jobs }: Workflow) => Object.values(jobs);
const runsOf = (workflow: Workflow) => jobsOf(workflow).flatMap(({ steps }) => steps.flatMap(({ run }) => (run ? [run] : [])));
const named = (name: string) => workflows.find((each) => each.name === name)?.workflow as Workflow;

test('there are those of the tests, of the gate and of the night', () => {
  expect(workflows.map(({ name }) => name)).toEqual(['gate', 'nightly', 'test']);
});

describe.each(workflows)('$name', ({ name, workflow }) => {
  test('is named as its file, ends by itself, and may only read unless it says so', () => {
    expect(workflow.name).toBe(name);
    expect(Object.keys(workflow.on).length).toBeGreaterThan(0);
    expect(Object.values(workflow.permissions).every((each) => each === 'read')).toBe(true);
    for (const job of jobsOf(workflow)) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      for (const step of job.steps) expect((step.uses === undefined) !== (step.run === undefined)).toBe(true);
    }
  });

  test('runs commands that exist, with flags they have', () => {
    let found = 0;
    for (const line of runsOf(workflow).flatMap((run) => run.split('\n'))) {
      for (const [, script = ''] of line.matchAll(/npm run (?:--silent )?([a-z:]+)/g)) expect(scripts).toHaveProperty([script]);
      for (const [, path = ''] of line.matchAll(/bash (\S+)/g)) expect(existsSync(join(ROOT, path))).toBe(true);
      const [, words] = /windtunnel -- ([^>]+)/.exec(line) ?? [];
      if (words === undefined) continue;
      found++;
      // What the shell works out is one word, whatever is in it.
      const argv = words
        .trim()
        .replaceAll(/"\$\(.*\)"/g, 'X')
        .split(/\s+/);
      const command = COMMANDS.find((each) => each.name === argv[0]);
      expect(command, line).toBeDefined();
      if (command) expect(() => parseInvocation(command, argv.slice(1)), line).not.toThrow();
    }
    expect(found).toBe({ gate: 1, nightly: 3, test: 0 }[name]);
  });

  test('puts nothing that a contributor names into a shell', () => {
    for (const run of runsOf(workflow)) expect(run).not.toContain('${{');
  });
});

test('the gate measures against the merge base, with the history it needs', () => {
  const { gate: job } = named('gate').jobs;
  expect(job?.steps.find(({ uses }) => uses?.startsWith('actions/checkout'))?.with).toMatchObject({ 'fetch-depth': 0 });
  const runs = job?.steps.flatMap(({ run }) => run ?? []).join('\n') ?? '';
  expect(runs).toContain('git merge-base');
  expect(runs).toContain('GITHUB_STEP_SUMMARY');
  // What each of its parts measures is put in where it says so.
  expect(runs).toContain(' $WHAT ');
  const parts = job?.strategy?.matrix.include ?? [];
  expect(parts.map(({ part }) => part)).toEqual(['benchmarks', 'clusters']);
  for (const { what } of parts) expect(() => parseInvocation(gate, ['--base', 'X', ...what.split(' ')])).not.toThrow();
  expect(job?.steps.some(({ uses, if: when }) => uses?.startsWith('actions/upload-artifact') && when === 'always()')).toBe(true);
});

test('the comment cannot fail anything, and is not tried where it is not allowed', () => {
  const { comment } = named('gate').jobs;
  expect(comment?.['continue-on-error']).toBe(true);
  expect(comment?.steps.every((step) => step['continue-on-error'] === true)).toBe(true);
  expect(comment?.if).toContain('head.repo.full_name == github.repository');
  expect(comment?.permissions).toEqual({ 'pull-requests': 'write' });
  expect(named('gate').on).not.toHaveProperty('pull_request_target');
});
