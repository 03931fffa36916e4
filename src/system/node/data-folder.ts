// The folder a node keeps its state in: whose it is, and that only one process uses it.

import { mkdir, open, readdir, readFile, realpath, rename, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isRunning, startTimeOf } from '../../runtime/process-identity.ts';
import { syncFolder, syncNames } from './log-files.ts';

/** The folder cannot be used. Nothing in it was changed, except that it may have been made. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  readonly code: 'other-cluster' | 'other-node' | 'not-ours' | 'in-use' | 'damaged-identity' | 'not-lost' | 'unusable';
  constructor(code: DataFolderError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  /** Lets other processes use it. Call it when everything in the folder is closed; again does nothing. */
  release(): Promise<void>;
}

export interface DataFolderOptions {
  readonly path: string;
  readonly clusterId: string;
  readonly nodeId: string;
}

const IDENTITY = 'identity.json';
const IDENTITY_DRAFT = 'identity.json.tmp';
const FORMAT = 1;

/**
 * Opens the folder of this node, or makes it (and the folders above it). Rejects with DataFolderError when it belongs to another
 * cluster or node, holds something else, is used by a process that lives, or cannot be made or read.
 */
export async function openDataFolder({ path, clusterId, nodeId }: DataFolderOptions): Promise<DataFolder> {
  const named = resolve(path);
  const use = async () => {
    const made = await mkdir(named, { recursive: true });
    if (made !== undefined) await syncNames(made, named);
    // One name for one folder, also through links.
    const folder = await realpath(named);
    const names = await readdir(folder);
    const foreign = names.filter((name) => name !== IDENTITY_DRAFT && !LOCK.test(name));
    if (foreign.length > 0 && !names.includes(IDENTITY))
      throw new DataFolderError(
        'not-ours',
        `${folder} is not a data folder of windtunnel: it has no ${IDENTITY}, but ${foreign.slice(0, 3).join(', ')}`,
      );
    const unlock = await lock(folder);
    try {
      await checkIdentity(folder, clusterId, nodeId);
    } catch (error) {
      await unlock();
      throw error;
    }
    return { path: folder, release: unlock };
  };
  try {
    return await use();
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError('unusable', `cannot use ${named} as data folder: ${(error as Error).message}`, { cause: error });
  }
}

async function checkIdentity(folder: string, clusterId: string, nodeId: string): Promise<void> {
  const file = join(folder, IDENTITY);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) {
    await writeIdentity(folder, clusterId, nodeId);
    return;
  }
  const identity = parseIdentity(text);
  if (identity === undefined)
    throw new DataFolderError('damaged-identity', `${file} is not what windtunnel writes: ${text.slice(0, 100)}`);
  if (identity.format !== FORMAT)
    throw new DataFolderError(
      'damaged-identity',
      `${file} has format ${String(identity.format)}; this program reads format ${FORMAT}`,
    );
  if (identity.clusterId !== clusterId)
    throw new DataFolderError(
      'other-cluster',
      `${folder} belongs to cluster '${identity.clusterId}', not to '${clusterId}': choose another folder`,
    );
  if (identity.nodeId !== nodeId)
    throw new DataFolderError(
      'other-node',
      `${folder} belongs to node '${identity.nodeId}' of cluster '${clusterId}', not to '${nodeId}'`,
    );
}

function parseIdentity(text: string): { format: unknown; clusterId: string; nodeId: string } | undefined {
  try {
    const { format, clusterId, nodeId } = JSON.parse(text) as Record<string, unknown>;
    return typeof clusterId === 'string' && typeof nodeId === 'string' ? { format, clusterId, nodeId } : undefined;
  } catch {
    return undefined;
  }
}

async function writeIdentity(folder: string, clusterId: string, nodeId: string): Promise<void> {
  await writeDurably(folder, IDENTITY, `${JSON.stringify({ format: FORMAT, clusterId, nodeId }, undefined, 2)}\n`);
}

/** Whole or not at all, also when the power fails: a rename replaces the name in one step. */
export async function writeDurably(folder: string, name: string, text: string): Promise<void> {
  const draft = join(folder, `${name}.tmp`);
  const handle = await open(draft, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, join(folder, name));
  await syncFolder(folder);
}

// A lock is a file whose name says which process holds it. Nobody ever removes or takes over a name of a living process, so there
// is no moment between finding a lock stale and replacing it. Whoever wants the folder first adds its own name and then looks for
// others: of two that come at the same time at least one sees the other, and at worst both give way.

const LOCK = /^lock-(\d+)-(\d+)$/;

/** Folders that this process holds: its own name cannot tell its two halves apart. */
const held = new Set<string>();

async function lock(folder: string): Promise<() => Promise<void>> {
  if (held.has(folder)) throw new DataFolderError('in-use', `${folder} is already used by this process (${process.pid})`);
  held.add(folder);
  const own = `lock-${process.pid}-${startTimeOf(process.pid) ?? 0}`;
  const unlock = async () => {
    if (held.delete(folder)) await unlink(join(folder, own)).catch(() => {});
  };
  try {
    // Not synced: after a loss of power no process is left that it could speak of.
    await (await open(join(folder, own), 'w')).close();
    for (const name of await readdir(folder)) {
      const [, pid, startTime] = LOCK.exec(name) ?? [];
      if (name === own || pid === undefined) continue;
      if (isRunning(Number(pid), Number(startTime)))
        throw new DataFolderError('in-use', `${folder} is used by process ${pid}: stop that one first, or choose another folder`);
      await unlink(join(folder, name)).catch(() => {});
    }
  } catch (error) {
    await unlock();
    throw error;
  }
  return unlock;
}
