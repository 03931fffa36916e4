// The image that the nodes of a cluster in containers run: built from this checkout, once for each state of it.

import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ContainerRuntimeClient, GenericContainer, ImageName } from 'testcontainers';
import { LaunchError } from './cluster.ts';
import { windtunnelProgram } from './windtunnel-program.ts';

/** What goes into the image, besides packages, which package-lock.json stands for. */
const SOURCES = ['Dockerfile', '.dockerignore', 'package.json', 'package-lock.json', '{bin,src,bench,scenarios}/**/*'];

/** What it serves on, which the Dockerfile exposes. */
export const IMAGE_PORTS = { grpc: 7_401, http: 7_404 } as const;

/** Another base than the Dockerfile's. */
const BASE_VARIABLE = 'WINDTUNNEL_BASE_IMAGE';

/**
 * The name of the image of this checkout, which is built when it is not there.
 * @param onBuild told when that begins: it takes a minute
 * @throws LaunchError
 */
export async function imageOfCheckout(engine: ContainerRuntimeClient, onBuild: (image: string) => void): Promise<string> {
  const image = nameOfCheckout();
  if (image === undefined)
    throw new LaunchError(
      'this installation has no sources to build an image from: name one with --image, built in a checkout with docker build',
    );
  const folder = checkout();
  const base = process.env[BASE_VARIABLE];
  if (await engine.image.exists(ImageName.fromString(image))) return image;
  onBuild(image);
  const builder = GenericContainer.fromDockerfile(folder).withBuildArgs({
    ...(base !== undefined && { BASE_IMAGE: base }),
  });
  await builder.build(image, { deleteOnExit: false }).catch((error: unknown) => {
    throw new LaunchError(
      `the image ${image} could not be built; 'docker build ${folder}' says why. Its base must be there or in a registry that can ` +
        `be reached: .ci/base-image makes one on this machine, ${BASE_VARIABLE} names another`,
      { cause: error },
    );
  });
  return image;
}

/** What its image is called, whether it is there or not; undefined for an installation without sources. */
export function nameOfCheckout(): string | undefined {
  const folder = checkout();
  if (!existsSync(join(folder, 'Dockerfile')) || !existsSync(join(folder, 'src'))) return undefined;
  return `windtunnel:${contentHash(folder, process.env[BASE_VARIABLE] ?? '')}`;
}

function checkout(): string {
  return dirname(dirname(windtunnelProgram()));
}

/** Equal for equal sources, committed or not. */
function contentHash(folder: string, base: string): string {
  const hash = createHash('sha256').update(base);
  const files = globSync(SOURCES, { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/\.test\.ts$|\/testing\//.test(path))
    .sort();
  for (const path of files) hash.update(`\n${path.slice(folder.length)}\n`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 12);
}
