// `windtunnel init FILE`: a scenario to begin with, with a comment at every option.

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../harness/report/exit.ts';
import { type Command, UsageError } from './command.ts';
import { packageFolder } from './folders.ts';
import { scenarioTemplate } from './scenario-template.ts';

/** By which a project that has installed the package imports it. */
const PACKAGE = '@windtunnel/harness/scenario';

const PACKAGE_FOLDER = packageFolder('scenarios').replace(/[\\/]scenarios$/, '');

export const init: Command = {
  name: 'init',
  summary: 'Write a commented scenario to begin with',
  arguments: 'FILE',
  options: {},
  notes: `FILE is a new module, TypeScript or JavaScript: my.scenario.ts. Nothing else is created, and nothing is overwritten.

It imports ${PACKAGE} where that is installed, and else this program's own files.

Examples:
  windtunnel init my.scenario.ts
  windtunnel run ./my.scenario.ts`,
  async run({ positionals }) {
    const [file, ...more] = positionals;
    if (file === undefined) throw new UsageError('init takes the file to write: windtunnel init my.scenario.ts');
    if (more.length > 0) throw new UsageError(`init takes one file, not also '${more.join("', '")}'`);
    const path = resolve(file);
    const text = scenarioTemplate({ name: nameOf(file), module: moduleFor(path), file });
    await create(path, file, text);
    const own = file.includes('/') ? file : `./${file}`;
    process.stdout.write(`wrote ${file}\nrun it: npx windtunnel run ${own}\n`);
    return EXIT.passed;
  },
};

/** The scenario's name: that of its file. */
function nameOf(file: string): string {
  const match = /^(.+?)(\.scenario)?\.[cm]?[jt]s$/.exec(basename(file));
  if (match === null || /\.d\.[cm]?ts$/.test(file))
    throw new UsageError(`init writes a module such as my.scenario.ts, not '${file}'`);
  const name = (match[1] ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  if (name === '') throw new UsageError(`'${file}' must have a letter or digit in its name: the scenario is called by it`);
  return name;
}

/** What the new module can import, now and here. */
function moduleFor(path: string): string {
  const own = ownModule();
  // Beside the sources they are what is meant, whether or not they have been built.
  const isCheckout = own.endsWith('.ts') && !relative(PACKAGE_FOLDER, path).startsWith('..');
  if (!isCheckout && canImport(PACKAGE, path)) return PACKAGE;
  const way = relative(dirname(path), own).split(sep).join('/');
  return way.startsWith('.') ? way : `./${way}`;
}

/** Of this very program: its source in a checkout, or as it was built. */
function ownModule(): string {
  const built = fileURLToPath(new URL('../harness/scenario/scenario.js', import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts');
}

function canImport(name: string, from: string): boolean {
  try {
    createRequire(from).resolve(name);
    return true;
  } catch {
    return false;
  }
}

async function create(path: string, file: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UsageError(`${file} exists already; init overwrites nothing: choose another name`);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new UsageError(`there is no folder ${dirname(file)} to write ${basename(file)} into`);
    throw new UsageError(`cannot write ${file}: ${message}`);
  }
}
