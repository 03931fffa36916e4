// Holds ARCHITECTURE.md's table of floors against the code: imports go only downwards, files form no cycle, every file is
// used, and what runtime/ owns (time, timers, chance) is used through it.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Folder (or file) -> floor. The longest matching prefix counts. A folder may import itself and lower floors, nothing else. */
const FLOORS: Record<string, number> = {
  'src/runtime': 0,
  'src/telemetry': 1,
  'src/system/actor': 2,
  'src/system/breaker': 2,
  'src/system/pool': 2,
  'src/system/retry': 2,
  'src/system/partial': 2,
  'src/system/raft': 2,
  'src/system/store': 2,
  'src/system/rpc': 3,
  'src/system/node': 4,
  'src/harness/scenario': 2,
  'src/harness/history': 2,
  'src/harness/result': 2,
  'src/harness/links': 2,
  'src/harness/etcd': 2,
  'src/harness/load': 3,
  'src/harness/micro': 3,
  'src/harness/faults': 3,
  'src/harness/check': 3,
  'src/harness/metrics': 4,
  'src/harness/compare': 3,
  'src/harness/report': 3,
  'src/harness/traces': 3,
  'src/harness/page': 4,
  'src/harness/launch': 4,
  'src/harness/target': 4,
  'src/harness/generate': 5,
  'src/harness/run-result.ts': 6,
  'src/harness/run-traces.ts': 6,
  'src/harness/run.ts': 7,
  'src/harness/observer-cost.ts': 8,
  'src/harness/gate': 8,
  'src/cli': 9,
  bench: 10,
  scenarios: 10,
};

/** What only runtime/ may call, and what to use instead. */
const FORBIDDEN: readonly { pattern: RegExp; instead: string }[] = [
  { pattern: /\bDate\.now\(|\bnew Date\(\)/, instead: 'Clock.wallTime() of src/runtime/clock.ts' },
  { pattern: /\bperformance\.now\(/, instead: 'Clock.now() of src/runtime/clock.ts' },
  { pattern: /\bMath\.random\(/, instead: 'Random of src/runtime/random.ts' },
  { pattern: /\bsetTimeout\(|\bsetInterval\(|timers\/promises/, instead: 'Clock.schedule() or sleep() of src/runtime/clock.ts' },
  { pattern: /\bTODO\b|\bFIXME\b|\bXXX\b/, instead: 'an issue' },
];

const files = ['src', 'bench', 'scenarios', 'dashboards'].flatMap((folder) =>
  globSync('**/*.ts', { cwd: join(ROOT, folder) }).map((file) => `${folder}/${file}`),
);
const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
const isTest = (file: string) => /\.test(-d)?\.ts$|(^|\/)testing\//.test(file);

/** Static imports and exports, dynamic imports of a literal, and worker entry points named with `new URL(..., import.meta.url)`. */
function importsOf(file: string): string[] {
  const text = sources.get(file) as string;
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^;'"]*?from\s+['"](\.[^'"]+)['"]/gms),
    ...text.matchAll(/^import\s+['"](\.[^'"]+)['"]/gm),
    ...text.matchAll(/\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/g),
    ...text.matchAll(/new URL\(\s*['"](\.[^'"]+\.ts)['"]\s*,\s*import\.meta\.url/g),
  ].map((match) => match[1] as string);
  return specifiers.map((specifier) => relative(ROOT, resolve(ROOT, dirname(file), specifier)));
}

function folderOf(file: string): string | undefined {
  return Object.keys(FLOORS)
    .filter((folder) => file === folder || file.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];
}

describe('floors', () => {
  test('every source file stands on a floor', () => {
    expect(files.filter((file) => !isTest(file) && folderOf(file) === undefined && !file.startsWith('dashboards/'))).toEqual([]);
  });

  test('imports go only downwards', () => {
    const wrong: string[] = [];
    for (const file of files.filter((file) => !isTest(file))) {
      for (const target of importsOf(file)) {
        const from = folderOf(file);
        const to = folderOf(target);
        if (from === undefined || to === undefined || from === to) continue;
        if ((FLOORS[to] as number) >= (FLOORS[from] as number)) wrong.push(`${file} imports ${target}`);
        if (from.startsWith('src/system') && to.startsWith('src/harness'))
          wrong.push(`${file}: the system never imports the harness`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('scenarios import src/harness/scenario and nothing else', () => {
    const wrong = files
      .filter((file) => file.startsWith('scenarios/') && !isTest(file))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => !target.startsWith('src/harness/scenario/'))
          .map((target) => `${file} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test('files import one another without cycles', () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file)) {
        cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
        return;
      }
      if (done.has(file) || !sources.has(file)) return;
      for (const target of importsOf(file)) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test('every file is reached from the command line, a package export, a benchmark or a scenario', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      exports?: Record<string, { source: string }>;
    };
    const roots = [
      'src/cli/main.ts',
      ...Object.values(manifest.exports ?? {}).flatMap((entry) =>
        typeof entry === 'string' ? [] : [entry.source.replace('./', '')],
      ),
      ...files.filter((file) => file.startsWith('bench/') || file.startsWith('scenarios/') || file.startsWith('dashboards/')),
      // The CLI loads its commands by name.
      ...files.filter((file) => /^src\/cli\/[^/]+\.ts$/.test(file) && !isTest(file)),
    ];
    const reached = new Set<string>();
    const visit = (file: string) => {
      if (reached.has(file) || !sources.has(file)) return;
      reached.add(file);
      importsOf(file).forEach(visit);
    };
    roots.forEach(visit);
    // What serves tests only must be used by one.
    const usedByTests = new Set(files.filter(isTest).flatMap(importsOf));
    const testOnly = (file: string) => /(^|\/)(virtual-clock|simulation|testing)\b/.test(file) && usedByTests.has(file);
    expect(files.filter((file) => !isTest(file) && !reached.has(file) && !testOnly(file))).toEqual([]);
  });

  test('what only runtime/ may call is called nowhere else', () => {
    const wrong: string[] = [];
    for (const [file, text] of sources) {
      if (file.startsWith('src/runtime/') || file === 'src/floors.test.ts') continue;
      text.split('\n').forEach((line, at) => {
        for (const { pattern, instead } of FORBIDDEN) {
          if (pattern.test(line) && !/^\s*(\/\/|\*)/.test(line)) wrong.push(`${file}:${at + 1}: ${line.trim()}: use ${instead}`);
        }
      });
    }
    expect(wrong).toEqual([]);
  });

  test('no folder that only collects leftovers, and no barrel file', () => {
    expect(
      files.filter((file) => /\/(utils|common|helpers)\/|\/(types|index|util|utils)\.ts$/.test(file) && file.startsWith('src/')),
    ).toEqual([]);
  });
});
