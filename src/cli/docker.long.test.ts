// Scenarios on nodes in containers, end to end: proofs and checkers as on processes, and nothing left behind, also by a harness that was
// killed. They need a Docker engine and the base image of the Dockerfile, which .ci/run makes.

import type { ContainerRuntimeClient } from 'testcontainers';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { known } from '../runtime/assert.ts';
import { dockerEngine } from '../harness/launch/docker-engine.ts';
import { scenarioFolder } from './testing/scenario-folder.ts';
import { windtunnel } from './testing/windtunnel.ts';

const TIMEOUT_MS = 300_000;
const PATIENCE = { timeout: 60_000, interval: 100 };
/** A line of progress; not the table of a run that failed, which has an "ok/s" too. */
const UNDER_LOAD = /\d+\/s .*failed \d+/;

const engine: ContainerRuntimeClient | undefined = await dockerEngine().catch(() => undefined);
if (engine === undefined)
  process.stderr.write('\n!!! SKIPPED: containers were NOT tested as a target: no Docker engine answers\n\n');

/** The control groups that the containers of clusters whose name begins so were made in. */
async function controlGroups(scenario: string): Promise<Set<string>> {
  const { dockerode } = known(engine, 'without one nothing is tested').container;
  const containers = await dockerode.listContainers({ filters: { name: [`windtunnel-${scenario}-`] } });
  const inspected = await Promise.all(containers.map(({ Id: id }) => dockerode.getContainer(id).inspect()));
  return new Set(inspected.map(({ HostConfig: { CgroupParent: group } }) => group ?? ''));
}

/** What the engine has of clusters whose name begins so. */
async function remains(scenario: string): Promise<string[]> {
  if (engine === undefined) return [];
  const { dockerode } = engine.container;
  const filters = { name: [`windtunnel-${scenario}-`] };
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    dockerode.listContainers({ all: true, filters }),
    dockerode.listNetworks({ filters }),
    dockerode.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names: [name], State: state }) => `container ${name} ${state}`),
    ...networks.map(({ Name: name }) => `network ${name}`),
    ...volumes.map(({ Name: name }) => `volume ${name}`),
  ];
}

describe.skipIf(engine === undefined)('containers as a target', () => {
  const folder = scenarioFolder('docker');
  const launch = (path: string, ...words: string[]) =>
    folder.start(['run', path, '--target', 'docker', '--results', join(folder.path, 'results'), ...words]);

  test(
    'faults of containers and of links are proven, what cannot be had is skipped with its reason, and nothing is left',
    async () => {
      const path = folder.write({
        duration: '36s',
        more: `target: { kind: 'docker', netAdmin: true }, faults: [
          { kind: 'disconnect', target: 'leader', at: '6s', duration: '5s' },
          { kind: 'partition', shape: 'isolate-leader', at: '15s', duration: '5s' },
          { kind: 'drop-packets', target: 'leader', at: '24s', duration: '5s' },
        ],`,
      });
      const run = launch(path, '--net-admin', '--cpus', '1', '--memory', '512MiB');
      const { code } = await run.ended;
      expect([0, 96, 99], run.out() + run.err()).toContain(code);
      const { scenarios } = await folder.resultOf(join(folder.path, 'results'));
      const [result] = scenarios;
      expect(result).toMatchObject({ target: 'docker' });
      expect(result?.checks.map(({ checker, verdict }) => `${checker} ${verdict}`)).toEqual(
        expect.arrayContaining(['linearizability valid', 'acknowledged-writes valid', 'raft-invariants valid']),
      );
      const proofs = Object.fromEntries(result?.faults.map(({ kind, proof }) => [kind, proof.proven]) ?? []);
      const skipped = result?.skippedFaults ?? [];
      expect(proofs).toMatchObject({ disconnect: true, partition: true });
      // An image may lack iptables.
      if (proofs['drop-packets'] === undefined) expect(skipped).toMatchObject([{ kind: 'drop-packets', reason: /iptables/ }]);
      else expect({ skipped, proven: proofs['drop-packets'] }).toEqual({ skipped: [], proven: true });
      expect(await remains(folder.scenario)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'Ctrl-C keeps what was measured and removes everything',
    async () => {
      const run = launch(folder.write({ duration: '60s' }));
      await run.printed(UNDER_LOAD);
      expect(await remains(folder.scenario)).not.toEqual([]);
      const { CgroupDriver: driver } = (await known(engine, 'it is there').container.dockerode.info()) as {
        CgroupDriver: string;
      };
      // Not all in one, which has the share of a single process.
      if (driver === 'cgroupfs') expect(await controlGroups(folder.scenario)).toEqual(new Set(['/']));
      run.child.kill('SIGINT');
      expect((await run.ended).code).toBe(105);
      expect(await remains(folder.scenario)).toEqual([]);
      expect((await folder.resultOf(join(folder.path, 'results'))).scenarios).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  test(
    'nodes end by themselves when the harness is killed, and doctor --clean removes what is left of them',
    async () => {
      const run = launch(folder.write({ duration: '60s' }));
      await run.printed(UNDER_LOAD);
      run.child.kill('SIGKILL');
      await run.ended;
      await vi.waitFor(async () => {
        const left = await remains(folder.scenario);
        expect(left.filter((line) => line.startsWith('container'))).toHaveLength(4);
        expect(left.filter((line) => line.endsWith('running'))).toEqual([]);
      }, PATIENCE);
      expect((await windtunnel('doctor')).out).toMatch(/! Docker engine .*have left .*4 containers.*doctor --clean/);
      const cleaned = await windtunnel('doctor', '--clean');
      expect(cleaned.code, cleaned.err).toBe(0);
      expect(cleaned.out).toContain(`removed the network windtunnel-${folder.scenario}-`);
      expect(await remains(folder.scenario)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'a node that needs more memory than it may have is said to be out of memory',
    async () => {
      const run = launch(folder.write({ duration: '5s' }), '--memory', '64MiB');
      const { code } = await run.ended;
      expect(code).toBe(1);
      expect(run.out().replaceAll(/\s+/g, ' ')).toContain('out of memory: its limit is too low');
      expect(await remains(folder.scenario)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
