import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Distribution } from '../result/distribution.ts';
import { readRun } from '../result/files.ts';
import type { Run, ScenarioResult, Second } from '../result/schema.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import type { PageData } from './client/chart-data.ts';
import { fileLink } from './file-link.ts';
import { markup } from './markup.ts';
import { renderPage } from './page.ts';
import { emptyScenario, HARM, hostileRun, longRun, troubledRun } from './testing/runs.ts';
import { writePage } from './write-page.ts';

const MEGABYTE = 1_000_000;

const rendered = new WeakMap<Run, string>();
const page = (run: Run) => {
  const text = rendered.get(run) ?? renderPage(run, { isBesideResult: true });
  rendered.set(run, text);
  return text;
};
/** What a reader sees, without the assets. */
const body = (run: Run) => page(run).replaceAll(/<(script|style)\b[^]*?<\/\1>/g, '');
const words = (run: Run) =>
  body(run)
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
const dataOf = (text: string) =>
  JSON.parse(/<script type="application\/json" id="data">([^]*?)<\/script>/.exec(text)?.[1] ?? '') as PageData;
const sample = sampleRun();
const troubled = troubledRun();
const runOf = (...scenarios: ScenarioResult[]): Run => ({ ...sampleRun(), microbenchmarks: [], scenarios });

describe('what it says', () => {
  test('the four verdicts of every scenario come first', () => {
    const text = words(sample);
    for (const question of ['fast? ✓ passed all 2 thresholds held', 'explained? – partial', 'changed? – unchecked'])
      expect(text.indexOf(question)).toBeGreaterThan(0);
    expect(text.match(/correct\? ✓ valid/g)).toHaveLength(2);
    expect(text.indexOf('correct?')).toBeLessThan(text.indexOf('Over time'));
  });

  test('a violation is explained in full, and every trouble is named', () => {
    const text = body(troubled);
    expect(text).toContain(
      'process 3  |-- write 812 --|\nprocess 5                    |-- read 640 --|   &lt;- 812 was acknowledged',
    );
    const said = words(troubled);
    for (const phrase of [
      'invalid do not use the numbers of this scenario',
      'aborted not all of this scenario was run',
      'NOT PROVEN no observed effect',
      'It ended the run.',
      'fail, not applied 32',
      'info, maybe applied 23',
      'PoolClosedError: the pool is closed',
      'npx windtunnel run leader-crash --seed 4712',
    ])
      expect(said).toContain(phrase);
  });

  test('fields of newer results are shown when they are there', () => {
    const said = words(troubled);
    for (const phrase of [
      'unavailable 655ms p99 back after 3.2s',
      '2,478 due until 18.0s 55 failed (2.22%)',
      'p99 back within 20% of its baseline (12.0ms or less) 3.2s after the fault ended',
      'figures of both',
      'operations lost 2',
      'by phase code outcome count fault unavailable fail, not applied 32 32',
      'pause of n3 12.0s n3 was down',
      'Knee: 800/s: the highest step that held',
      '✗ not held: 1,600/s 1,600 1,210',
      'leader-crash/explanation.txt',
    ])
      expect(said).toContain(phrase);
    const fields =
      /^(operationsLost|errorsByPhase|skippedFaults|saturation|windowEndMs|recover.*|unavailable.*|operations|errors|overlaps|distribution)$/;
    const older = sampleRun();
    for (const part of older.scenarios.flatMap((scenario): object[] => [scenario, ...scenario.faults, ...scenario.timeline])) {
      const kept = Object.entries(part).filter(
        ([name, value]) => !fields.test(name) || (name === 'errors' && Array.isArray(value)),
      );
      for (const name of Object.keys(part)) delete (part as Record<string, unknown>)[name];
      Object.assign(part, Object.fromEntries(kept));
    }
    for (const phrase of [
      'p99 back',
      'figures of both',
      'due until',
      'Saturation',
      'operations lost',
      'skipped',
      'by phase code',
    ])
      expect(words(older)).not.toContain(phrase);
    expect(words(older)).toContain('new leader 412ms first write 655ms');
    expect(words(older)).toContain('No heat map of the response times');
    expect(words(sample)).not.toContain('No heat map');
  });
});

describe('the data of its charts', () => {
  const of = (run: Run, title: string) => dataOf(page(run)).charts.filter((chart) => chart.title === title);

  test('are the seconds of the timeline, where they lie', () => {
    const [steady, crash] = of(sample, 'Response time');
    expect(steady?.at.slice(0, 3)).toEqual([0.5, 1.5, 2.5]);
    const p99 = crash?.series.find(({ label }) => label === 'p99');
    expect(p99?.values[10]).toBe(655);
    expect(dataOf(page(sample)).groups[1]).toMatchObject({
      warmupEndS: 2,
      faults: [{ fromS: 10.004, toS: 15.03, label: 'crash of n2' }],
      leaders: [{ atS: 10.416, label: 'n3 leads term 2' }],
    });
  });

  test('are the distributions of the seconds, as a heat map whose colours reach the most frequent cell', () => {
    const [steady, crash] = dataOf(page(sample)).heatMaps;
    expect(crash).toMatchObject({ group: 1, columnS: 1, lowest: 33, highest: 58 });
    expect(crash?.at.slice(0, 2)).toEqual([0.5, 1.5]);
    expect(crash?.columns).toEqual(sample.scenarios[1]?.timeline.map(({ distribution }) => distribution));
    expect(steady?.levels.map(({ colour }) => colour)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const most = Math.max(...(steady?.columns.flat() ?? []));
    expect(steady?.levels.map(({ from }) => from)).toEqual([0, 1, 2, 3, 4, 5, 6].map((level) => Math.ceil(most ** (level / 7))));
  });

  test('have a colour for every count, however few counts there are', () => {
    const levels = (...counts: number[]) => {
      const scenario = sampleRun().scenarios[0] as ScenarioResult;
      scenario.timeline = scenario.timeline.map((second, at) => ({ ...second, distribution: [30, counts[at] ?? 1] }));
      return dataOf(page(runOf(scenario))).heatMaps[0]?.levels.map(({ from, colour }) => [from, colour]);
    };
    expect(levels(1)).toEqual([[1, 1]]);
    expect(levels(2)).toEqual([
      [1, 1],
      [2, 7],
    ]);
    expect(levels(128)).toEqual([1, 2, 4, 8, 16, 32, 64].map((from, at) => [from, at + 1]));
  });

  test('have no p99 where no second had operations enough, and say why', () => {
    const run = sampleRun();
    for (const second of run.scenarios[1]?.timeline ?? []) delete second.p99;
    expect(of(run, 'Response time')[1]?.series.map(({ label }) => label)).toEqual(['max', 'p50']);
    expect(words(run).match(/no second had the 1,000 operations that a p99 needs/g)).toHaveLength(1);
  });

  test('are percentiles of merged histograms, up to where ten samples are left', () => {
    const [, crash] = of(sample, 'Response time by percentile');
    const baseline = crash?.series.find(({ label }) => label === 'baseline');
    const measured = baseline?.values.filter((value) => value !== null) ?? [];
    // Of 4,002 samples p99.75 has ten above it.
    const last = crash?.at[measured.length - 1] ?? 0;
    expect(last).toBeLessThanOrEqual(400.2);
    expect(last * 2 ** (1 / 8)).toBeGreaterThan(400.2);
    expect(measured).toEqual([...measured].sort((a, b) => a - b));
    expect(crash?.series.map(({ label }) => label)).toEqual(['warmup', 'baseline', 'fault', 'recovery', 'after']);
  });

  test('are the steps of a ramp, over their rates', () => {
    expect(of(troubled, 'Response time by rate')).toMatchObject([
      {
        x: 'rate',
        at: [400, 800, 1_600],
        series: [{ label: 'max', values: [null, null, null] }, { values: [12, 120, 1_200] }, { values: [3, 6, 12] }],
      },
    ]);
  });

  test('hold every generator when there are several', () => {
    const [late] = of(troubled, 'How late the instrument was').slice(-1);
    expect(late?.series.map(({ label }) => label)).toEqual([
      'started late, max, generator 1',
      'started late, max, generator 2',
      'event loop late, max, generator 1',
      'event loop late, max, generator 2',
    ]);
  });

  test('of a very long run join seconds, worst latency and mean rate', () => {
    const run = runOf(...longRun().scenarios);
    const scenario = run.scenarios[1] as ScenarioResult;
    const second = scenario.timeline[0] as object;
    scenario.durationMs = 12_000_000;
    scenario.timeline = Array.from({ length: 12_000 }, (_, at) => ({
      ...second,
      atMs: at * 1_000,
      p99: at % 2 ? 50 : 10,
      ok: at % 2 ? 100 : 300,
    })) as ScenarioResult['timeline'];
    const latency = of(run, 'Response time')[1];
    expect(latency?.at).toHaveLength(6_000);
    expect(new Set(latency?.series.find(({ label }) => label === 'p99')?.values)).toEqual(new Set([50]));
    expect(new Set(of(run, 'Throughput')[1]?.series[0]?.values)).toEqual(new Set([200]));
    expect(words(run)).toContain('a point is the worst of 2 seconds');
    // The heat map has as many columns as can be told apart, each the sum of its seconds.
    const map = dataOf(page(run)).heatMaps[1];
    expect(map).toMatchObject({ columnS: 20 });
    expect(map?.columns).toHaveLength(600);
    const count = (encoded: readonly number[] = []) => Distribution.decode(encoded).counts.reduce((sum, each) => sum + each, 0);
    expect(count(map?.columns[0])).toBe(20 * count((scenario.timeline[0] as Second).distribution));
    expect(words(run)).toContain('a column is 20 seconds');
  });
});

describe('whatever the run', () => {
  const small: [string, () => Run][] = [
    ['of nothing', () => ({ ...runOf(), status: 'interrupted' as const })],
    ['of microbenchmarks alone', () => ({ ...sampleRun(), scenarios: [] })],
    ['of a scenario that never began', () => runOf(emptyScenario())],
    [
      'with a single second',
      () => runOf({ ...emptyScenario(), durationMs: 1_200, timeline: sampleRun().scenarios[0]?.timeline.slice(0, 1) ?? [] }),
    ],
  ];
  test.each(small)('a page can be made %s', (_, make) => {
    const run = make();
    const text = page(run);
    expect(text).toContain('</html>');
    expect(words(run)).not.toMatch(/undefined|NaN|Infinity|\[object/);
    for (const { at } of dataOf(text).charts) expect(at.length).toBeGreaterThan(1);
  });

  test('fifteen minutes with ninety faults stay below two megabytes, and so do the committed run and one of all scenarios', async () => {
    expect(page(longRun()).length).toBeLessThan(MEGABYTE);
    expect(page(await readRun(resolve(import.meta.dirname, '../../../results/baseline'))).length).toBeLessThan(MEGABYTE);
    const [, long] = longRun().scenarios;
    expect(page(runOf(...Array.from({ length: 6 }, () => long as ScenarioResult))).length).toBeLessThan(2 * MEGABYTE);
  });

  test('it loads nothing: no address outside itself, and a policy that forbids it', () => {
    const text = page(sample);
    expect(text).toContain('default-src &#39;none&#39;');
    expect(body(sample)).not.toMatch(/(?:src|href)="(?!#|[\w-]+\/[\w.-]+"|run\.json")/);
    expect(text.match(/<script\b/g)).toHaveLength(2);
  });

  test('no text of it becomes markup, and none ends the embedded data', () => {
    const text = page(hostileRun());
    expect(text.match(/<script\b/g)).toHaveLength(2);
    expect(text).not.toMatch(/<img|<b>&amp;/);
    expect(text.split('&lt;img src=x onerror=harmed=1&gt;').length).toBeGreaterThan(60);
    expect(JSON.stringify(dataOf(text).groups)).toContain(JSON.stringify(HARM).slice(1, -1));
  });

  test('invisible characters that reorder or hide text are gone', () => {
    const run = sampleRun();
    Object.assign(run.scenarios[0] as object, { description: 'safe\u202etxt\u0007' });
    expect(words(run)).toContain('safetxt');
  });
});

test('files are linked only from beside the result, and never outside its folder', () => {
  const linked = (path: string, isBeside = true) => markup`${fileLink(isBeside)(path)}`.text;
  expect(linked('steady/a b.jsonl')).toBe('<a href="steady/a%20b.jsonl"><code>steady/a b.jsonl</code></a>');
  for (const path of ['../x', 'a/../../x', '/etc/passwd', 'javascript:alert(1)', '\\\\host\\x', 'C:\\x'])
    expect(linked(path)).not.toContain('<a');
  expect(linked('steady/a.jsonl', false)).toBe('<code>steady/a.jsonl</code>');
});

test('it is written whole or not at all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'windtunnel-page-'));
  try {
    const path = await writePage(sampleRun(), folder);
    expect(readFileSync(path, 'utf8')).toBe(page(sample));
    expect(await readdir(folder)).toEqual(['report.html']);
    await expect(writePage(sampleRun(), folder, join(folder, 'missing', 'x.html'))).rejects.toThrow(
      /the page was not written: .*missing/,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
