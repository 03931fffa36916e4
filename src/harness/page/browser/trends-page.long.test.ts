// The history as its reader has it: opened from disk in a real browser without a network.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { trendsOf } from '../../compare/trends.ts';
import { sampleRun } from '../../result/testing/sample-run.ts';
import { isThereChromium, startChromium, WITHIN } from '../testing/chromium.ts';
import { renderTrendsPage } from '../trends-page.ts';

test.skipIf(!isThereChromium)('every series is plotted, and its results are named', { timeout: 120_000 }, async () => {
  const sample = sampleRun();
  const runs = Array.from({ length: 14 }, (_, day) => {
    const run = structuredClone({ ...sample, id: `day-${day}`, startedAt: new Date(Date.UTC(2026, 0, 1 + day)).toISOString() });
    for (const { nanoseconds } of run.microbenchmarks)
      if (nanoseconds) nanoseconds.median *= (day >= 7 ? 1.5 : 1) * (1 + 0.01 * ((day * 7) % 5));
    return run;
  });
  const folder = mkdtempSync(join(tmpdir(), 'windtunnel-trends-'));
  const browser = await startChromium();
  try {
    const path = join(folder, 'history.html');
    writeFileSync(path, renderTrendsPage(trendsOf(runs, { refused: [] })));
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, offline: true })).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(pathToFileURL(path).href);
    await page.waitForSelector('html[data-charts]', WITHIN);
    const charts = await page.locator('figure.chart canvas').count();
    expect(charts).toBeGreaterThan(20);
    const first = page.locator('figure.chart').first();
    expect(await first.getAttribute('data-title')).toBe('actor/ask median');
    await first.locator('summary').click();
    await expect.poll(() => first.locator('tbody tr').count(), WITHIN).toBe(14);
    expect(await first.locator('tbody tr').first().innerText()).toMatch(/^2026-01-01 eb14d2c\s+1\.42us\s+1\.45us/);
    expect(complaints).toEqual([]);
    if (process.env['SHOT']) await page.screenshot({ path: process.env['SHOT'] });
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
