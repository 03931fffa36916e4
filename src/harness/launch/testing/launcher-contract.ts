// What every launcher must do, whatever its servers are and live in. One cluster of three goes through all of it, in order.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { known } from '../../../runtime/assert.ts';
import { systemClock } from '../../../runtime/clock.ts';
import { freshSeed, Random } from '../../../runtime/random.ts';
import { beginPartition } from '../../faults/partition.ts';
import { ClusterWatch } from '../cluster-watch.ts';
import type { Cluster } from '../cluster.ts';
import type { LocalClusterOptions } from '../local-cluster.ts';

export interface LauncherUnderTest {
  launch(options: LocalClusterOptions & { readonly dataFolder: string; readonly faultControl: boolean }): Promise<Cluster>;
  /** Writes a value under a new key; resolves when a majority has it. Rejects when it cannot. */
  write(cluster: Cluster, key: string): Promise<void>;
  /** Whether a node itself, asked past the links, has the key. Rejects when it does not answer, or does not know yet. */
  has(cluster: Cluster, node: string, key: string): Promise<boolean>;
  /** What asking a node that is down fails with. */
  readonly unreachable: RegExp;
  /** How a server says that it ended in good order. */
  readonly goodOrder: RegExp;
  /** Why there is no wipe, if there is none. */
  readonly cannotWipe?: RegExp;
  /** What there still is of the cluster: processes, containers, networks, volumes. */
  remains(clusterId: string): Promise<string[]>;
}

const TIMEOUT_MS = 120_000;
const PATIENCE = { timeout: 60_000, interval: 100 };

export function launcherContract(name: string, launcher: LauncherUnderTest): void {
  describe(`the contract of launchers: ${name}`, () => {
    const clusterId = `contract-${process.pid}-${name.replaceAll(/\W/g, '')}`;
    const clock = systemClock;
    let folder: string;
    let cluster: Cluster;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'windtunnel-contract-'));
      const startedMs = clock.now();
      cluster = await launcher.launch({
        clusterId,
        nodes: 3,
        dataFolder: join(folder, 'data'),
        logFolder: join(folder, 'logs'),
        clock,
        random: new Random(freshSeed()),
        links: { seed: 1 },
        faultControl: true,
      });
      await cluster.waitForLeader(PATIENCE.timeout);
      process.stdout.write(`${name}: three nodes and a leader after ${Math.round(clock.now() - startedMs)} ms\n`);
    }, TIMEOUT_MS * 2);

    afterAll(async () => {
      await cluster?.stop();
      rmSync(folder, { recursive: true, force: true });
    }, TIMEOUT_MS);

    const leader = () => known(cluster.leader(), 'it was waited for');
    const otherLeader = (than: string) =>
      vi.waitFor(() => {
        expect(cluster.leader()).toBeDefined();
        expect(cluster.leader()).not.toBe(than);
      }, PATIENCE);
    const everywhere = (key: string) =>
      vi.waitFor(async () => {
        for (const { id } of cluster.nodes) expect(await launcher.has(cluster, id, key), `${key} on ${id}`).toBe(true);
      }, PATIENCE);
    const write = (key: string) => vi.waitFor(() => launcher.write(cluster, key), PATIENCE);
    const exits = (node: string) => cluster.events.filter((event) => event.type === 'exited' && event.node === node);

    test(
      'starts every node, one of them leads, and what is written reaches all',
      async () => {
        expect(cluster.nodes.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3']);
        expect(cluster.events.filter(({ type }) => type === 'started')).toHaveLength(3);
        expect(['n1', 'n2', 'n3']).toContain(cluster.leader());
        await write('first');
        await everywhere('first');
      },
      TIMEOUT_MS,
    );

    test(
      'what a node prints is in its log',
      () => {
        for (const { id } of cluster.nodes) {
          const file = join(folder, 'logs', `${id}.log`);
          expect(existsSync(file), file).toBe(true);
          expect(readFileSync(file, 'utf8').length).toBeGreaterThan(0);
        }
      },
      TIMEOUT_MS,
    );

    test(
      'a leader that is killed is replaced, and comes back on its data',
      async () => {
        const killed = leader();
        expect(await cluster.crash(killed)).toBe('SIGKILL');
        expect(exits(killed)).toMatchObject([{ expected: true, how: 'SIGKILL' }]);
        await otherLeader(killed);
        await expect(launcher.has(cluster, killed, 'first')).rejects.toThrow(launcher.unreachable);
        await write('without it');
        await cluster.restart(killed);
        await everywhere('first');
        await everywhere('without it');
      },
      TIMEOUT_MS,
    );

    test(
      'a leader that is paused neither answers nor ends; it is replaced, and goes on when it is resumed',
      async () => {
        const paused = leader();
        expect(await cluster.isPaused(paused)).toBe(false);
        await cluster.pause(paused);
        expect(await cluster.isPaused(paused)).toBe(true);
        await expect(cluster.pause(paused)).rejects.toThrow(`node ${paused} is paused already`);
        const before = exits(paused).length;
        await otherLeader(paused);
        await cluster.resume(paused);
        expect(await cluster.isPaused(paused)).toBe(false);
        expect(exits(paused)).toHaveLength(before);
        await write('after the pause');
        await everywhere('after the pause');
      },
      TIMEOUT_MS,
    );

    test(
      'a node ends in good order when it is asked to, is killed when paused, and starts again',
      async () => {
        const node = cluster.nodes.map(({ id }) => id).find((id) => id !== cluster.leader()) as string;
        expect(await cluster.shutDown(node)).toMatch(launcher.goodOrder);
        await cluster.restart(node);
        await expect(cluster.restart(node)).rejects.toThrow(`node ${node} is running already`);
        await cluster.pause(node);
        expect(await cluster.crash(node)).toBe('SIGKILL');
        await cluster.resume(node);
        await cluster.restart(node);
        await write('after all that');
        await everywhere('after all that');
      },
      TIMEOUT_MS,
    );

    test(
      'a node whose data was deleted has it again when it has caught up',
      async () => {
        const node = cluster.nodes.map(({ id }) => id).find((id) => id !== cluster.leader()) as string;
        if (launcher.cannotWipe !== undefined) {
          await expect(cluster.wipe(node)).rejects.toThrow(launcher.cannotWipe);
          return;
        }
        expect(await cluster.wipe(node)).toBe('SIGKILL');
        await cluster.restart(node);
        await cluster.waitForRejoin(node, PATIENCE.timeout);
        await everywhere('after all that');
      },
      TIMEOUT_MS,
    );

    test(
      'a partition around the leader lets nothing through, and the others elect another one',
      async () => {
        const isolated = leader();
        const watch = new ClusterWatch(cluster.events);
        const fault = await beginPartition(
          { kind: 'partition', shape: 'isolate-leader', mode: 'hold', clients: false, target: 'leader', atMs: 0, durationMs: 1 },
          {
            clock,
            target: cluster,
            witness: { operationsSucceeded: () => 1, highestLeaderTerm: () => watch.highestLeaderTerm },
            random: new Random(1),
          },
        );
        await otherLeader(isolated);
        await write('on the other side');
        await fault.end();
        expect(fault.proof()).toMatchObject({ proven: true });
        expect(fault.proof().observations.join('\n')).toContain('not one byte passed');
        await everywhere('on the other side');
      },
      TIMEOUT_MS,
    );

    test(
      'what cannot be done is said: to a node that is down, or that there is not',
      async () => {
        const node = cluster.nodes[0]?.id as string;
        await cluster.crash(node);
        await expect(cluster.pause(node)).rejects.toThrow(`node ${node} does not run`);
        await expect(cluster.inject(node, { inject: 'full-disk' })).rejects.toThrow(/n1/);
        expect(() => cluster.crash('n9')).toThrow('no such node: n9');
      },
      TIMEOUT_MS,
    );

    test(
      'when it is stopped nothing is left',
      async () => {
        expect(await launcher.remains(clusterId)).not.toEqual([]);
        await cluster.stop();
        await vi.waitFor(async () => expect(await launcher.remains(clusterId)).toEqual([]), PATIENCE);
      },
      TIMEOUT_MS,
    );
  });
}
