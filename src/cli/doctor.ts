// `windtunnel doctor`: what this machine can do, and what would spoil a measurement on it.

import { availableParallelism, cpus, freemem, loadavg, tmpdir } from 'node:os';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { formatDuration } from '../runtime/duration.ts';
import { freshSeed, Random } from '../runtime/random.ts';
import { abandonedFolders, makeTemporaryFolder } from '../runtime/temporary-folder.ts';
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
  options: {
    json: { type: 'boolean', description: 'print JSON' },
    clean: {
      type: 'boolean',
      description:
        'remove what killed runs and failed builds have left in the temporary folder and the Docker engine, and images of earlier states of this checkout',
    },
  },
  async run(invocation) {
    if (flag(invocation, 'clean')) return clean();
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

/** Only now: Testcontainers takes half a second to load. @throws LaunchError when there is no engine */
async function findInEngine() {
  const { dockerEngine, leftovers, oldImages } = await import('../harness/launch/docker-engine.ts');
  const { nameOfCheckout } = await import('../harness/launch/docker-image.ts');
  const engine = await dockerEngine();
  return {
    version: engine.info.containerRuntime.serverVersion,
    leftovers: await leftovers(engine),
    images: await oldImages(engine, nameOfCheckout()),
  };
}

async function clean(): Promise<number> {
  const folders = abandonedFolders().map((name) => ({
    kind: 'folder',
    name,
    remove: () => rm(name, { recursive: true, force: true }),
  }));
  const { leftovers, images } = await findInEngine().catch((error: unknown) => {
    process.stderr.write(`not looked for containers: ${(error as Error).message}\n`);
    return { leftovers: [], images: [] };
  });
  const all = [...folders, ...leftovers, ...images];
  let failed = 0;
  for (const leftover of all) {
    const what = `${leftover.kind} ${leftover.name}`;
    try {
      await leftover.remove();
      process.stdout.write(`removed the ${what}\n`);
    } catch (error) {
      failed++;
      process.stderr.write(`the ${what} could not be removed: ${(error as Error).message}\n`);
    }
  }
  if (all.length === 0) process.stdout.write('nothing was left behind\n');
  return failed === 0 ? EXIT.passed : EXIT.error;
}

async function examineEngine(): Promise<Finding> {
  const what = 'Docker engine';
  try {
    const { version, leftovers } = await findInEngine();
    const value = String(version);
    if (leftovers.length === 0) return { what, value };
    const kinds = Object.entries(Object.groupBy(leftovers, ({ kind }) => kind));
    const counts = kinds.map(([kind, some]) => `${some.length} ${kind}${some.length === 1 ? '' : 's'}`).join(', ');
    return { what, value, warning: `killed runs and failed builds have left ${counts}; windtunnel doctor --clean removes them` };
  } catch (error) {
    return { what, value: `none, so no --target docker (${(error as Error).message})` };
  }
}

function examineTemporaryFolder(): Finding {
  const finding = { what: 'temporary folder', value: tmpdir() };
  const { length } = abandonedFolders();
  if (length === 0) return finding;
  const folders = length === 1 ? 'a folder' : `${length} folders`;
  return { ...finding, warning: `killed runs have left ${folders} in it; windtunnel doctor --clean removes what they left` };
}

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
    examineTemporaryFolder(),
    await examineEngine(),
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
  const folder = makeTemporaryFolder('doctor');
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
