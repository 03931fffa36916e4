import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { writeRun } from './files.ts';
import { jsonSchemaOf, PUBLISHED } from './testing/json-schema.ts';
import { sampleRun } from './testing/sample-run.ts';

const RESULTS = resolve(import.meta.dirname, '../../../results');

test.each(Object.entries(PUBLISHED))(
  'results/%s is what the schema in the code says (UPDATE_SCHEMA=1 rewrites it)',
  (name, published) => {
    const path = join(RESULTS, name);
    const text = `${JSON.stringify(jsonSchemaOf(published), null, 2)}\n`;
    if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(path, text);
    expect(readFileSync(path, 'utf8')).toBe(text);
  },
);

function validator() {
  // Formats need a package of their own; the schema says by pattern what a timestamp is.
  const ajv = new Ajv2020({ strict: true, allErrors: true, validateFormats: false });
  return ajv.compile(JSON.parse(readFileSync(join(RESULTS, 'schema.json'), 'utf8')) as object);
}

test('a written run validates against the published schema', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'windtunnel-schema-'));
  try {
    const validate = validator();
    validate(JSON.parse(await readFile(await writeRun(folder, sampleRun()), 'utf8')));
    expect(validate.errors).toBeNull();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.each([
  ['a missing field', '/environment', (run: ReturnType<typeof sampleRun>) => Reflect.deleteProperty(run.environment, 'cores')],
  [
    'an unknown field',
    '/scenarios/0',
    (run: ReturnType<typeof sampleRun>) => Object.assign(run.scenarios[0] as object, { speed: 1 }),
  ],
  ['a bad timestamp', '/startedAt', (run: ReturnType<typeof sampleRun>) => (run.startedAt = '22 November')],
  [
    'a negative count',
    '/scenarios/0/totals/ok',
    (run: ReturnType<typeof sampleRun>) => Object.assign(run.scenarios[0]?.totals as object, { ok: -1 }),
  ],
])('the published schema refuses %s', (_, path, spoil) => {
  const run = sampleRun();
  spoil(run);
  const validate = validator();
  expect(validate(run)).toBe(false);
  expect(validate.errors?.map(({ instancePath }) => instancePath)).toEqual([path]);
});
