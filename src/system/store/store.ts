// The store of a node: one writer thread and the readers of one database file.

import { resolve } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { StoreFailedError } from './connection.ts';
import type { StatementOutcome } from './outcome.ts';
import { ProcessReader } from './reader.ts';
import type { Reader } from './reader.ts';
import type { AppliedEntry } from './state-machine.ts';
import { StoreClosedError, Writer } from './writer.ts';

/** What a pool needs to keep readers; its shape is that of the pool's manager. */
export interface ReaderManager {
  /** Starts a reader: a process of its own, 0.1 to 0.4 s. Rejects with StoreFailedError or StoreClosedError. */
  create(): Promise<Reader>;
  /** Rejects with StoreFailedError when the reader cannot be used again. */
  recycle(reader: Reader): Promise<void>;
  /** Ends the reader's process and waits for its end. Never rejects. */
  destroy(reader: Reader): Promise<void>;
}

export interface Store {
  /** The index of the last entry whose outcome `apply` has answered, or, before the first, that was found in the database. */
  readonly appliedIndex: number;
  /**
   * Applies committed entries, in order, without gaps; see StateMachine.apply. Several calls may be under way; they are applied
   * in the order of the calls. Rejects with StoreFailedError, after which the store is of no more use.
   */
  apply(entries: readonly AppliedEntry[]): Promise<StatementOutcome[]>;
  readonly readers: ReaderManager;
  /** A hash over everything applied, to compare replicas (see digestOf). */
  digest(): Promise<string>;
  /** Waits for batches under way, stops reads, and ends every thread and process. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** The database file; created when missing, in a folder that exists. */
  readonly path: string;
  readonly clock?: Clock;
  /** For known-bad nodes in tests only: see StateMachineOptions. */
  readonly forgetsWrites?: boolean;
}

/** Opens the store. Rejects with StoreFailedError when the file cannot be used; nothing is left running then. */
export async function openStore({ path, clock = systemClock, forgetsWrites = false }: StoreOptions): Promise<Store> {
  const file = resolve(path);
  const writer = await Writer.start(file, forgetsWrites);
  const live = new Set<ProcessReader>();
  let closed = false;

  const readers: ReaderManager = {
    async create() {
      if (closed) throw new StoreClosedError('the store is closed');
      return ProcessReader.start(file, clock, (reader) => {
        live.add(reader);
        void reader.exited.then(() => live.delete(reader));
      });
    },
    async recycle(reader) {
      if (!ours(reader).usable) throw new StoreFailedError('the reader was stopped: make another one');
    },
    async destroy(reader) {
      await ours(reader).end();
    },
  };

  return {
    get appliedIndex() {
      return writer.appliedIndex;
    },
    apply: (entries) => writer.apply(entries),
    readers,
    digest: () => writer.digest(),
    async close() {
      closed = true;
      await Promise.all([...[...live].map((reader) => reader.end()), writer.close()]);
    },
  };
}

function ours(reader: Reader): ProcessReader {
  if (reader instanceof ProcessReader) return reader;
  throw new StoreFailedError('this reader was not made by this store');
}
