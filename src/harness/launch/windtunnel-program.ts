// Where the command line is that starts nodes and links.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LaunchError } from './cluster.ts';

/** bin/windtunnel.js of the package this file belongs to; sources and dist/ lie at different depths. @throws LaunchError */
export function windtunnelProgram(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'bin', 'windtunnel.js'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new LaunchError('bin/windtunnel.js is missing from this installation');
    folder = parent;
  }
  return join(folder, 'bin', 'windtunnel.js');
}
