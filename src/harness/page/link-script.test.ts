import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linkScript } from './link-script.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-link-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function linked(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return linkScript(pathToFileURL(join(folder, Object.keys(files)[0] as string)));
}

test('modules keep their names apart, run once and see what they import, with their types gone', () => {
  const script = linked({
    'main.ts': `import { twice as double, type Kind } from './twice.ts';\nimport { names } from './names.ts';\nconst own: Kind = 20;\nnames.push(double(own) + 2);\nresult.push(...names);\n`,
    'twice.ts': `import { names } from './names.ts';\nexport type Kind = number;\nconst own = 2;\nnames.push('twice');\nexport function twice(value: number): number {\n  return value * own;\n}\n`,
    'names.ts': `export const names: unknown[] = ['first'];\n`,
  });
  const result: unknown[] = [];
  runInNewContext(script, { result });
  expect(result).toEqual(['first', 'twice', 42]);
});

test.each([
  `import everything from './other.ts';`,
  `import * as everything from './other.ts';`,
  `export default 1;`,
  `export { a } from './other.ts';`,
])('%s is refused, by the name of its module', (line) => {
  expect(() => linked({ 'main.ts': `${line}\n`, 'other.ts': 'export const a = 1;\n' })).toThrow(/main\.ts cannot be linked.*'/);
});
