// Result folders: results/<UTC>-<commit>/run.json. Only what fits the schema is written, and only that is read.

import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { ResultError } from './error.ts';
import { layOut } from './layout.ts';
import { type Environment, type Run, runSchema, SCHEMA_VERSION } from './schema.ts';
import { writeWhole } from './whole-file.ts';

export const RUN_FILE = 'run.json';

const SHORT_COMMIT = 7;

/**
 * The name of a run: '20261122T160259Z-eb14d2c', with '-dirty' behind it when the checkout had changes, and 'unversioned'
 * for the commit outside a checkout. Names sort by time.
 * @param startedAtMs milliseconds since the Unix epoch.
 */
export function resultId(startedAtMs: number, git: Environment['git']): string {
  const utc = new Date(startedAtMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const commit = git === undefined ? 'unversioned' : git.commit.slice(0, SHORT_COMMIT);
  return `${utc.replaceAll(/[-:]/g, '')}-${commit}${git?.dirty === true ? '-dirty' : ''}`;
}

/** Makes a new folder below `root`, never an old one: a taken name gets '-2', '-3', ... The id is the folder's name. */
export async function createResultFolder(root: string, id: string): Promise<{ readonly id: string; readonly folder: string }> {
  await mkdir(root, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? id : `${id}-${attempt}`;
    const folder = join(root, name);
    try {
      await mkdir(folder);
      return { id: name, folder };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/**
 * Writes `run.json` into `folder` and returns its path. The file appears complete or not at all. Throws ResultError
 * 'not-written' when the run does not fit the schema (NaN and Infinity do not), and then writes nothing.
 */
export async function writeRun(folder: string, run: Run): Promise<string> {
  const checked = runSchema.safeParse(run);
  const path = join(folder, RUN_FILE);
  if (!checked.success) {
    throw new ResultError('not-written', `${path} was not written, the run does not fit its schema: ${problems(checked.error)}`);
  }
  // What a user configured is kept to the digit; what was measured is rounded.
  await writeWhole(path, (file) => file.writeFile(layOut(checked.data, ['configuration'])));
  return path;
}

/**
 * Reads a run. `path` is the file or its folder. Throws ResultError: missing, empty, truncated, not-json, not-a-result,
 * older-schema, newer-schema or invalid.
 */
export async function readRun(path: string): Promise<Run> {
  const file = await runFile(path);
  const value = parse(await readFile(file, 'utf8'), file);
  const { schema, schemaVersion: version } = (value ?? {}) as { schema?: unknown; schemaVersion?: unknown };
  if (typeof value !== 'object' || Array.isArray(value) || schema !== 'windtunnel-run') {
    throw new ResultError('not-a-result', `${file} is not a result of Windtunnel: it lacks "schema": "windtunnel-run"`);
  }
  if (typeof version === 'number' && version > SCHEMA_VERSION) {
    throw new ResultError(
      'newer-schema',
      `${file} has schema version ${version}, and this Windtunnel reads version ${SCHEMA_VERSION}: update Windtunnel`,
    );
  }
  if (typeof version === 'number' && version < SCHEMA_VERSION) {
    throw new ResultError(
      'older-schema',
      `${file} has schema version ${version}, and this Windtunnel reads version ${SCHEMA_VERSION}: run it again, or read it with the version that wrote it`,
    );
  }
  const checked = runSchema.safeParse(value);
  if (checked.success) return checked.data;
  throw new ResultError('invalid', `${file} does not fit its schema (was it edited?): ${problems(checked.error)}`);
}

/** The path of run.json for the path of it or of its folder. Throws ResultError 'missing'. */
async function runFile(path: string): Promise<string> {
  const candidate = await stat(path).catch((error: unknown) => {
    throw new ResultError('missing', `no result at ${path}`, { cause: error });
  });
  if (!candidate.isDirectory()) return path;
  const file = join(path, RUN_FILE);
  const inside = await stat(file).catch(() => undefined);
  if (inside === undefined)
    throw new ResultError('missing', `no ${RUN_FILE} in the folder ${path}: the run may not have finished`);
  return file;
}

function parse(text: string, file: string): unknown {
  if (text.trim() === '') throw new ResultError('empty', `${file} is empty`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = (error as SyntaxError).message.replaceAll(/\s+/g, ' ');
    if (isCutOff(text.trimEnd(), reason)) {
      throw new ResultError('truncated', `${file} is cut off after ${Buffer.byteLength(text)} bytes (${reason})`, {
        cause: error,
      });
    }
    throw new ResultError('not-json', `${file} is not JSON: ${reason}`, { cause: error });
  }
}

/** Whether V8 complains about the end of the text, and not about something in it. */
function isCutOff(text: string, reason: string): boolean {
  const position = /at position (\d+)/.exec(reason)?.[1];
  return /Unexpected end|Unterminated/.test(reason) || Number(position) >= text.length || !text.endsWith('}');
}

/** 'scenarios[0].totals.ok: ...', the first few of them. */
function problems(error: z.ZodError): string {
  const shown = error.issues.slice(0, 3).map(({ path, message }) => `${pathText(path)}: ${message}`);
  const more = error.issues.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '') || 'the whole';
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
