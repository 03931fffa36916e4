import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CheckResult } from '../result/schema.ts';
import { operationsLost } from './check-histories.ts';
import { writeViolations } from './violation-files.ts';

function check(checker: string, verdict: CheckResult['verdict'], more: Partial<CheckResult> = {}): CheckResult {
  return { checker, verdict, operations: 1_200, durationMs: 5, counts: {}, ...more };
}

test('every violation has a file of its own beside its history, and what is no violation has none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-violations-'));
  mkdirSync(join(folder, 'crash'));
  try {
    const checks = await writeViolations(
      [
        check('linearizability', 'violated', { explanation: 'violated:\n  these 2' }),
        check('bank', 'valid'),
        check('linearizability', 'violated', { explanation: 'violated:\n  those 3' }),
        check('raft-invariants', 'unknown', { reason: 'no node spoke' }),
      ],
      { folder, scenario: 'crash', seed: 7, historyFiles: ['crash/history-registers.jsonl'] },
    );
    expect(checks.map(({ explanationFile }) => explanationFile)).toEqual([
      'crash/violation-linearizability.txt',
      undefined,
      'crash/violation-linearizability-2.txt',
      undefined,
    ]);
    expect(readdirSync(join(folder, 'crash')).sort()).toEqual([
      'violation-linearizability-2.txt',
      'violation-linearizability.txt',
    ]);
    expect(readFileSync(join(folder, 'crash/violation-linearizability.txt'), 'utf8')).toBe(
      `crash, seed 7: linearizability violated, 1,200 operations

violated:
  these 2

Times are from the start of the scenario, as in run.json. Logs of the nodes lie beside this file.
To check the histories again, in the folder of run.json:
  npx windtunnel check crash/history-registers.jsonl
`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('operations lost are what the checks counted that could tell', () => {
  const told = (lost: number, verdict: CheckResult['verdict'] = 'valid') =>
    check('acknowledged-writes', verdict, { counts: { lost } });
  expect(operationsLost([])).toBeUndefined();
  expect(operationsLost([check('linearizability', 'valid', { counts: { keys: 3 } })])).toBeUndefined();
  // Nothing is missing from a final read that never came.
  expect(operationsLost([told(0, 'unknown')])).toBeUndefined();
  expect(operationsLost([told(0), check('linearizability', 'violated')])).toBe(0);
  expect(operationsLost([told(2, 'violated'), told(1, 'violated'), told(5, 'unknown')])).toBe(3);
});
