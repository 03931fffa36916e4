// A real Prometheus on loopback, as the tests of dashboards ask it. It is not ours to bring along (Debian: apt-get install
// prometheus); .ci/run installs it.

import { execFile, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';

const run = promisify(execFile);

/** Why there is none to test with, or undefined when there is. */
export function prometheusMissing(): string | undefined {
  for (const program of ['prometheus', 'promtool'])
    if (spawnSync(program, ['--version']).status !== 0) return `there is no ${program} on PATH`;
  return undefined;
}

/** Runs promtool to its end; rejects with what it said when that is not 0. */
export async function promtool(...words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run('promtool', words, { maxBuffer: 1 << 26 }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`promtool ${words.join(' ')}: ${error.stdout ?? ''}${error.stderr ?? ''}`);
    },
  );
  return stdout + stderr;
}

/** What promtool has against metrics in the text format; '' when nothing. */
export function lintMetrics(text: string): string {
  return spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' }).stderr;
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

export interface Prometheus extends AsyncDisposable {
  /** Rejects with what Prometheus has against the query. */
  queryRange(
    expr: string,
    range: { readonly startSeconds: number; readonly endSeconds: number; readonly stepSeconds: number },
  ): Promise<Series[]>;
  labelValues(label: string, match: string): Promise<string[]>;
  /** Whatever the API has at a path with its parameters. */
  ask<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T>;
}

/** @param folder where its configuration and, below `data`, its blocks are. @param config its prometheus.yml. */
export async function startPrometheus(folder: string, port: number, config: string): Promise<Prometheus> {
  writeFileSync(join(folder, 'prometheus.yml'), config);
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const base = `http://127.0.0.1:${port}`;

  async function ask<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(`${base}${path}?${new URLSearchParams(parameters).toString()}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${JSON.stringify(parameters)}`);
    return answer.data;
  }

  const prometheus: Prometheus = {
    async queryRange(expr, { startSeconds, endSeconds, stepSeconds }) {
      const { result } = await ask<{ result: Series[] }>('/api/v1/query_range', {
        query: expr,
        start: String(startSeconds),
        end: String(endSeconds),
        step: String(stepSeconds),
      });
      return result;
    },
    labelValues: (label, match) => ask<string[]>(`/api/v1/label/${label}/values`, { 'match[]': match }),
    ask,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
  try {
    await vi.waitFor(
      async () => {
        if (child.exitCode !== null) throw new Error(`prometheus ended: ${said}`);
        if (!(await fetch(`${base}/-/ready`)).ok) throw new Error(`prometheus is not ready: ${said}`);
      },
      { timeout: 60_000, interval: 100 },
    );
  } catch (error) {
    await prometheus[Symbol.asyncDispose]();
    throw error;
  }
  return prometheus;
}
