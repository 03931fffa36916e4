// What every page carries with it: its style, the chart library and our browser code, read once.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { entryPoint } from '../../runtime/entry-point.ts';
import { linkScript } from './link-script.ts';

export interface Assets {
  readonly style: string;
  readonly script: string;
  /** Nothing but these two may be loaded or run: a second lock on the door, should any text of a run not be escaped. */
  readonly contentSecurityPolicy: string;
}

let read: Assets | undefined;

export function pageAssets(): Assets {
  read ??= readAssets();
  return read;
}

function readAssets(): Assets {
  const library = (name: string) => readFileSync(createRequire(import.meta.url).resolve(`uplot/${name}`), 'utf8');
  const client = entryPoint(new URL('./client/main.ts', import.meta.url), import.meta.url);
  const sheet = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
  const style = [library('dist/uPlot.min.css'), sheet('./page.css'), sheet('./traces.css')].join('\n');
  // Its licence asks to be carried along.
  const script = [`/*!\n${library('LICENSE').trim()}\n*/`, library('dist/uPlot.iife.min.js'), linkScript(client)].join('\n');
  if (/<\/(?:script|style)/i.test(style + script)) throw new Error('an asset of the page would end its own element');
  return {
    style,
    script,
    contentSecurityPolicy: `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'`,
  };
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
