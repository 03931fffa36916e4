// Every benchmark runs tiny in every `npm test`, so that none of them rots. What this measures is thrown away.

import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { discoverSuites } from '../src/harness/micro/discover.ts';
import { runSuites } from '../src/harness/micro/runner.ts';

const FOLDER = import.meta.dirname;

const suites = await discoverSuites(FOLDER);

test('there is one suite for each file, and it has the name of the file', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  expect(suites.map(({ name }) => name)).toEqual(files.map((file) => basename(file, '.ts')).sort());
});

test('a suite is named after a folder of src/system, of src/harness, or of src', () => {
  const root = join(dirname(FOLDER), 'src');
  const folders = [root, join(root, 'system'), join(root, 'harness')].flatMap((folder) => readdirSync(folder));
  expect(suites.map(({ name }) => name).filter((name) => !folders.includes(name))).toEqual([]);
});

describe.each(suites)('$name', (suite) => {
  test('every benchmark runs, and can be run again in the same process', async () => {
    for (let round = 0; round < 2; round++) {
      const results = await runSuites([suite], { timeBudgetMs: 4 });
      expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
      expect(results.length).toBeGreaterThan(0);
      expect(new Set(results.map(({ id }) => id)).size).toBe(results.length);
    }
  });

  test('every operation answers with a value, so that its work cannot be optimised away', async () => {
    const prepared = await suite.prepare();
    try {
      for (const { name, operation } of prepared.benchmarks)
        expect([name, typeof (await operation())]).not.toEqual([name, 'undefined']);
    } finally {
      await prepared.close?.();
    }
  });
});
