// Files that are there whole or not at all, also when this process ends in the middle of writing one.

import { type FileHandle, open, rename, rm } from 'node:fs/promises';

/** Has `write` write a file that then takes the place of `path`. Rejects with what `write` or the file system threw; then nothing is changed. */
export async function writeWhole(path: string, write: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = await open(temporary, 'w');
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
