// Recorded validations of the gate, judged again.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Validation } from '../harness/result/gate-validation.ts';
import { windtunnel } from './testing/windtunnel.ts';

const RECORDED = resolve(import.meta.dirname, '../../results/gate-validation');

describe('gate --validate --from', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'windtunnel-validation-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const [file = 'none'] = readdirSync(RECORDED);
  const recorded = JSON.parse(readFileSync(join(RECORDED, file), 'utf8')) as Validation;
  const write = (name: string, change: Partial<Validation>) =>
    writeFileSync(join(folder, name), JSON.stringify({ ...recorded, gates: [], ...change }));
  const judge = (path: string) => windtunnel('gate', '--validate', '--from', path);

  test('takes a file, or all of a folder together, and refuses to mix rules', async () => {
    write('a.json', { gates: recorded.gates.slice(0, 2) });
    write('b.json', { gates: recorded.gates.slice(2, 5) });
    writeFileSync(join(folder, 'notes.txt'), 'not one of them');
    expect((await judge(join(folder, 'b.json'))).out).toContain(' of 3 (');
    expect(await judge(folder)).toMatchObject({ code: 0, err: '', out: expect.stringContaining(' of 5 (') as string });

    write('c.json', { rule: { ...recorded.rule, changeLevel: 0.5 } });
    expect(await judge(join(folder, 'c.json'))).toMatchObject({
      code: 0,
      err: expect.stringContaining('c.json was recorded under another rule; it is judged by the one of today') as string,
    });
    const mixed = await judge(folder);
    expect([mixed.code, mixed.out]).toEqual([1, '']);
    expect(mixed.err).toContain('c.json was recorded under another rule than a.json: judge it alone');
  });

  test('what is no validation is named', async () => {
    const path = join(folder, 'd.json');
    writeFileSync(path, '{"schema":');
    expect((await judge(path)).err).toMatch(/d\.json is not JSON/);
    write('d.json', { seed: -1 });
    expect((await judge(path)).err).toMatch(/d\.json is no validation of this version: seed: /);
    expect((await judge(join(folder, 'nowhere'))).err).toMatch(/no recorded validation at .*nowhere/);
  });
});
