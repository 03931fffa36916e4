import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listScenarios, loadScenarios } from './discover.ts';
import { ScenarioError } from './options.ts';

let folder: string;

const module = (name: string, rate = 10) => `export default {
  name: '${name}', description: 'For a test.', cluster: { nodes: 3 },
  loads: { a: { executor: 'constant-arrival-rate', workload: { kind: 'set' }, rate: ${rate}, duration: '10s', preAllocatedVUs: 1 } },
};`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windtunnel-scenarios-'));
  const files = {
    'steady.ts': module('steady'),
    'leader-crash.js': module('leader-crash'),
    'steady.d.ts': 'export default 1;',
    'steady.test.ts': 'throw new Error("tests are not scenarios");',
    'notes.md': '',
    'slow.ts': module('slow', -5),
    'misnamed.ts': module('other'),
    'broken.ts': 'throw new Error("cannot even start");',
    'empty.ts': 'export const steady = 1;',
    'package.json': '{ "type": "module" }',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});

afterAll(() => rm(folder, { recursive: true }));

describe('scenarios', () => {
  test('are the modules of the folder', async () => {
    expect(await listScenarios(folder)).toEqual(['broken', 'empty', 'leader-crash', 'misnamed', 'slow', 'steady']);
  });

  test('are loaded by name or by path, in the order given', async () => {
    const loaded = await loadScenarios(['leader-crash', join(folder, 'steady.ts')], folder);
    expect(loaded.map((scenario) => scenario.name)).toEqual(['leader-crash', 'steady']);
    expect(loaded[1]?.totalDurationMs).toBe(10_000);
  });

  test.each([
    [
      'stedy',
      "no scenario is called 'stedy'; there are broken, empty, leader-crash, misnamed, slow, steady; did you mean 'steady'?",
    ],
    ['../steady', '../steady: cannot be loaded'],
    ['slow', 'slow: loads.a.rate must be a number > 0, not -5'],
    ['misnamed', "name must be that of its file ('misnamed'), not 'other'"],
    ['broken', 'broken: cannot be loaded: cannot even start'],
    ['empty', 'empty: empty.ts must have a default export, made with defineScenario'],
  ])('%s is refused', async (name, message) => {
    await expect(loadScenarios([name], folder)).rejects.toThrow(ScenarioError);
    await expect(loadScenarios([name], folder)).rejects.toThrow(message);
  });

  test('of the same name are refused', async () => {
    await expect(loadScenarios(['steady', join(folder, 'steady.ts')], folder)).rejects.toThrow(
      "two scenarios are called 'steady'",
    );
  });

  test('a folder that is not there is named', async () => {
    await expect(listScenarios(join(folder, 'nowhere'))).rejects.toThrow('nowhere');
    await expect(loadScenarios(['steady'], join(folder, 'nowhere'))).rejects.toThrow(ScenarioError);
  });
});
