import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { discoverSuites, SuiteError } from './discover.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'windtunnel-discover-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const suite = (name: string) => `export default { name: '${name}', prepare: () => ({ benchmarks: [] }) };`;
const put = (name: string, text: string) => writeFile(join(folder, name), text);

test('finds the modules of the folder, sorted by the name of their suite', async () => {
  await put('b.ts', suite('alpha'));
  await put('a.ts', suite('omega'));
  await put('c.js', suite('kappa'));
  await put('bench.test.ts', 'throw new Error("a test is no suite");');
  await put('a.d.ts', 'throw new Error("a declaration is no suite");');
  await put('notes.md', 'no module');
  await mkdir(join(folder, 'peers'));
  await writeFile(join(folder, 'peers', 'x.ts'), suite('peer'));
  expect((await discoverSuites(folder)).map(({ name }) => name)).toEqual(['alpha', 'kappa', 'omega']);
});

test.each([
  ['no default export', 'export const suite = 1;', 'has no default export'],
  ['a default export of null', 'export default null;', 'has no default export'],
  ['a name that is none', "export default { name: 'My Suite' };", `not "My Suite"`],
  ['no name', 'export default {};', 'not undefined'],
  ['no prepare', "export default { name: 'x' };", "the suite 'x' has no prepare()"],
  ['code that throws', "throw new Error('at the door');", 'cannot be loaded: at the door'],
])('%s is refused with the file named', async (_, text, message) => {
  await put('bad.js', text);
  const error: unknown = await discoverSuites(folder).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SuiteError);
  expect((error as Error).message).toContain(join(folder, 'bad.js'));
  expect((error as Error).message).toContain(message);
});

test('two suites of one name are refused', async () => {
  await put('one.js', suite('same'));
  await put('two.js', suite('same'));
  await expect(discoverSuites(folder)).rejects.toThrow(/one\.js and .*two\.js both call their suite 'same'/);
});

test('a folder that is not there is refused by name', async () => {
  await expect(discoverSuites(join(folder, 'none'))).rejects.toThrow(`no folder of benchmarks at ${join(folder, 'none')}`);
});
