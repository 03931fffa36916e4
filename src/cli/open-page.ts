// Shows a file in the user's browser.

import { spawn } from 'node:child_process';
import { UsageError } from './command.ts';

/** Per platform: what opens a file with the program that the user has chosen for its kind. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/**
 * Opens `path` with $BROWSER when that is set, else with the system's opener, which goes on when this process ends.
 * Throws UsageError when there is none, or it fails at once.
 */
export async function openPage(path: string): Promise<void> {
  const browser = process.env['BROWSER'];
  const [program, ...words] = browser ? [browser] : (OPENERS[process.platform] ?? ['xdg-open']);
  const child = spawn(program, [...words, path], { stdio: 'ignore', detached: true });
  await new Promise<void>((opened, failed) => {
    child.once('spawn', opened);
    child.once('error', (error) =>
      failed(new UsageError(`cannot open a browser (${error.message}): set BROWSER to one, or open ${path} yourself`)),
    );
  });
  child.unref();
}
