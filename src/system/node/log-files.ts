// The files of the log, as little of them as the log needs, so that a simulated disk can stand in for the real one.

import { mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

export interface LogFile {
  /** Bytes from `offset` on, `length` of them or as many as there are. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Writes all bytes at the end. They must not change until it resolves. Not durable yet. */
  append(bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Resolves when the content is durable. After a rejection the file must not be written again: what failed once may be reported as done. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface LogFolder {
  list(): Promise<readonly { readonly name: string; readonly size: number }[]>;
  open(name: string): Promise<LogFile>;
  /** Fails when there is such a file. */
  create(name: string): Promise<LogFile>;
  remove(name: string): Promise<void>;
  /** Makes names that were created or removed durable. */
  sync(): Promise<void>;
}

/** A folder of the file system; made, durably, when missing. */
export async function openLogFolder(path: string): Promise<LogFolder> {
  const folder = resolve(path);
  const made = await mkdir(folder, { recursive: true });
  if (made !== undefined) await syncNames(made, folder);
  return {
    async list() {
      const names = await readdir(folder);
      return Promise.all(names.map(async (name) => ({ name, size: (await stat(join(folder, name))).size })));
    },
    open: async (name) => fileOf(await open(join(folder, name), 'r+')),
    create: async (name) => fileOf(await open(join(folder, name), 'wx+')),
    remove: (name) => unlink(join(folder, name)),
    sync: () => syncFolder(folder),
  };
}

/** Makes the names of new folders durable, from the first one made down to the last: each is an entry of its parent. */
export async function syncNames(first: string, last: string): Promise<void> {
  for (let at = last; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at));
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function fileOf(handle: FileHandle): Promise<LogFile> {
  let end = (await handle.stat()).size;
  return {
    async read(offset, length) {
      const buffer = Buffer.allocUnsafeSlow(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
    async append(bytes) {
      for (let written = 0; written < bytes.byteLength;) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.byteLength - written, end);
        written += bytesWritten;
        end += bytesWritten;
      }
    },
    async truncate(size) {
      await handle.truncate(size);
      end = size;
    },
    // The size of the file is synced with its data; times are not, and need not be.
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
