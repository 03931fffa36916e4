// Where a gate keeps its checkouts and windows until it ends.

import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMPILE_CACHE = 'NODE_COMPILE_CACHE';

/**
 * Makes the folder; `cleanup` takes it away. Until then Node's compile cache of the programs that are started is in it: in the usual one
 * each gate would leave some megabytes of checkouts that nobody runs again, and HEAD would begin warmer than BASE.
 */
export async function makeGateFolder(cleanup: AsyncDisposableStack): Promise<string> {
  // Node resolves links: a folder behind one would not be the folder that the programs see.
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'windtunnel-gate-')));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const usual = process.env[COMPILE_CACHE];
  process.env[COMPILE_CACHE] = join(folder, 'compile-cache');
  cleanup.defer(() => {
    if (usual === undefined) delete process.env[COMPILE_CACHE];
    else process.env[COMPILE_CACHE] = usual;
  });
  return folder;
}
