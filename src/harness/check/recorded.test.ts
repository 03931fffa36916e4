// The recorded histories of real systems with known outcome, where this machine has them: <root>/../shared/histories, or
// the folder that CHECK_HISTORIES names.
// They are not ours to copy into the project, and so never part of what CI needs.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { HistoryEvent } from '../history/event.ts';
import { openHistory } from '../history/open.ts';
import { checkFile } from './check-file.ts';
import { checkLinearizability } from './linearizability.ts';
import { pairOperations } from './operation.ts';
import { registerModel } from './register.ts';

const FOLDER = process.env['CHECK_HISTORIES'] ?? resolve(import.meta.dirname, '../../../../shared/histories');
const skipped =
  process.env['CI'] !== undefined ? 'CI is set' : existsSync(join(FOLDER, 'README.md')) ? undefined : `${FOLDER} is missing`;
if (skipped !== undefined)
  process.stderr.write(`\n!!! SKIPPED: the recorded histories of real systems were NOT checked: ${skipped}\n\n`);

/** The rows '| file | true or false |' of the README. */
function outcomes(): [file: string, verdict: 'valid' | 'violated'][] {
  if (skipped !== undefined) return [];
  const rows = readFileSync(join(FOLDER, 'README.md'), 'utf8').matchAll(/^\|\s*(\S+)\s*\|\s*(true|false)\s*\|/gm);
  return [...rows].map(([, file, linearizable]) => [file as string, linearizable === 'true' ? 'valid' : 'violated']);
}

describe.skipIf(skipped !== undefined)(`recorded histories${skipped === undefined ? '' : ` (skipped: ${skipped})`}`, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'windtunnel-recorded-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('there are some of each outcome', () => {
    const verdicts = outcomes().map(([, verdict]) => verdict);
    expect(verdicts.filter((verdict) => verdict === 'valid').length).toBeGreaterThan(10);
    expect(verdicts.filter((verdict) => verdict === 'violated').length).toBeGreaterThan(10);
  });

  test.each(outcomes())('%s is %s', async (file, verdict) => {
    const checked = await checkFile(join(FOLDER, file), { timeLimitMs: 20_000 });
    expect(checked).toMatchObject({ verdict });
  });

  const registers = outcomes().filter(([file, verdict]) => !file.startsWith('kv/') && verdict === 'valid');
  test.each(registers)(
    '%s with one read changed to what was never written is violated, with a read left out still valid',
    async (file) => {
      const { batches, initial, nilReadIsUnknown } = await openHistory(join(FOLDER, file));
      const all: HistoryEvent[] = [];
      for await (const batch of batches) all.push(...batch);
      const operations = await pairOperations(all);
      const model = registerModel({ initial, nilReadIsUnknown });
      const reads = operations.filter((operation) => operation.f === 'read' && model.role(operation) === 'required');
      const random = new Random(1);
      for (let round = 0; round < 20; round++) {
        const chosen = random.pick(reads);
        const wrong = operations.map((operation) =>
          operation === chosen ? { ...operation, output: 'never written' } : operation,
        );
        const result = await checkLinearizability(wrong, { model });
        expect(result).toMatchObject({ verdict: 'violated', explanation: { stuck: { operation: { index: chosen.index } } } });
        const fewer = operations.filter((operation) => operation !== chosen);
        expect(await checkLinearizability(fewer, { model })).toMatchObject({ verdict: 'valid' });
      }
    },
  );

  const texts = outcomes().filter(([file, verdict]) => file.startsWith('kv/') && verdict === 'valid');
  test.each(texts)('%s with the end of one answer cut off is violated', async (file) => {
    const lines = readFileSync(join(FOLDER, file), 'utf8').split('\n');
    const answers = lines.flatMap((line, at) => (/:ok, :f :get.* y"\}$/.test(line) ? [at] : []));
    const random = new Random(1);
    for (let round = 0; round < 5; round++) {
      const at = random.pick(answers);
      const path = join(folder, `${file.replace('/', '-')}-${round}`);
      writeFileSync(path, lines.map((line, index) => (index === at ? line.replace(/ y"\}$/, '"}') : line)).join('\n'));
      expect(await checkFile(path, { timeLimitMs: 20_000 })).toMatchObject({ verdict: 'violated' });
    }
  });
});
