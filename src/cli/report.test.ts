import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeRun } from '../harness/result/files.ts';
import { sampleRun } from '../harness/result/testing/sample-run.ts';
import { start, windtunnel } from './testing/windtunnel.ts';

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-report-'));
  await writeRun(folder, sampleRun());
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const title = (path: string) => /<title>(.*)<\/title>/.exec(readFileSync(path, 'utf8'))?.[1];

test.each([
  ['beside the result', (at: string) => ['report', at, '--html'], 'report.html'],
  ['beside the result, named behind the flag', (at: string) => ['report', '--html', at], 'report.html'],
  ['where it is told to', (at: string) => ['report', at, '--html', join(at, 'mine.html')], 'mine.html'],
  ['where it is told to, whatever the name', (at: string) => ['report', `--html=${join(at, 'mine')}`, at], 'mine'],
])('the page is written %s', async (_, words, name) => {
  const path = join(folder, name);
  expect(await windtunnel(...words(folder))).toEqual({ code: 0, out: `${path}\n`, err: '' });
  expect(title(path)).toBe('steady, leader-crash · 20261122T160259Z-eb14d2c · Windtunnel');
});

test('a place that cannot be written to is named', async () => {
  const { code, err } = await windtunnel('report', folder, '--html', join(folder, 'no', 'such.html'));
  expect(code).toBe(1);
  expect(err).toMatch(/^windtunnel: the page was not written: .*such\.html.*\n$/);
});

test('--open shows the page that it wrote, in the browser that is set', async () => {
  const shown = join(folder, 'shown');
  const browser = join(folder, 'browser');
  writeFileSync(browser, `#!/bin/sh\necho "$1" > ${shown}.part && mv ${shown}.part ${shown}\n`);
  chmodSync(browser, 0o755);
  const run = start(['report', folder, '--open'], { env: { BROWSER: browser } });
  expect(await run.ended).toMatchObject({ code: 0 });
  // It goes on by itself.
  await expect.poll(() => existsSync(shown), { timeout: 10_000 }).toBe(true);
  expect(readFileSync(shown, 'utf8').trim()).toBe(resolve(folder, 'report.html'));
});

test('without a browser it says where the page is', async () => {
  const run = start(['report', folder, '--open'], { env: { BROWSER: '/nonexistent/browser' } });
  expect(await run.ended).toMatchObject({ code: 1 });
  expect(run.err()).toContain(`set BROWSER to one, or open ${join(folder, 'report.html')} yourself`);
});
