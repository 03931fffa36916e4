// What a data folder says of a disk that was lost before it: that the node must recover, or that it has. Kept for good: what the
// former disk had said must never be taken for something the new one said.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recovery } from '../raft/protocol.ts';
import { DataFolderError, writeDurably } from './data-folder.ts';

const FILE = 'recovery.json';

export interface RecoveryRecord {
  /** Undefined in the folder of a node that never lost its disk. */
  readonly recovery: Recovery | undefined;
  /** Records durably that the recovery is over. */
  finish(): Promise<void>;
}

export interface RecoveryOptions {
  readonly folder: string;
  /** Whether the node is told that it lost its disk. */
  readonly lost: boolean;
  /** Whether there is nothing in its log, not even a term. */
  readonly isNew: boolean;
  /** For a loss that is recorded now: higher than at any earlier loss. */
  readonly incarnation: number;
}

/**
 * Reads the record, or makes it, durably, for a node that is told that it lost its disk. Rejects with DataFolderError when the record
 * cannot be read, or when a node is told so that has its log.
 */
export async function openRecoveryRecord({ folder, lost, isNew, incarnation }: RecoveryOptions): Promise<RecoveryRecord> {
  let recovery = await read(join(folder, FILE));
  const write = async (record: Recovery) => {
    await writeDurably(folder, FILE, `${JSON.stringify(record)}\n`);
    recovery = record;
  };
  // A crash may have come between the making of the record and the first word of the node.
  if (lost && recovery?.over !== false) {
    if (!isNew)
      throw new DataFolderError(
        'not-lost',
        `${folder} has a log: a node that did not lose its disk is started without --recovering`,
      );
    await write({ incarnation, over: false });
  }
  return {
    get recovery() {
      return recovery;
    },
    async finish() {
      if (recovery !== undefined) await write({ ...recovery, over: true });
    },
  };
}

async function read(file: string): Promise<Recovery | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { incarnation, over } = parse(text);
  // Guessing could let a node vote that must not.
  if (!Number.isSafeInteger(incarnation) || typeof over !== 'boolean')
    throw new DataFolderError('damaged-identity', `${file} is not what windtunnel writes: ${text.slice(0, 100)}`);
  return { incarnation: incarnation as number, over };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
