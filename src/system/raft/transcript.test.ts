// Replays the reviewed transcripts of testdata/. UPDATE_TRANSCRIPTS=1 rewrites what they expect: review the difference.

import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { replay } from './testing/transcript.ts';

const FOLDER = join(import.meta.dirname, 'testdata');
const files = globSync('*.txt', { cwd: FOLDER }).sort();

describe('transcripts', () => {
  test('are there', () => expect(files.length).toBeGreaterThanOrEqual(10));

  test.each(files)('%s', (file) => {
    const path = join(FOLDER, file);
    const expected = readFileSync(path, 'utf8');
    const actual = replay(expected);
    if (process.env['UPDATE_TRANSCRIPTS'] === '1') writeFileSync(path, actual);
    else expect(actual).toBe(expected);
  });

  test('an unexpected line is found', () => {
    const expected = readFileSync(join(FOLDER, 'election.txt'), 'utf8');
    const wrong = expected.replace('becomes leader', 'becomes king');
    expect(wrong).not.toBe(expected);
    expect(replay(wrong)).toBe(expected);
  });
});
