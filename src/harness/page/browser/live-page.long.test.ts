// The page of a run that is under way, in a real browser: it grows, and leaves alone what its reader does with it.

import { type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import type { Run, ScenarioResult } from '../../result/schema.ts';
import { sampleRun } from '../../result/testing/sample-run.ts';
import type { LiveState } from '../live-part.ts';
import { LiveServer } from '../live-server.ts';
import { isThereChromium, startChromium, WITHIN } from '../testing/chromium.ts';
import { HARM } from '../testing/runs.ts';

/** The sample run when its second scenario had gone on for some seconds. */
function after(seconds: number): { run: Run; live: LiveState } {
  const run = { ...sampleRun(), microbenchmarks: [] };
  const [steady, crash] = run.scenarios as [ScenarioResult, ScenarioResult];
  const elapsedMs = seconds * 1_000;
  const underWay: ScenarioResult = {
    ...crash,
    status: 'interrupted',
    durationMs: elapsedMs,
    timeline: crash.timeline.slice(0, seconds),
    faults: crash.faults
      .filter(({ startMs }) => startMs < elapsedMs)
      .map((fault) => ({ ...fault, endMs: Math.min(elapsedMs, fault.endMs) })),
    roles: crash.roles.filter(({ atMs }) => atMs < elapsedMs),
    errors: seconds > 11 ? crash.errors : [],
    statistics: [],
    thresholds: [],
    checks: [],
  };
  const fault = seconds > 10 && seconds < 15 ? { fault: 'crash leader' } : {};
  const phase = seconds <= 10 ? 'baseline' : seconds < 15 ? 'fault' : 'recovery';
  return {
    run: { ...run, scenarios: [steady, underWay] },
    live: { kind: 'running', step: 'leader-crash', load: { elapsedMs, totalMs: 25_000, phase, ...fault }, isUnderWay: true },
  };
}

describe.skipIf(!isThereChromium)('the page of a run under way', { timeout: 120_000 }, () => {
  let browser: Browser;
  let page: Page;
  let server: LiveServer;
  let complaints: string[];
  let now: ReturnType<typeof after>;

  beforeAll(async () => {
    browser = await startChromium();
  });
  afterEach(async () => {
    await page.context().close();
    server.close();
    expect(complaints).toEqual([]);
  });
  afterAll(() => browser?.close());

  async function open(seconds: number): Promise<void> {
    now = after(seconds);
    server = await LiveServer.open(0, systemClock);
    server.show(() => now);
    page = await (await browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
    complaints = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.address);
    await page.waitForSelector('html[data-charts]');
  }

  const status = () => page.getByRole('status').first().textContent();
  /** Seconds that a chart of the scenario under way has. */
  const pointsOf = async (title: string) => {
    const figure = page.locator(`#scenario-2 [data-title="${title}"]`);
    const details = figure.locator('details.numbers');
    if (!(await details.evaluate((element: HTMLDetailsElement) => element.open))) await details.locator('summary').click();
    return figure.locator('tbody tr').count();
  };

  test('grows with the run: status, charts, heat map, roles, faults and errors', async () => {
    await open(8);
    expect(await status()).toBe('leader-crash, phase baseline');
    expect(await page.title()).toMatch(/^● steady, leader-crash/);
    expect(await pointsOf('Response time')).toBe(8);
    expect(await page.locator('#scenario-2').getByText('deadline-exceeded').count()).toBe(0);
    now = after(13);
    await expect.poll(status, WITHIN).toBe('leader-crash, phase fault, fault crash leader');
    for (const title of ['Response time', 'Response time heat map', 'Throughput'])
      await expect.poll(() => pointsOf(title), { message: title, ...WITHIN }).toBe(13);
    expect(await page.locator('#scenario-2').getByText('deadline-exceeded').count()).toBe(1);
    expect(await page.locator('[data-roles="1"]').getAttribute('viewBox')).toBe('0 0 13 60');
    expect(await page.locator('[data-roles="1"] rect.fault').count()).toBe(1);
    expect(await page.locator('progress').getAttribute('value')).toBe('13000');
    // The scenario that has ended keeps its verdicts; the one under way has none yet.
    expect(await page.locator('#verdicts article dl').count()).toBe(1);
    expect(await page.locator('#verdicts article').nth(1).textContent()).toContain('under way');
    expect(await page.locator('#scenario-2').getByText('NOT PROVEN').count()).toBe(0);
  });

  test('leaves focus, scroll, open details, zoom and hidden series as the reader has them', async () => {
    await open(12);
    const scenario = page.locator('#scenario-2');
    await scenario.locator('[data-title="Throughput"] summary').click();
    await scenario.locator('.legend button').filter({ hasText: 'p99' }).first().click();
    const chart = scenario.getByRole('application').first();
    await chart.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('+');
    const said = await scenario.locator('[data-title="Response time"] [aria-live]').textContent();
    expect(said).toMatch(/^10\.5s: .*during crash of n2$/);
    const zoomed = await page.getAttribute('[data-roles="1"]', 'viewBox');
    await page.evaluate(() => window.scrollTo(0, 1_234));
    const scrolled = await page.evaluate(() => window.scrollY);
    await page.evaluate(() => Object.assign(globalThis, { marked: document.activeElement }));
    now = after(14);
    await expect.poll(() => pointsOf('Throughput'), WITHIN).toBe(14);
    const found = await page.evaluate(() => ({
      scrolled: window.scrollY,
      isFocused: document.activeElement === (globalThis as { marked?: Element }).marked,
      pressed: [...document.querySelectorAll('#scenario-2 .legend button')].find((each) => each.textContent?.startsWith('p99'))
        ?.ariaPressed,
      zoomed: document.querySelector('[data-roles="1"]')?.getAttribute('viewBox'),
    }));
    expect(found).toEqual({ scrolled, isFocused: true, pressed: 'false', zoomed });
    // The keys go on from where they were, in what there is now.
    await page.keyboard.press('Shift+ArrowRight');
    expect(await scenario.locator('[data-title="Response time"] [aria-live]').textContent()).toMatch(/^13\.5s: /);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getAttribute('[data-roles="1"]', 'viewBox'), WITHIN).toBe('0 0 14 60');
  });

  test('ends as the final page, says that it is over, and where it stays', async () => {
    await open(14);
    const { microbenchmarks: _, ...rest } = sampleRun();
    await server.finish({ run: { ...rest, microbenchmarks: [] }, live: { kind: 'over', page: 'results/x/report.html' } });
    await page.waitForSelector('.over');
    expect(await page.locator('.over').textContent()).toContain('Its page stays as results/x/report.html');
    expect(await page.locator('#verdicts article dl').count()).toBe(2);
    expect(await page.locator('#scenario-2').getByText('proven by').count()).toBe(1);
    expect(await page.locator('#scenario-2 canvas').count()).toBe(6);
    expect(await page.title()).not.toContain('●');
    expect(await page.locator('.alarm[role=alert]').count()).toBe(0);
  });

  test('says so when the run is gone without an end', async () => {
    await open(14);
    server.close();
    await page.waitForSelector('.alarm[role=alert]');
    expect(await page.locator('.alarm[role=alert]').textContent()).toContain('connection to the run was lost');
    expect(await page.locator('#scenario-2 canvas').count()).toBeGreaterThan(2);
    // The browser itself complains of a connection that is cut.
    complaints.splice(0).forEach((complaint) => expect(complaint).toMatch(/net::ERR/));
  });

  test('markup in what comes later is text, too', async () => {
    await open(8);
    now = after(9);
    Object.assign(now.run.scenarios[1] as object, {
      name: HARM,
      description: HARM,
      errors: [{ code: HARM, outcome: 'fail', count: 1 }],
    });
    now = { ...now, live: { ...now.live, step: HARM } as LiveState };
    await expect.poll(status, WITHIN).toContain(HARM);
    const found = await page.evaluate(() => ({
      harmed: 'harmed' in globalThis,
      scripts: document.scripts.length,
      images: document.images.length,
      title: document.querySelector('#scenario-2 h2')?.textContent,
    }));
    expect(found).toEqual({ harmed: false, scripts: 2, images: 0, title: HARM });
  });
});
