// Folders in the temporary folder of the system, for as long as a run lasts. Who makes one takes it away. A process that is killed
// cannot, so the names say whose they are, and what is left can be told from what is in use.

import { mkdtempSync, readdirSync, realpathSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, startTimeOf } from './process-identity.ts';

const NAME = /^windtunnel-[a-z-]+-(\d+)-(\d+)-(\w*)-[A-Za-z0-9]{6}$/;

/** Containers may share a temporary folder, and have process ids of their own. */
const HOST = hostname().replaceAll(/\W/g, '_');

/** @param purpose in lower case, for who finds the folder. @returns its path, without links: Node names modules by such paths */
export function makeTemporaryFolder(purpose: string): string {
  const owner = `${process.pid}-${startTimeOf(process.pid) ?? 0}-${HOST}`;
  return realpathSync(mkdtempSync(join(tmpdir(), `windtunnel-${purpose}-${owner}-`)));
}

/** The paths of those whose process is gone. Of what another host has made nothing is known. */
export function abandonedFolders(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => {
      const [, pid, startTime, host] = NAME.exec(name) ?? [];
      return host === HOST && !isRunning(Number(pid), Number(startTime));
    })
    .map((name) => join(tmpdir(), name));
}
