// `windtunnel doctor`: what this machine can do, and what would spoil a measurement on it.

import { availableParallelism, cpus, freemem, loadavg, tmpdir } from 'node:os';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { formatDuration } from '../runtime/duration.ts';
import { freshSeed, Random } from '../runtime/random.ts';
import { freePorts } from '../harness/launch/free-ports.ts';
import { EXIT } from '../harness/report/exit.ts';
import { captureEnvironment } from '../harness/result/environment.ts';
import { type Command, flag } from './command.ts';

interface Finding {
  readonly what: string;
  readonly value: string;
  /** Why that is bad for a measurement. */
  readonly warning?: string;
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Say what this machine can do, and what would spoil a measurement on it',
  arguments: '',
  options: { json: { type: 'boolean', description: 'print JSON' } },
  async run(invocation) {
    const findings = await examine();
    if (flag(invocation, 'json')) {
      process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      return EXIT.passed;
    }
    const width = Math.max(...findings.map((finding) => finding.what.length));
    for (const { what, value, warning } of findings)
      process.stdout.write(`${warning ? '!' : ' '} ${what.padEnd(width)}  ${value}${warning ? `: ${warning}` : ''}\n`);
    return EXIT.passed;
  },
};

async function examine(): Promise<Finding[]> {
  const { cpuModel, kernel, nodeVersion, governor, containerised, git } = await captureEnvironment(systemClock);
  const cores = availableParallelism();
  const load = loadavg()[0] ?? 0;
  const noise = spinNoise();
  const fsync = medianFsyncMs();
  const [port] = await freePorts(1, new Random(freshSeed()));
  return [
    {
      what: 'processor',
      value: `${cpuModel}, ${cores} of ${cpus().length} cores`,
      ...(cores < 2 && { warning: 'load generator and cluster need at least 2' }),
    },
    { what: 'kernel', value: kernel },
    { what: 'Node', value: nodeVersion },
    {
      what: 'frequency governor',
      value: governor ?? 'not visible',
      ...(governor !== undefined &&
        governor !== 'performance' && { warning: 'the clock rate changes with the load; performance keeps it' }),
    },
    { what: 'container', value: containerised ? 'yes' : 'no' },
    {
      what: 'memory free',
      value: `${Math.round(freemem() / 2 ** 20)} MiB`,
      ...(freemem() < 2 ** 30 && { warning: 'a three-node cluster wants 1 GiB' }),
    },
    {
      what: 'load average',
      value: load.toFixed(2),
      ...(load > cores / 2 && { warning: 'something else is using this machine' }),
    },
    {
      what: 'noise',
      value: `equal work took ${noise.toFixed(2)} times as long at worst (p99 / median)`,
      ...(noise > 1.5 && { warning: 'neighbours share the processor; expect wide intervals' }),
    },
    {
      what: 'fdatasync',
      value: `${formatDuration(fsync)} median`,
      ...(fsync > 10 && { warning: 'every write of the cluster waits for it' }),
    },
    { what: 'loopback', value: port === undefined ? 'no free port' : 'ports are free' },
    {
      what: 'checkout',
      value: git ? `${git.commit.slice(0, 7)}${git.dirty ? ', with uncommitted changes' : ''}` : 'none: results carry no commit',
    },
  ];
}

/** How much the duration of equal work varies: p99 over the median of 2,000 spins of about 50 us. */
function spinNoise(): number {
  const durations = Array.from({ length: 2_000 }, () => {
    const start = systemClock.now();
    let x = 0;
    for (let i = 0; i < 30_000; i++) x = (x * 31 + i) | 0;
    return systemClock.now() - start + (x === 0.5 ? 1 : 0);
  })
    .slice(200)
    .sort((a, b) => a - b);
  return (durations[Math.floor(durations.length * 0.99)] as number) / (durations[Math.floor(durations.length / 2)] as number);
}

function medianFsyncMs(): number {
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-doctor-'));
  const file = openSync(join(folder, 'probe'), 'w');
  try {
    const block = Buffer.alloc(512, 1);
    const durations = Array.from({ length: 51 }, () => {
      const start = systemClock.now();
      writeSync(file, block);
      fdatasyncSync(file);
      return systemClock.now() - start;
    }).sort((a, b) => a - b);
    return durations[25] as number;
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}
