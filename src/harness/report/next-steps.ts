// What to run after a run, given how it went.

import type { Run, ScenarioResult } from '../result/schema.ts';
import { EXIT } from './exit.ts';

export interface NextStep {
  readonly command: string;
  readonly why: string;
}

/** The most useful commands to follow, at most three. */
export function nextSteps(run: Run): NextStep[] {
  const steps: NextStep[] = [];
  const find = (is: (scenario: ScenarioResult) => boolean) => run.scenarios.find(is);
  const again = (scenario: ScenarioResult, why: string) => steps.push({ command: runAgain(scenario), why });
  if (run.exit.code === EXIT.interrupted)
    steps.push({ command: `npx windtunnel ${run.command.join(' ')}`, why: 'from the beginning' });
  const violated = find(({ verdicts }) => verdicts.correct === 'violated');
  if (violated !== undefined) again(violated, 'the same operations again');
  const broken = find(({ status }) => status === 'failed');
  if (broken !== undefined) again(broken, 'once the reason is gone');
  const invalid = find(
    ({ verdicts, status }) => status === 'complete' && (verdicts.fast === 'invalid' || verdicts.correct === 'unknown'),
  );
  if (invalid !== undefined) again(invalid, 'on a quieter machine, or with less load');
  const slow = find(({ verdicts }) => verdicts.fast === 'failed');
  if (slow !== undefined) again(slow, 'the same load again');
  const benchmark = run.microbenchmarks.find(({ status }) => status === 'failed');
  if (benchmark !== undefined) steps.push({ command: `npx windtunnel micro ${benchmark.id}`, why: 'only the one that failed' });
  return steps.length > 0 ? steps.slice(0, 3) : afterSuccess(run);
}

function afterSuccess(run: Run): NextStep[] {
  const last = run.scenarios.at(-1);
  const steps: NextStep[] = [];
  if (run.profile === 'quick') steps.push({ command: 'npm run bench -- --profile full', why: 'longer, with tighter intervals' });
  if (last === undefined) steps.push({ command: 'npx windtunnel bench', why: 'the standard scenarios too' });
  else steps.push({ command: runAgain(last), why: 'one scenario, the same operations' });
  return steps;
}

function runAgain(scenario: ScenarioResult): string {
  return ['npx windtunnel run', scenario.name, ...targetFlags(scenario), '--seed', scenario.seed].join(' ');
}

/** Those that aim at the same target, also when the command line had named it. */
function targetFlags({ target, configuration }: ScenarioResult): string[] {
  const aim = (configuration['target'] ?? {}) as {
    binary?: string;
    protocol?: string;
    endpoints?: string[];
    httpEndpoints?: string[];
  };
  const { binary = 'etcd', protocol, endpoints = [], httpEndpoints = [] } = aim;
  switch (target) {
    case 'etcd':
      return ['--target', binary === 'etcd' ? 'etcd' : `etcd=${binary}`];
    case 'external':
      return [
        '--target external',
        ...(protocol === 'etcd' ? ['--protocol etcd'] : []),
        ...endpoints.map((endpoint) => `--endpoint ${endpoint}`),
        ...httpEndpoints.map((endpoint) => `--http-endpoint ${endpoint}`),
      ];
    default:
      return [];
  }
}
