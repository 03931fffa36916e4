// A disk in memory that behaves as badly as a real one may: what is not synced is lost in a crash, or survives in pieces, and
// writes and syncs fail when told to.

import type { Random } from '../../../runtime/random.ts';
import type { LogFile, LogFolder } from '../log-files.ts';

/** Pieces in which unsynced bytes survive a crash or do not. */
const SECTOR_BYTES = 64;

interface SimulatedFile {
  content: Buffer;
  durable: Buffer;
  /** Whether the name itself survives. */
  nameDurable: boolean;
}

export type DiskOperation = 'append' | 'sync' | 'create' | 'sync-folder';

export class SimulatedLogFolder implements LogFolder {
  readonly #files = new Map<string, SimulatedFile>();
  /** Called before each operation; throw to let it fail. */
  beforeEach: (operation: DiskOperation) => void = () => {};
  /** How many syncs succeeded. */
  syncs = 0;

  async list(): Promise<{ name: string; size: number }[]> {
    return [...this.#files].map(([name, { content }]) => ({ name, size: content.byteLength }));
  }

  async open(name: string): Promise<LogFile> {
    return this.#fileOf(this.#find(name));
  }

  async create(name: string): Promise<LogFile> {
    this.beforeEach('create');
    if (this.#files.has(name)) throw new Error(`EEXIST: ${name}`);
    const file = { content: Buffer.alloc(0), durable: Buffer.alloc(0), nameDurable: false };
    this.#files.set(name, file);
    return this.#fileOf(file);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  async sync(): Promise<void> {
    this.beforeEach('sync-folder');
    for (const file of this.#files.values()) file.nameDurable = true;
  }

  /** The content of a file, to look at or to damage. */
  contentOf(name: string): Buffer {
    return this.#find(name).content;
  }

  setContent(name: string, content: Uint8Array): void {
    const copy = Buffer.from(content);
    this.#files.set(name, { content: copy, durable: copy, nameDurable: true });
  }

  /** What another process finds after the power failed now. */
  crash(random: Random): SimulatedLogFolder {
    const survivor = new SimulatedLogFolder();
    for (const [name, file] of this.#files) {
      if (!file.nameDurable && random.chance(0.5)) continue;
      survivor.setContent(name, survivingContent(file, random));
    }
    return survivor;
  }

  clone(): SimulatedLogFolder {
    const copy = new SimulatedLogFolder();
    for (const [name, { content }] of this.#files) copy.setContent(name, content);
    return copy;
  }

  #find(name: string): SimulatedFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`ENOENT: ${name}`);
    return file;
  }

  #fileOf(file: SimulatedFile): LogFile {
    return {
      read: async (offset, length) => Buffer.from(file.content.subarray(offset, offset + length)),
      append: async (bytes) => {
        this.beforeEach('append');
        file.content = Buffer.concat([file.content, bytes]);
      },
      truncate: async (size) => {
        file.content = file.content.subarray(0, size);
      },
      sync: async () => {
        this.beforeEach('sync');
        file.durable = file.content;
        this.syncs++;
      },
      close: async () => {},
    };
  }
}

/** The durable part is whole. Behind it each sector is there, or zeros, or the file ends before it. */
function survivingContent({ content, durable }: SimulatedFile, random: Random): Buffer {
  const survived = Buffer.from(
    content.subarray(0, random.integer(Math.min(durable.byteLength, content.byteLength), content.byteLength)),
  );
  for (let sector = Math.floor(durable.byteLength / SECTOR_BYTES); sector * SECTOR_BYTES < survived.byteLength; sector++) {
    if (random.chance(0.5)) continue;
    survived.fill(
      0,
      Math.max(sector * SECTOR_BYTES, durable.byteLength),
      Math.min((sector + 1) * SECTOR_BYTES, survived.byteLength),
    );
  }
  return survived;
}
