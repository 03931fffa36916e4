// The browser that the page is tested in.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const executablePath = process.env['WINDTUNNEL_CHROMIUM'] || onPath('chromium');
if (executablePath === undefined)
  process.stderr.write(
    '\n!!! SKIPPED: the page was NOT tested in a browser: no chromium on PATH; install it or set WINDTUNNEL_CHROMIUM\n\n',
  );

export const isThereChromium = executablePath !== undefined;

/** A busy machine may be slow; what is waited for comes. */
export const WITHIN = { timeout: 20_000 };

export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
}

function onPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
