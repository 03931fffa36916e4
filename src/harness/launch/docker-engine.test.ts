// What is taken for left behind in an engine, and in which order it goes; the engine is a list of what it has.

import type { ContainerRuntimeClient } from 'testcontainers';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { labelsOf, leftovers, oldImages } from './docker-engine.ts';

interface Container {
  readonly id: string;
  readonly labels?: Record<string, string>;
  readonly state?: string;
  readonly minutes?: number;
  readonly image?: string;
}

interface Image {
  readonly id: string;
  readonly tag?: string;
  readonly minutes?: number;
}

class FakeEngine {
  readonly removed: string[] = [];
  readonly #containers: readonly Container[];
  readonly #images: readonly Image[];

  constructor(containers: readonly Container[], images: readonly Image[] = []) {
    this.#containers = containers;
    this.#images = images;
  }

  get client(): ContainerRuntimeClient {
    const thing = (id: string) => ({ remove: () => Promise.resolve(void this.removed.push(id)) });
    const createdS = (minutes = 0) => Math.floor(systemClock.wallTime() / 1_000) - 60 * minutes;
    const dockerode = {
      // As the engine does it: of containers those with all labels that are asked for.
      listContainers: ({ filters }: { filters?: { label: string[] } }) =>
        Promise.resolve(
          this.#containers
            .filter(({ labels = {} }) => (filters?.label ?? []).every((label) => label in labels))
            .map(({ id, labels = {}, state = 'running', minutes, image = '' }) => ({
              Id: id,
              Names: [`/${id}`],
              Labels: labels,
              State: state,
              Created: createdS(minutes),
              ImageID: image,
            })),
        ),
      listNetworks: () => Promise.resolve([]),
      listVolumes: () => Promise.resolve({ Volumes: [] }),
      listImages: () =>
        Promise.resolve(
          this.#images.map(({ id, tag, minutes }) => ({ Id: id, RepoTags: tag && [tag], Created: createdS(minutes) })),
        ),
      getContainer: thing,
      getImage: thing,
    };
    return { container: { dockerode } } as unknown as ContainerRuntimeClient;
  }
}

const BUILD = { 'windtunnel.image': 'build' };
const namesOf = async (...containers: Container[]) =>
  (await leftovers(new FakeEngine(containers).client)).map(({ name }) => name);

describe('containers', () => {
  test('of a build that failed are left when they are exited and older than any build', async () => {
    expect(await namesOf({ id: 'failed', labels: BUILD, state: 'exited', minutes: 16 })).toEqual(['failed']);
    expect(await namesOf({ id: 'a-moment-ago', labels: BUILD, state: 'exited', minutes: 14 })).toEqual([]);
    expect(await namesOf({ id: 'at-work', labels: BUILD, state: 'running', minutes: 16 })).toEqual([]);
  });

  test("of our image that others have started, and others' own, are not", async () => {
    expect(await namesOf({ id: 'compose', labels: { 'windtunnel.image': '1' }, state: 'exited', minutes: 600 })).toEqual([]);
    expect(await namesOf({ id: 'foreign', state: 'exited', minutes: 600 })).toEqual([]);
  });

  test('of a harness that is gone are, those of one that runs are not', async () => {
    const mine = labelsOf('c');
    const [host] = (mine['windtunnel.harness'] ?? '').split('/');
    const gone = { ...mine, 'windtunnel.harness': `${host}/1/not-when-it-started` };
    expect(await namesOf({ id: 'mine', labels: mine }, { id: 'gone', labels: gone })).toEqual(['gone']);
  });
});

test('the image of a build that failed goes behind its container, in one cleaning', async () => {
  const image = `sha256:${'ab'.repeat(32)}`;
  const failed: Container = { id: 'failed', labels: BUILD, state: 'exited', minutes: 16, image };
  const engine = new FakeEngine([failed], [{ id: image, minutes: 16 }]);
  for (const each of [...(await leftovers(engine.client)), ...(await oldImages(engine.client, undefined))]) await each.remove();
  expect(engine.removed).toEqual(['failed', image]);
});

test('an image that a container is made of, or the current one, stays', async () => {
  const [used, current, old] = ['1', '2', '3'].map((digit) => ({
    id: `sha256:${digit.repeat(64)}`,
    tag: `windtunnel:${digit.repeat(12)}`,
  })) as [Image, Image, Image];
  const engine = new FakeEngine([{ id: 'n1', image: used.id, labels: labelsOf('c') }], [used, current, old]);
  expect((await oldImages(engine.client, current.tag)).map(({ name }) => name)).toEqual([old.tag]);
});
