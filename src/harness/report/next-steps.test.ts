import { expect, test } from 'vitest';
import type { Run, ScenarioResult } from '../result/schema.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import { nextSteps } from './next-steps.ts';

function commandAfter(changes: Partial<ScenarioResult>): string | undefined {
  const { profile: _, ...run } = sampleRun();
  const [first] = run.scenarios as [ScenarioResult];
  const one: Run = { ...run, microbenchmarks: [], scenarios: [{ ...first, name: 'steady', seed: 7, ...changes }] };
  return nextSteps(one).at(-1)?.command;
}

test.each<[target: ScenarioResult['target'], configured: object | undefined, flags: string]>([
  ['process', { kind: 'process' }, ''],
  ['process', undefined, ''],
  ['etcd', { kind: 'etcd', binary: 'etcd' }, ' --target etcd'],
  ['etcd', { kind: 'etcd', binary: '/opt/etcd' }, ' --target etcd=/opt/etcd'],
  [
    'external',
    { kind: 'external', endpoints: ['a:1', 'b:2'], httpEndpoints: ['a:3'], protocol: 'windtunnel' },
    ' --target external --endpoint a:1 --endpoint b:2 --http-endpoint a:3',
  ],
  [
    'external',
    { kind: 'external', endpoints: ['a:1'], httpEndpoints: [], protocol: 'etcd' },
    ' --target external --protocol etcd --endpoint a:1',
  ],
])('a scenario on %s is repeated on the same target: %j', (target, configured, flags) => {
  const configuration = configured === undefined ? {} : { target: configured };
  expect(commandAfter({ target, configuration })).toBe(`npx windtunnel run steady${flags} --seed 7`);
});
