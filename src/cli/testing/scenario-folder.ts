// A folder for one test, a scenario in it whose name is found in the command line of every process of its cluster, and the promise
// that none of them outlives the test.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { readRun } from '../../harness/result/files.ts';
import type { Run } from '../../harness/result/schema.ts';
import { processesNaming } from '../../harness/launch/testing/processes.ts';
import { type Running, start } from './windtunnel.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };

export interface ScenarioFolder {
  /** Where it is; another one for each test. */
  readonly path: string;
  /** The name of its scenario. */
  readonly scenario: string;
  /** Writes a short scenario of registers and elements on three nodes, and gives its path. */
  write(options: ScenarioText): string;
  /** Writes a scenario of its own, and gives its path. @param text its options, without name and description. */
  writeOwn(text: string): string;
  /** `start`, and its end before that of the test. */
  start(...options: Parameters<typeof start>): Running;
  /** The only result in the folder. */
  resultOf(results: string): Promise<Run>;
}

export interface ScenarioText {
  /** How long every load lasts. Default '4s'. */
  readonly duration?: string;
  /** Default '500ms'. */
  readonly warmup?: string;
  /** Further options of the scenario, as text. */
  readonly more?: string;
}

/** To be called once in a file: it sets up and clears away around each test. */
export function scenarioFolder(prefix: string): ScenarioFolder {
  const running: Running[] = [];
  let path: string;
  let scenario: string;
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), `windtunnel-${prefix}-`));
    scenario = `s${path
      .slice(-6)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '0')}`;
  });
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    // The cluster's name is made of the scenario's, and stands in the command line of every node and of the links.
    await vi.waitFor(() => expect(processesNaming(`${scenario}-`)).toEqual([]), PATIENCE);
    rmSync(path, { recursive: true, force: true });
  });
  const writeOwn = (text: string): string => {
    const file = join(path, `${scenario}.ts`);
    writeFileSync(file, `export default { name: '${scenario}', description: 'a short one', ${text} };`);
    return file;
  };
  return {
    get path() {
      return path;
    },
    get scenario() {
      return scenario;
    },
    write: ({ duration = '4s', warmup = '500ms', more = '' }) =>
      writeOwn(
        `cluster: { nodes: 3 }, warmup: '${warmup}', recovery: '1s', operationTimeout: '10s',
          loads: {
            registers: { executor: 'constant-arrival-rate', rate: 60, duration: '${duration}', preAllocatedVUs: 10, maxVUs: 600, workload: { kind: 'registers', keys: 3 } },
            elements: { executor: 'constant-vus', vus: 2, duration: '${duration}', workload: { kind: 'set' } },
          },
          ${more}`,
      ),
    writeOwn,
    start(words, options) {
      // What a killed run leaves goes with the folder.
      const run = start(words, { ...options, env: { TMPDIR: path, ...options?.env } });
      running.push(run);
      return run;
    },
    async resultOf(results) {
      const [only = '', ...more] = readdirSync(results);
      expect(more).toEqual([]);
      return readRun(join(results, only));
    },
  };
}
