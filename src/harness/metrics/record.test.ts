// A record and what is exported of it: every sample of every scrape, whatever changed, was gone or was down.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { parseExposition } from './exposition.ts';
import { openMetricsOf } from './openmetrics.ts';
import { MetricsRecorder, MetricsRecordError, readMetricsRecord } from './record.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-record-'));
  path = join(folder, 'metrics.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function exported(labels: Record<string, string> = { scenario: 's' }): Promise<string[]> {
  return [...openMetricsOf([{ record: await readMetricsRecord(path), labels }])].join('').trimEnd().split('\n');
}

const samplesOf = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('#'));

test('a series stands while it does not change, ends with its target or by itself, and comes back', async () => {
  const recorder = new MetricsRecorder(path);
  const n1 = recorder.addTarget({ job: 'nodes', instance: 'n1' });
  const scrape = (atMs: number, text: string | undefined) =>
    recorder.scraped(n1, atMs, text === undefined ? undefined : { families: parseExposition(text), tookMs: 2.5 });
  scrape(1_000, '# TYPE a_total counter\n# HELP a_total As.\na_total 1\n# TYPE b gauge\nb{x="1"} 5\n');
  scrape(2_000, '# TYPE a_total counter\na_total 1\n# TYPE b gauge\nb{x="1"} 6\n');
  scrape(3_000, '# TYPE a_total counter\na_total 2 # {trace_id="t"} 0.1 3.0\n');
  scrape(4_000, undefined);
  scrape(5_000, '# TYPE a_total counter\na_total 2\n');
  await recorder.close();
  expect(await exported()).toEqual([
    '# HELP up Whether the target answered.',
    '# TYPE up gauge',
    'up{scenario="s",job="nodes",instance="n1"} 1 1.000',
    'up{scenario="s",job="nodes",instance="n1"} 1 2.000',
    'up{scenario="s",job="nodes",instance="n1"} 1 3.000',
    'up{scenario="s",job="nodes",instance="n1"} 0 4.000',
    'up{scenario="s",job="nodes",instance="n1"} 1 5.000',
    '# HELP scrape_duration_seconds How long the target took to answer.',
    '# TYPE scrape_duration_seconds gauge',
    ...[1, 2, 3, 5].map((at) => `scrape_duration_seconds{scenario="s",job="nodes",instance="n1"} 0.0025 ${at}.000`),
    '# HELP a As.',
    '# TYPE a counter',
    'a_total{scenario="s",job="nodes",instance="n1"} 1 1.000',
    'a_total{scenario="s",job="nodes",instance="n1"} 1 2.000',
    'a_total{scenario="s",job="nodes",instance="n1"} 2 3.000 # {trace_id="t"} 0.1 3.0',
    'a_total{scenario="s",job="nodes",instance="n1"} 2 5.000',
    '# HELP b ',
    '# TYPE b gauge',
    'b{x="1",scenario="s",job="nodes",instance="n1"} 5 1.000',
    'b{x="1",scenario="s",job="nodes",instance="n1"} 6 2.000',
    '# EOF',
  ]);
});

test('random scrapes of several targets come out as they went in', async () => {
  const random = new Random(4);
  const recorder = new MetricsRecorder(path);
  const targets = ['n1', 'n2', 'harness'].map((instance) => ({
    instance,
    place: recorder.addTarget({ job: 'j', instance }),
  }));
  const expected: string[] = [];
  for (let second = 1; second <= 60; second++) {
    for (const { instance, place } of targets) {
      const isUp = random.chance(0.9);
      expected.push(`up{job="j",instance="${instance}"} ${isUp ? 1 : 0} ${second}.000`);
      if (!isUp) {
        recorder.scraped(place, second * 1_000, undefined);
        continue;
      }
      expected.push(`scrape_duration_seconds{job="j",instance="${instance}"} 0.001 ${second}.000`);
      const present = Array.from({ length: 30 }, (_, at) => at).filter(() => random.chance(0.8));
      const samples = present.map((at) => ({ at, value: random.pick(['0', '1', '0.1', '+Inf', 'NaN', '1e-7', '1e+06']) }));
      const text = samples.map(({ at, value }) => `g${at % 7}{at="${at}"} ${value}\n`).join('');
      recorder.scraped(place, second * 1_000, { families: parseExposition(text), tookMs: 1 });
      for (const { at, value } of samples) {
        const shown = value === '1e+06' ? '1e+06' : value;
        expected.push(`g${at % 7}{at="${at}",job="j",instance="${instance}"} ${shown} ${second}.000`);
      }
    }
  }
  await recorder.close();
  const lines = await exported({});
  expect(samplesOf(lines).toSorted()).toEqual(expected.toSorted());
  // Families are in one piece, and every series is in the order of time.
  const families = samplesOf(lines).map((line) => line.split('{', 1)[0]);
  expect(families.filter((family, at) => family !== families[at - 1]).length).toBe(new Set(families).size);
  const lastOf = new Map<string, number>();
  for (const line of samplesOf(lines)) {
    const [, series = '', at] = /^(.*\}) \S+ (\S+)$/.exec(line) ?? [];
    expect(Number(at)).toBeGreaterThan(lastOf.get(series) ?? 0);
    lastOf.set(series, Number(at));
  }
});

test('several scenarios of a run are one text, in which every family is declared once', async () => {
  const records = [];
  for (const [at, scenario] of ['first', 'second'].entries()) {
    const file = join(folder, `${scenario}.jsonl`);
    const recorder = new MetricsRecorder(file);
    const text = `# HELP a_total As.\n# TYPE a_total counter\na_total ${at}\n${scenario} 1\n`;
    recorder.scraped(recorder.addTarget({ job: 'j', instance: 'i' }), 1_000, { families: parseExposition(text), tookMs: 1 });
    await recorder.close();
    records.push({ record: await readMetricsRecord(file), labels: { scenario } });
  }
  const lines = [...openMetricsOf(records)].join('').split('\n');
  expect(lines.filter((line) => line.startsWith('# TYPE'))).toEqual([
    '# TYPE up gauge',
    '# TYPE scrape_duration_seconds gauge',
    '# TYPE a counter',
    '# TYPE first unknown',
    '# TYPE second unknown',
  ]);
  const at = lines.indexOf('# TYPE a counter');
  expect(lines.slice(at + 1, at + 3)).toEqual([
    'a_total{scenario="first",job="j",instance="i"} 0 1.000',
    'a_total{scenario="second",job="j",instance="i"} 1 1.000',
  ]);
});

test('only what changed is written', async () => {
  const recorder = new MetricsRecorder(path);
  const target = recorder.addTarget({ job: 'j', instance: 'i' });
  const families = parseExposition(Array.from({ length: 1_000 }, (_, at) => `g{at="${at}"} ${at}\n`).join(''));
  recorder.scraped(target, 1, { families, tookMs: 1 });
  const lines = () => readFileSync(path, 'utf8').split('\n');
  for (let at = 2; at < 100; at++) recorder.scraped(target, at, { families, tookMs: 1 });
  await recorder.close();
  expect(lines().at(-2)).toBe('{"at":99,"of":0,"took":1,"changed":[]}');
  expect(samplesOf(await exported()).filter((line) => line.startsWith('g{')).length).toBe(99_000);
});

test('a clock that is set back gives no two samples of one instant', async () => {
  const recorder = new MetricsRecorder(path);
  const target = recorder.addTarget({ job: 'j', instance: 'i' });
  for (const at of [5_000, 5_000, 4_000, 5_001]) recorder.scraped(target, at, { families: parseExposition('g 1\n'), tookMs: 1 });
  await recorder.close();
  const times = samplesOf(await exported()).flatMap((line) => (line.startsWith('g{') ? [line.split(' ').at(-1)] : []));
  expect(times).toEqual(['5.000', '5.001', '5.002', '5.003']);
});

test("labels of a target's own that are called as ours are renamed, as Prometheus does", async () => {
  const recorder = new MetricsRecorder(path);
  const target = recorder.addTarget({ job: 'j', instance: 'i' });
  recorder.scraped(target, 1_000, { families: parseExposition('g{instance="x, job=\\"y\\"",run="1",other="2"} 1\n'), tookMs: 1 });
  await recorder.close();
  expect(samplesOf(await exported({ run: 'r' })).at(-1)).toBe(
    'g{exported_instance="x, job=\\"y\\"",exported_run="1",other="2",run="r",job="j",instance="i"} 1 1.000',
  );
});

test('a record that was cut off is read up to there; anything else is refused with its place', async () => {
  const recorder = new MetricsRecorder(path);
  const target = recorder.addTarget({ job: 'j', instance: 'i' });
  recorder.scraped(target, 1_000, { families: parseExposition('g 1\n'), tookMs: 1 });
  await recorder.close();
  const whole = readFileSync(path, 'utf8');
  appendFileSync(path, '{"at":2000,"of":0,"to');
  expect((await readMetricsRecord(path)).scrapes.length).toBe(1);
  writeFileSync(path, whole.replace('{"target"', '{target'));
  await expect(readMetricsRecord(path)).rejects.toThrow(`${path}:2 is not JSON`);
  writeFileSync(path, whole.replace('"version":1', '"version":9'));
  await expect(readMetricsRecord(path)).rejects.toThrow('has version 9, and this Windtunnel reads version 1');
  writeFileSync(path, '{"type":"invoke"}\n');
  await expect(readMetricsRecord(path)).rejects.toThrow(MetricsRecordError);
  writeFileSync(path, '');
  await expect(readMetricsRecord(path)).rejects.toThrow(MetricsRecordError);
});
