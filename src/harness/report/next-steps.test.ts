import { expect, test } from 'vitest';
import { runAgain } from './next-steps.ts';

test.each<[command: string[], again: string]>([
  [['run', 'steady'], 'run steady --seed 7'],
  [['run', 'steady', '--duration', '15m', '--target', 'etcd', '--seed', '4'], 'run steady --duration 15m --target etcd --seed 7'],
  [['run', '--seed=4', './my.scenario.ts', '-n', '5'], 'run ./my.scenario.ts -n 5 --seed 7'],
  [['run', "./it's mine.ts"], "run './it'\\''s mine.ts' --seed 7"],
  // The scenario alone: it is not run with the microbenchmarks.
  [['bench', '--profile', 'quick'], 'run steady --seed 7'],
])('%j is repeated with its seed', (command, again) => {
  expect(runAgain({ command }, { name: 'steady', seed: 7 })).toBe(`npx windtunnel ${again}`);
});
