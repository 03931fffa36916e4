// Puts the page of a run on disk.

import { dirname, join, resolve } from 'node:path';
import { ResultError } from '../result/error.ts';
import type { Run } from '../result/schema.ts';
import { writeWhole } from '../result/whole-file.ts';
import { renderPage } from './page.ts';
import { readSpans } from './read-spans.ts';

export const PAGE_FILE = 'report.html';

/**
 * Writes the page of `run` to `path` and returns the path; `resultFolder` is the folder of its run.json. The file appears
 * complete or not at all. Throws ResultError 'not-written' when the place cannot be written to.
 */
export async function writePage(run: Run, resultFolder: string, path = join(resultFolder, PAGE_FILE)): Promise<string> {
  const spans = await readSpans(run, resultFolder);
  const page = renderPage(run, { isBesideResult: resolve(dirname(path)) === resolve(resultFolder), spans });
  await writePageFile(path, page);
  return path;
}

/** The file appears complete or not at all. Throws ResultError 'not-written' when the place cannot be written to. */
export async function writePageFile(path: string, page: string): Promise<void> {
  try {
    await writeWhole(path, (file) => file.writeFile(page));
  } catch (error) {
    throw new ResultError('not-written', `the page was not written: ${(error as Error).message}`, { cause: error });
  }
}
