// Where a gate keeps its checkouts and windows until it ends.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../../runtime/temporary-folder.ts';

const COMPILE_CACHE = 'NODE_COMPILE_CACHE';

/**
 * Makes the folder; `cleanup` takes it away. Until then Node's compile cache of the programs that are started is in it: in the usual one
 * each gate would leave some megabytes of checkouts that nobody runs again, and HEAD would begin warmer than BASE.
 */
export function makeGateFolder(cleanup: AsyncDisposableStack): string {
  const folder = makeTemporaryFolder('gate');
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const usual = process.env[COMPILE_CACHE];
  process.env[COMPILE_CACHE] = join(folder, 'compile-cache');
  cleanup.defer(() => {
    if (usual === undefined) delete process.env[COMPILE_CACHE];
    else process.env[COMPILE_CACHE] = usual;
  });
  return folder;
}
