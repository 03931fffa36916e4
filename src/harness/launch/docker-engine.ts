// The Docker engine, as Testcontainers finds it (DOCKER_HOST, the socket, a rootless one), and what we have left in it.

import { hostname } from 'node:os';
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers';
import { systemClock } from '../../runtime/clock.ts';
import { isRunning, startTimeOf } from '../../runtime/process-identity.ts';
import { LaunchError } from './cluster.ts';

/** On everything that we make: the id of the cluster it is part of. */
const CLUSTER_LABEL = 'windtunnel.cluster';
/** On everything that we make: the process that made it, and removes it. */
const HARNESS_LABEL = 'windtunnel.harness';
/** On every image that the Dockerfile makes, its build stage included. */
const IMAGE_LABEL = 'windtunnel.image';

/** Its value on the build stage. What is started of the image itself, by others too, has another. */
const BUILD_STAGE = 'build';

const LONGEST_BUILD_MS = 15 * 60_000;

/** How imageOfCheckout names what it builds. */
const BUILT_HERE = /^windtunnel:[0-9a-f]{12}$/;

/** The reaper of Testcontainers, which removes what a process has left when that process is gone. */
const RYUK = 'testcontainers/ryuk:0.14.0';

/** @throws LaunchError when there is no engine. */
export async function dockerEngine(): Promise<ContainerRuntimeClient> {
  const ryuk = process.env['RYUK_CONTAINER_IMAGE'] ?? RYUK;
  // Until we know better: where the image cannot be had, Testcontainers would fail instead of going on without.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  let engine: ContainerRuntimeClient;
  try {
    engine = await getContainerRuntimeClient();
  } catch (error) {
    throw new LaunchError(
      'no Docker engine answers: start one (on Debian: apt-get install docker.io, then dockerd), or say where it is with DOCKER_HOST',
      { cause: error },
    );
  }
  if (!chosenByUser && (await engine.image.exists(ImageName.fromString(ryuk))))
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'false';
  return engine;
}

/**
 * The control group to make containers in; undefined: what the engine chooses. By its driver "cgroupfs" that is one for all containers,
 * with the share of the processor of a single process: all nodes together would have what the harness has alone. Measured on two cores
 * that were full: 89 ms at the median and 11 to 29 % of the operations failed, against 33 ms and none in a group for each. The driver
 * "systemd" weighs all containers against all that users run, and takes no other group by its path.
 */
export async function controlGroupOf({ container: { dockerode } }: ContainerRuntimeClient): Promise<string | undefined> {
  const { CgroupDriver: driver } = (await dockerode.info()) as { CgroupDriver?: string };
  return driver === 'cgroupfs' ? '/' : undefined;
}

const chosenByUser = process.env['TESTCONTAINERS_RYUK_DISABLED'] !== undefined;

export function labelsOf(clusterId: string): Record<string, string> {
  return { [CLUSTER_LABEL]: clusterId, [HARNESS_LABEL]: thisHarness() };
}

/** Something in the engine that nobody needs any more. */
export interface Leftover {
  readonly kind: 'container' | 'network' | 'volume' | 'image';
  readonly name: string;
  remove(): Promise<void>;
}

/**
 * Images of other states of this checkout, and what was left of building them: not what may still be being built. To be removed behind
 * the containers among `leftovers`, which do not hold them.
 */
export async function oldImages(
  { container: { dockerode } }: ContainerRuntimeClient,
  current: string | undefined,
): Promise<Leftover[]> {
  const [images, containers] = await Promise.all([
    dockerode.listImages({ filters: { label: [IMAGE_LABEL] } }),
    dockerode.listContainers({ all: true }),
  ]);
  return images
    .filter(({ Id: id, RepoTags: tags, Created: createdS }) => {
      const names = (tags ?? []).filter((tag) => tag !== '<none>:<none>');
      return (
        (names.length > 0 || isOlderThanBuilds(createdS)) &&
        names.every((name) => BUILT_HERE.test(name) && name !== current) &&
        !containers.some((each) => each.ImageID === id && !isLeft(each))
      );
    })
    .map(({ Id: id, RepoTags: tags }) => ({
      kind: 'image',
      name: tags?.find((tag) => BUILT_HERE.test(tag)) ?? id.slice('sha256:'.length, 19),
      remove: async () => {
        await dockerode.getImage(id).remove({ force: true });
      },
    }));
}

/** What harnesses have left that are gone, and builds that failed, in the order in which it can be removed. */
export async function leftovers({ container: { dockerode } }: ContainerRuntimeClient): Promise<Leftover[]> {
  const filters = { label: [HARNESS_LABEL] };
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    dockerode.listContainers({ all: true }),
    dockerode.listNetworks({ filters }),
    dockerode.listVolumes({ filters }),
  ]);
  const found = [
    ...containers.filter(isLeft).map(({ Id: id, Names: [name = id] }) => ({
      kind: 'container' as const,
      name: name.replace(/^\//, ''),
      remove: () => dockerode.getContainer(id).remove({ force: true, v: true }),
    })),
    ...networks
      .filter(({ Labels: labels }) => isOfGone(labels))
      .map(({ Id: id, Name: name }) => ({ kind: 'network' as const, name, remove: () => dockerode.getNetwork(id).remove() })),
    ...volumes
      .filter(({ Labels: labels }) => isOfGone(labels))
      .map(({ Name: name }) => ({ kind: 'volume' as const, name, remove: () => dockerode.getVolume(name).remove() })),
  ];
  return found.map(({ kind, name, remove }) => ({
    kind,
    name,
    remove: async () => {
      await remove();
    },
  }));
}

type ContainerInfo = Awaited<ReturnType<ContainerRuntimeClient['container']['dockerode']['listContainers']>>[number];

/** A container of a harness that is gone, or of a step of a build that failed, which keeps it. */
function isLeft({ Labels: labels, State: state, Created: createdS }: ContainerInfo): boolean {
  const isOfBuild = labels[IMAGE_LABEL] === BUILD_STAGE && state === 'exited' && isOlderThanBuilds(createdS);
  return isOfBuild || isOfGone(labels);
}

/** Whether no build can still be at it. @param createdS seconds of wall time */
function isOlderThanBuilds(createdS: number): boolean {
  return systemClock.wallTime() - createdS * 1_000 > LONGEST_BUILD_MS;
}

function isOfGone(labels: Readonly<Record<string, string>> | undefined): boolean {
  const harness = labels?.[HARNESS_LABEL];
  return harness !== undefined && isGone(harness);
}

/** Host, process id, and when the process started: ids are used again. */
function thisHarness(): string {
  return [hostname(), process.pid, startTimeOf(process.pid) ?? 0].join('/');
}

/** Of a harness on another host that uses the same engine nothing is known, so it is not gone. */
function isGone(harness: string): boolean {
  const [host, pid, start] = harness.split('/');
  return host === hostname() && !isRunning(Number(pid), Number(start));
}
