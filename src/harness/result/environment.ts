// What a run ran on. Two results are comparable only when this says so.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import * as os from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { known } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Environment } from './schema.ts';

/** A git that hangs (a lock, a network file system) must not hang the run. */
const GIT_TIMEOUT_MS = 2_000;

export interface EnvironmentOptions {
  /** The folder whose checkout is described. Default: the working directory. */
  readonly folder?: string;
  /** Default: the process's. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** The text of a file of the operating system, undefined when it cannot be read. Default: the machine's files. */
  readonly readSystemFile?: (path: string) => string | undefined;
}

/**
 * Describes this machine, this process and the checkout. What cannot be found out (no git, no checkout, no governor) is
 * absent; it never throws for that.
 */
export async function captureEnvironment(clock: Clock, options: EnvironmentOptions = {}): Promise<Environment> {
  const { folder = process.cwd(), variables = process.env, readSystemFile = readTextFile } = options;
  const governor = readSystemFile('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')?.trim();
  const git = await describeCheckout(folder, clock);
  return {
    cpuModel: os.cpus()[0]?.model.trim() || 'unknown',
    cores: os.availableParallelism(),
    architecture: process.arch,
    platform: process.platform,
    kernel: os.release(),
    nodeVersion: process.version,
    memoryBytes: usableMemory(),
    loadAverage: loadAverage(),
    hostname: os.hostname(),
    ...(governor ? { governor } : {}),
    containerised: isContainerised(readSystemFile),
    ci: isCi(variables),
    harnessVersion: harnessVersion(),
    ...(git === undefined ? {} : { git }),
  };
}

async function describeCheckout(folder: string, clock: Clock): Promise<Environment['git']> {
  const commit = await git(folder, clock, 'rev-parse', 'HEAD');
  if (commit === undefined) return undefined;
  const branch = await git(folder, clock, 'symbolic-ref', '--short', '--quiet', 'HEAD');
  // Untracked files do not count, as in `git describe --dirty`: the results themselves are such files.
  const changes = await git(folder, clock, 'status', '--porcelain', '--untracked-files=no');
  // When git cannot say that it is clean, a number must not be pinned on the commit.
  return { commit, ...(branch ? { branch } : {}), dirty: changes !== '' };
}

/** What git printed, trimmed; undefined when it failed, is missing, or was too slow. */
export async function git(folder: string, clock: Clock, ...words: readonly string[]): Promise<string | undefined> {
  const controller = new AbortController();
  const cancel = clock.schedule(GIT_TIMEOUT_MS, () => controller.abort());
  try {
    const options = { cwd: folder, signal: controller.signal, env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' } };
    return (await promisify(execFile)('git', words, options)).stdout.trim();
  } catch {
    return undefined;
  } finally {
    cancel();
  }
}

function usableMemory(): number {
  // Node answers a huge number where no limit is set.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}

function loadAverage(): Environment['loadAverage'] {
  const [one = 0, five = 0, fifteen = 0] = os.loadavg();
  return [one, five, fifteen];
}

function isContainerised(readSystemFile: (path: string) => string | undefined): boolean {
  // Docker and Podman leave a file behind; others are seen in the control group of the first process (cgroup v1 only: in v2
  // it is '/' on both sides of the wall).
  const marked = ['/.dockerenv', '/run/.containerenv'].some((path) => readSystemFile(path) !== undefined);
  return marked || /docker|kubepods|containerd|libpod|lxc/.test(readSystemFile('/proc/1/cgroup') ?? '');
}

function isCi(variables: Readonly<Record<string, string | undefined>>): boolean {
  const value = variables['CI'] ?? '';
  return value !== '' && value !== '0' && value.toLowerCase() !== 'false';
}

/** From the package.json this file belongs to, whether it runs from src/ or from dist/. */
function harnessVersion(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  const manifest = readTextFile(join(folder, 'package.json'));
  return (JSON.parse(known(manifest, `no package.json above ${import.meta.dirname}`)) as { version: string }).version;
}

function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
