// Where things are: parts of this package, results, and how a path is shown.

import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder of this package: `bench` or `scenarios`, as sources or as built. */
export function packageFolder(name: 'bench' | 'scenarios'): string {
  // src/cli/folders.ts or dist/src/cli/folders.js: either way the folder is two up.
  return join(dirname(fileURLToPath(import.meta.url)), '..', '..', name);
}

/** Where results go: below the working directory, which for this repository is its root. */
export function resultsFolder(): string {
  return join(process.cwd(), 'results');
}

/** Relative to the working directory when that is shorter. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
