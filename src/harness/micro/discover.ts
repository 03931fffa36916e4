// Finds the suites in a folder: every module in it, not below it, has one as its default export.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Suite } from './benchmark.ts';

/** A folder of benchmarks, or a file in it, that cannot be used. The message names it. */
export class SuiteError extends Error {
  override readonly name = 'SuiteError';
}

/**
 * The suites of `folder`, sorted by name: from its .ts files, or from its .js files where it was built. Tests, declarations
 * and folders (peers/) are left out. Throws SuiteError for a file that cannot be loaded or exports no suite, and for two
 * suites of one name.
 */
export async function discoverSuites(folder: string): Promise<Suite[]> {
  const suites = new Map<string, { suite: Suite; file: string }>();
  for (const file of await suiteFiles(folder)) {
    const suite = await loadSuite(file);
    const other = suites.get(suite.name);
    if (other !== undefined) throw new SuiteError(`${other.file} and ${file} both call their suite '${suite.name}'`);
    suites.set(suite.name, { suite, file });
  }
  return [...suites.values()].map(({ suite }) => suite).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The files of suites, sorted. @throws SuiteError when there is no such folder */
export async function suiteFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new SuiteError(`no folder of benchmarks at ${folder}`, { cause: error });
  });
  const files = entries.filter((entry) => entry.isFile() && isModule(entry.name)).map((entry) => join(folder, entry.name));
  return files.sort();
}

function isModule(name: string): boolean {
  return /\.(ts|js)$/.test(name) && !/\.(test|test-d|d)\.(ts|js)$/.test(name);
}

/** The suite that a file exports. @throws SuiteError */
export async function loadSuite(file: string): Promise<Suite> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw new SuiteError(`${file} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const suite = module.default as Partial<Suite> | undefined | null;
  if (suite === undefined || suite === null) throw new SuiteError(`${file} has no default export; it must export a Suite`);
  if (typeof suite.name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(suite.name)) {
    throw new SuiteError(`${file}: a suite's name is lower case letters, digits and '-', not ${JSON.stringify(suite.name)}`);
  }
  if (typeof suite.prepare !== 'function') throw new SuiteError(`${file}: the suite '${suite.name}' has no prepare()`);
  return suite as Suite;
}
