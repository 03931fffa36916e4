import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { captureEnvironment } from './environment.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windtunnel-environment-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const nothing = { readSystemFile: () => undefined, variables: {} };

describe('checkout', () => {
  const git = (...words: string[]) => execFileSync('git', words, { cwd: folder, encoding: 'utf8' }).trim();

  test('commit, branch and whether it has changes', async () => {
    git('init', '--quiet', '--initial-branch', 'topic');
    await writeFile(join(folder, 'a'), '1');
    git('add', 'a');
    git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--no-gpg-sign', '-m', 'a');
    const commit = git('rev-parse', 'HEAD');
    const capture = async () => (await captureEnvironment(systemClock, { folder, ...nothing })).git;
    expect(await capture()).toEqual({ commit, branch: 'topic', dirty: false });
    await writeFile(join(folder, 'untracked'), '1');
    expect(await capture()).toEqual({ commit, branch: 'topic', dirty: false });
    await writeFile(join(folder, 'a'), '2');
    expect(await capture()).toEqual({ commit, branch: 'topic', dirty: true });
    git('checkout', '--quiet', '--detach');
    expect(await capture()).toEqual({ commit, dirty: true });
  });

  test('outside a checkout, or before its first commit, there is none', async () => {
    expect(await captureEnvironment(systemClock, { folder, ...nothing })).not.toHaveProperty('git');
    git('init', '--quiet');
    expect(await captureEnvironment(systemClock, { folder, ...nothing })).not.toHaveProperty('git');
  });
});

describe('machine', () => {
  const capture = (files: Record<string, string>, variables: Record<string, string> = {}) =>
    captureEnvironment(systemClock, { folder, readSystemFile: (path) => files[path], variables });

  test('is described from what it says about itself', async () => {
    const environment = await captureEnvironment(systemClock, { folder });
    expect(environment).toMatchObject({
      cores: availableParallelism(),
      nodeVersion: process.version,
      platform: process.platform,
      harnessVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    });
    expect(environment.memoryBytes).toBeGreaterThan(100e6);
    expect(environment.cpuModel).not.toBe('');
  });

  test('the governor is told where there is one', async () => {
    const path = '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor';
    expect((await capture({ [path]: 'performance\n' })).governor).toBe('performance');
    expect(await capture({})).not.toHaveProperty('governor');
  });

  test.each<[string, Record<string, string>, boolean]>([
    ['a bare machine', { '/proc/1/cgroup': '0::/init.scope\n' }, false],
    ['no proc', {}, false],
    ['Docker', { '/.dockerenv': '' }, true],
    ['Podman', { '/run/.containerenv': '' }, true],
    ['Kubernetes on cgroup v1', { '/proc/1/cgroup': '5:cpu:/kubepods/besteffort/pod1\n' }, true],
  ])('%s: containerised is told', async (_, files, containerised) => {
    expect((await capture(files)).containerised).toBe(containerised);
  });

  test.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
    ['', false],
  ])('CI=%s', async (CI, ci) => {
    expect((await capture({}, { CI })).ci).toBe(ci);
  });
});
