import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scenarioList } from './scenario-list.ts';

let folder: string;

const LOAD = "executor: 'constant-vus', vus: 1, duration: '90s'";

function scenario(name: string, more: string, workload = "{ kind: 'set' }"): void {
  writeFileSync(
    join(folder, `${name}.ts`),
    `export default { name: '${name}', description: 'Says ${'at some length '.repeat(8)}what it teaches.',
      cluster: { nodes: 3 }, loads: { a: { ${LOAD}, workload: ${workload} } }, ${more} };`,
  );
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-list-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'a.proto'), 'syntax = "proto3"; package a; message M {} service B { rpc C(M) returns (M); }');
  scenario('plain', '');
  scenario('net', "faults: [{ kind: 'hold', target: 'n1', at: '5s', duration: '1s' }]");
  scenario(
    'mixed',
    "nemesis: { every: '9s', lasts: '1s', mix: [{ kind: 'full-disk', target: 'n1' }, { kind: 'reset', target: 'n1' }] }",
  );
  scenario(
    'attached',
    "target: { kind: 'external', endpoints: ['127.0.0.1:1'] }",
    `{ kind: 'grpc', proto: '${join(folder, 'a.proto')}', method: 'a.B/C' }`,
  );
  scenario('other', "target: { kind: 'etcd' }");
  writeFileSync(join(folder, 'halfway.ts'), 'export default {{');
  scenario('wrong', "loadz: '\\u001b[2J'");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const list = async (width: number, colour = false) => (await scenarioList(folder, { width, colour })).split('\n');

test('in a narrow terminal each is a paragraph, with what it takes and needs', async () => {
  const lines = await list(60);
  expect(lines.filter((line) => /^\S/.test(line))).toEqual([
    'attached  1m30s · needs a running target, a .proto file',
    'halfway',
    'mixed  1m30s · 3 nodes · needs links, fault control',
    'net  1m30s · 3 nodes · needs links',
    'other  1m30s · 3 nodes · needs etcd (etcd)',
    'plain  1m30s · 3 nodes',
    'wrong',
  ]);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
});

test('in a wide one it is a table', async () => {
  const lines = await list(120);
  expect(lines[0]).toMatch(/^name +lasts  nodes  needs +what it teaches$/);
  const column = lines[0]?.indexOf('what') ?? 0;
  expect(lines.find((line) => line.startsWith('mixed'))).toMatch(/^mixed +1m30s +3  links, fault control +Says at some/);
  expect(lines.find((line) => line.startsWith('plain'))?.slice(0, column)).toMatch(/^plain +1m30s +3 +$/);
  // The words stay in their column, whole.
  const words = lines
    .slice(1)
    .map((line) => line.slice(column))
    .join(' ');
  expect(words.match(/what it teaches\./g)).toHaveLength(5);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
});

test.each([60, 120])(
  'one that is broken is listed with the reason, in %d columns, and cannot disturb the terminal',
  async (width) => {
    const text = (await list(width)).join(' ').replaceAll(/ +/g, ' ');
    expect(text).toContain('broken: halfway: cannot be loaded:');
    expect(text).toContain("broken: wrong: the scenario has no option 'loadz'; did you mean 'loads'?");
    const coloured = await list(width, true);
    expect(coloured.map(stripVTControlCharacters)).toEqual(await list(width));
  },
);
