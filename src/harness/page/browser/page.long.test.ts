// The page as its reader has it: opened from disk in a real browser without a network.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readRun } from '../../result/files.ts';
import type { Run } from '../../result/schema.ts';
import { sampleRun } from '../../result/testing/sample-run.ts';
import { tracedRun } from '../../traces/testing/traced-run.ts';
import { type PageOptions, renderPage } from '../page.ts';
import { isThereChromium, startChromium, WITHIN } from '../testing/chromium.ts';
import { emptyScenario, HARM, hostileRun, longRun, troubledRun } from '../testing/runs.ts';

const WIDTHS = [1440, 390];

describe.skipIf(!isThereChromium)('in a browser', { timeout: 120_000 }, () => {
  let folder: string;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let requests: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'windtunnel-browser-'));
    browser = await startChromium();
  });
  afterEach(async () => {
    // Whatever a test was about: nothing may be complained of and nothing fetched.
    await page.context().close();
    expect(complaints).toEqual([]);
    expect(requests).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(run: Run, options: BrowserContextOptions = {}, shown: Partial<PageOptions> = {}): Promise<Page> {
    const path = join(folder, 'report.html');
    writeFileSync(path, renderPage(run, { isBesideResult: true, ...shown }));
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, offline: true, ...options });
    page = await context.newPage();
    complaints = [];
    requests = [];
    const own = pathToFileURL(path).href;
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => request.url() !== own && requests.push(request.url()));
    await page.goto(own);
    await page.waitForSelector('html[data-charts]');
    return page;
  }

  /** How many pixels of each chart have, but for the smoothing of lines, the colour of one of its series. */
  const drawn = () =>
    page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const channels = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
      return [...document.querySelectorAll('[data-chart]')].map((figure) => {
        const canvas = figure.querySelector('canvas') as HTMLCanvasElement;
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d') as OffscreenCanvasRenderingContext2D;
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        const names = [...figure.querySelectorAll('.swatch')].map((swatch) => swatch.classList.item(2) as string);
        const wanted = names.map((name) => channels(style.getPropertyValue(`--${name}`).trim()));
        let pixels = 0;
        for (let at = 0; at < data.length; at += 4) {
          const near = (colour: readonly number[]) =>
            colour.every((value, channel) => Math.abs(value - (data[at + channel] as number)) < 12);
          if ((data[at + 3] as number) > 100 && wanted.some(near)) pixels++;
        }
        return pixels;
      });
    });

  /**
   * How many pixels have each colour of a heat map's scale, in a part of its width, and between which shares of its height they lie,
   * from the top.
   */
  const heat = (scenario: number, fromShare = 0, toShare = 1) =>
    page.evaluate(
      ([scenario, fromShare, toShare]) => {
        const style = getComputedStyle(document.documentElement);
        const figure = document.querySelector(`#scenario-${scenario} [data-heat]`) as HTMLElement;
        const canvas = figure.querySelector('canvas') as HTMLCanvasElement;
        const over = figure.querySelector('.u-over') as HTMLElement;
        const [left, width] = [over.offsetLeft + over.offsetWidth * fromShare, over.offsetWidth * (toShare - fromShare)];
        const copy = new OffscreenCanvas(width, canvas.height).getContext('2d') as OffscreenCanvasRenderingContext2D;
        copy.drawImage(canvas, -left, 0);
        const { data } = copy.getImageData(0, 0, Math.floor(width), canvas.height);
        const channels = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
        const scale = Array.from({ length: 7 }, (_, at) => channels(style.getPropertyValue(`--heat-${at + 1}`).trim()));
        const pixels = scale.map(() => 0);
        const rows: number[] = [];
        for (let at = 0; at < data.length; at += 4) {
          const near = (value: number, channel: number) => Math.abs(value - (data[at + channel] as number)) < 4;
          const colour = scale.findIndex((each) => each.every(near));
          if (colour < 0) continue;
          pixels[colour] = (pixels[colour] as number) + 1;
          rows.push(Math.floor(at / 4 / Math.floor(width)));
        }
        const share = (row: number) => (row - over.offsetTop) / over.offsetHeight;
        return { pixels, top: share(rows[0] ?? Number.NaN), bottom: share((rows.at(-1) ?? Number.NaN) + 1) };
      },
      [scenario, fromShare, toShare] as const,
    );

  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  test.each(['light', 'dark'] as const)('every chart is drawn in its colours, %s', async (colorScheme) => {
    await open(troubledRun(), { colorScheme });
    const pixels = await drawn();
    expect(pixels).toHaveLength(12);
    for (const count of pixels) expect(count).toBeGreaterThan(100);
    const surface = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(surface).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(18, 22, 27)');
  });

  test('the charts follow when the system turns dark', async () => {
    await open(sampleRun(), { colorScheme: 'light' });
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(async () => Math.min(...(await drawn())), WITHIN).toBeGreaterThan(100);
  });

  test('a fault is shaded, and a new leader marked', async () => {
    await open(sampleRun());
    const at = (seconds: number) =>
      page.evaluate((seconds) => {
        const figure = document.querySelector('#scenario-2 [data-chart]') as HTMLElement;
        const canvas = figure.querySelector('canvas') as HTMLCanvasElement;
        const over = figure.querySelector('.u-over') as HTMLElement;
        const x = (over.offsetLeft + (over.offsetWidth * seconds) / 25.042) * devicePixelRatio;
        const copy = new OffscreenCanvas(1, canvas.height).getContext('2d') as OffscreenCanvasRenderingContext2D;
        copy.drawImage(canvas, -Math.floor(x), 0);
        const column = copy.getImageData(0, 0, 1, canvas.height).data;
        return [
          ...new Set(Array.from({ length: column.length / 4 }, (_, pixel) => column.slice(pixel * 4, pixel * 4 + 4).join())),
        ];
      }, seconds);
    const leader = '109,63,192,255';
    const shade = (colours: string[]) => colours.some((colour) => /^24\d,16\d,9\d,5\d$/.test(colour));
    expect(shade(await at(8.7))).toBe(false);
    expect(shade(await at(12.7))).toBe(true);
    expect((await Promise.all([10.39, 10.416, 10.44].map(at))).flat()).toContain(leader);
    expect(await at(12.7)).not.toContain(leader);
  });

  test.each(['light', 'dark'] as const)(
    'the heat map has a colour for every count, and slow answers where there were some, %s',
    async (colorScheme) => {
      await open(sampleRun(), { colorScheme });
      for (const pixels of (await heat(2)).pixels) expect(pixels).toBeGreaterThan(20);
      const second = 1 / 25.042;
      // In the eleventh second answers waited for a leader: from the lowest row to the highest.
      const waited = await heat(2, 10.1 * second, 10.9 * second);
      expect(waited.top).toBeCloseTo(0, 2);
      expect(waited.bottom).toBeCloseTo(1, 2);
      // In others they took 31 ms at most, which is 12 of the 26 rows.
      const others = await heat(2, 5.1 * second, 5.9 * second);
      expect(others.top).toBeGreaterThan(1 - 12.5 / 26);
      expect(others.bottom).toBeCloseTo(1, 2);
    },
  );

  const RUNS: [string, () => Run | Promise<Run>][] = [
    ['the committed run', () => readRun(resolve(import.meta.dirname, '../../../../results/baseline'))],
    ['a troubled run', troubledRun],
    ['a hostile run', hostileRun],
    ['a long run', longRun],
    ['a run that hardly began', () => ({ ...sampleRun(), microbenchmarks: [], scenarios: [emptyScenario()] })],
    ['an interrupted run of nothing', () => ({ ...sampleRun(), status: 'interrupted', microbenchmarks: [], scenarios: [] })],
  ];
  test.each(RUNS)('%s fits the window, wide and narrow', async (_, make) => {
    const run = await make();
    await open(run);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await expect.poll(overflow, { message: `${width} px`, ...WITHIN }).toBe(0);
    }
    // Charts become narrower with the window.
    const widths = await page.evaluate(() => [...document.querySelectorAll('canvas')].map((canvas) => canvas.offsetWidth));
    for (const each of widths) expect(each).toBeLessThanOrEqual(390);
  });

  test('markup in any text of a run is text', async () => {
    await open(hostileRun());
    const found = await page.evaluate(() => ({
      harmed: 'harmed' in globalThis,
      scripts: document.scripts.length,
      images: document.images.length,
      bold: document.querySelectorAll('main b:not(.legend b)').length,
      title: document.querySelector('#scenario-1 h2')?.textContent,
    }));
    expect(found).toEqual({ harmed: false, scripts: 2, images: 0, bold: 0, title: `steady${HARM}` });
    // What is made in the browser is text, too.
    await page.locator('details.numbers > summary').first().click();
    await expect.poll(() => page.locator('details.numbers table').first().isVisible(), WITHIN).toBe(true);
    expect(await page.evaluate(() => document.images.length)).toBe(0);
  });

  test('should something get through, the policy still runs no script of its own', async () => {
    await open(sampleRun());
    await page.evaluate(() => {
      document.body.append(Object.assign(document.createElement('script'), { textContent: 'globalThis.harmed = 1' }));
      document.body.insertAdjacentHTML('beforeend', '<p onclick="globalThis.harmed = 1" id="evil">x</p>');
      document.getElementById('evil')?.click();
    });
    expect(await page.evaluate(() => 'harmed' in globalThis)).toBe(false);
    expect(complaints.splice(0).join()).toMatch(/Content Security Policy/);
  });

  describe('without a mouse', () => {
    const focused = () =>
      page.evaluate(() => document.activeElement?.ariaLabel ?? document.activeElement?.textContent?.trim() ?? '');

    test('everything that can be used can be reached, the verdicts first', async () => {
      await open(troubledRun());
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('Skip to the verdicts');
      const wanted = await page.evaluate(() => {
        const all = [...document.querySelectorAll<HTMLElement>('a, button, summary, [tabindex="0"]')];
        return all.filter((element) => element.checkVisibility()).length;
      });
      const reached = new Set(['Skip to the verdicts']);
      for (let step = 1; step < wanted; step++) {
        await page.keyboard.press('Tab');
        reached.add(await focused());
        const isSeen = await page.evaluate(() => {
          const { outlineStyle } = getComputedStyle(document.activeElement as Element);
          return outlineStyle !== 'none';
        });
        expect(isSeen, await focused()).toBe(true);
      }
      expect(await page.evaluate(() => document.activeElement === document.body)).toBe(false);
      for (const name of [
        /^Response time\. Left and right arrows/,
        /^Throughput\./,
        /^Explanation of linearizability$/,
        /^p50/,
        /^Configuration as it ran/,
      ])
        expect(
          [...reached].some((text) => name.test(text)),
          String(name),
        ).toBe(true);
    });

    test('a chart reads out its points and the faults at them, and zooms with its roles', async () => {
      await open(sampleRun());
      const chart = page.locator('#scenario-2 [role=application]').first();
      const spoken = page.locator('#scenario-2 [aria-live]').first();
      const shown = () => page.getAttribute('[data-roles="1"]', 'viewBox');
      const whole = await shown();
      await chart.focus();
      await page.keyboard.press('Home');
      expect(await spoken.textContent()).toMatch(/^0\.5s: max 31\.0ms, p99 [\d.]+ms, p50 [\d.]+ms; in the warm-up$/);
      await page.keyboard.press('Shift+ArrowRight');
      expect(await spoken.textContent()).toMatch(/^10\.5s: max 702ms, p99 655ms, .*; during crash of n2$/);
      await expect.poll(() => page.locator('#scenario-2 .legend').first().textContent(), WITHIN).toMatch(/p99 655ms.*10\.5s/);
      await page.keyboard.press('+');
      await expect.poll(shown, WITHIN).not.toBe(whole);
      const [left = Number.NaN, , width = Number.NaN] = ((await shown()) ?? '').split(' ').map(Number);
      expect(left + width / 2).toBeCloseTo(10.5, 1);
      await page.keyboard.press('Escape');
      await expect.poll(shown, WITHIN).toBe(whole);
    });

    test('a heat map tells its columns and its cells, and follows the zoom of its group', async () => {
      await open(sampleRun());
      const figure = page.locator('#scenario-2 [data-heat]');
      const map = figure.getByRole('application');
      const spoken = figure.locator('[aria-live]');
      await map.focus();
      await page.keyboard.press('Home');
      await page.keyboard.press('Shift+ArrowRight');
      expect(await spoken.textContent()).toMatch(
        /^10\.5s: 460 operations, 2\.00ms to 794ms, most often 2\.\d+ms to \d\.\d+ms; during crash of n2$/,
      );
      await page.keyboard.press('ArrowUp');
      const cell = (await spoken.textContent()) ?? '';
      expect(cell).toMatch(/^\d\.\d+ms to \d\.\d+ms: \d+ operations$/);
      await expect.poll(() => figure.locator('.position').textContent(), WITHIN).toBe(`10.5s · ${cell}`);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowUp');
      expect(await spoken.textContent()).toBe(cell);
      // Up to the slowest, and not beyond.
      for (let row = 0; row < 30; row++) await page.keyboard.press('ArrowUp');
      expect(await spoken.textContent()).toBe('631ms to 794ms: 6 operations');
      await page.locator('#scenario-2 [role=application]').first().focus();
      await page.keyboard.press('End');
      const { pixels } = await heat(2);
      const drawn = async () => (await heat(2)).pixels;
      await page.keyboard.press('+');
      await expect.poll(drawn, WITHIN).not.toEqual(pixels);
      await page.keyboard.press('Escape');
      await expect.poll(drawn, WITHIN).toEqual(pixels);
    });

    test('what a heat map shows is also a table', async () => {
      await open(sampleRun());
      const figure = page.locator('#scenario-2 [data-heat]');
      await figure.locator('summary').focus();
      await page.keyboard.press('Enter');
      const rows = figure.locator('tbody tr');
      await expect.poll(() => rows.count(), WITHIN).toBe(25);
      expect(await rows.nth(10).textContent()).toMatch(/^10\.5s4602\.00ms to 2\.51ms\d\.\d+ms to \d\.\d+ms631ms to 794ms$/);
      expect(await figure.locator('.heat-scale').textContent()).toMatch(/^operations 12–.* and more$/);
    });

    test('a series is hidden by its button, and the numbers are a table', async () => {
      await open(sampleRun());
      const button = page.locator('#scenario-2 .legend button').filter({ hasText: 'p99' }).first();
      await button.focus();
      await page.keyboard.press('Space');
      expect(await button.getAttribute('aria-pressed')).toBe('false');
      await page.locator('#scenario-2 details.numbers > summary').first().focus();
      await page.keyboard.press('Enter');
      const table = page.locator('#scenario-2 details.numbers table').first();
      await expect.poll(() => table.locator('tbody tr').count(), WITHIN).toBe(25);
      expect(await table.locator('tbody tr').nth(10).textContent()).toMatch(/^10\.5s702ms655ms/);
    });
  });

  test('the cell below the mouse is told', async () => {
    await open(sampleRun());
    const figure = page.locator('#scenario-2 [data-heat]');
    await figure.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await figure.locator('.u-over').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    // The lowest row of the eleventh second.
    await page.mouse.move(x + (width * 10.5) / 25.042, y + height - 3);
    await expect
      .poll(() => figure.locator('.position').textContent(), WITHIN)
      .toMatch(/^10\.5s · 2\.00ms to 2\.51ms: \d+ operations$/);
    // Another chart tells the whole second there.
    await page.locator('#scenario-2 [role=application]').first().hover();
    await expect.poll(() => figure.locator('.position').textContent(), WITHIN).toMatch(/s · \d+ operations, .* most often/);
  });

  test('headings make an outline, images and controls have names, text has contrast', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await open(troubledRun(), { colorScheme });
      const found = await page.evaluate(() => {
        const levels = [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName.slice(1)));
        const nameOf = (element: Element) => element.ariaLabel ?? element.textContent?.trim() ?? '';
        const named = [...document.querySelectorAll('a, button, summary, [role=img], [role=region], [role=application]')];
        const style = getComputedStyle(document.documentElement);
        const luminance = (name: string) => {
          const hex = style.getPropertyValue(`--${name}`).trim().slice(1);
          const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
            const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        };
        const contrast = (one: string, other: string) => {
          const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
          return (light + 0.05) / (dark + 0.05);
        };
        // OKLab's lightness of a grey of this luminance: what equal steps of colour are equal steps of.
        const steps = Array.from({ length: 7 }, (_, at) => Math.cbrt(luminance(`heat-${at + 1}`)));
        return {
          steps: steps.slice(1).map((step, at) => Math.abs(step - (steps[at] as number))),
          first: levels.filter((level) => level === 1).length,
          jumps: levels.filter((level, at) => at > 0 && level > (levels[at - 1] as number) + 1),
          unnamed: named.filter((element) => nameOf(element) === '').map((element) => element.outerHTML),
          text: ['text', 'faint', 'link', 'good', 'bad', 'doubtful', 'fault-text', 'leader'].map((name) =>
            contrast(name, 'surface'),
          ),
          lines: ['p50', 'p99', 'max', 'ok', 'dropped', 'a', 'b', 'c', 'd', 'e', 'heat-1', 'heat-7'].map((name) =>
            contrast(name, 'surface'),
          ),
        };
      });
      expect(found).toMatchObject({ first: 1, jumps: [], unnamed: [] });
      // WCAG 2.2, 1.4.3 and 1.4.11.
      expect(Math.min(...found.text)).toBeGreaterThanOrEqual(4.5);
      expect(Math.min(...found.lines)).toBeGreaterThanOrEqual(3);
      // No step of the heat map's colours is smaller than half of another.
      expect(Math.min(...found.steps)).toBeGreaterThan(Math.max(...found.steps) / 2);
      if (colorScheme === 'light') await page.context().close();
    }
  });

  describe('the traces of a run', () => {
    const { run, spans } = tracedRun();
    const openTraces = (options: BrowserContextOptions = {}) => open(run, options, { spans: [undefined, spans] });

    test.each(['light', 'dark'] as const)(
      'the time of every percentile is drawn in the colours of its parts, %s',
      async (colorScheme) => {
        await openTraces({ colorScheme });
        const bars = await page.evaluate(() =>
          [...document.querySelectorAll('.path svg')].map((svg) => {
            const rects = [...svg.querySelectorAll('rect')].map((rect) => rect.getBoundingClientRect());
            return {
              whole: svg.getBoundingClientRect().width,
              parts: rects.reduce((sum, { width }) => sum + width, 0),
              colours: [...svg.querySelectorAll('rect')].map((rect) => getComputedStyle(rect).fill),
              name: svg.ariaLabel,
            };
          }),
        );
        expect(bars).toHaveLength(14);
        for (const { whole, parts, colours, name } of bars) {
          expect(Math.abs(parts - whole)).toBeLessThan(whole / 100);
          expect(new Set(colours).size).toBe(colours.length);
          expect(colours).not.toContain('rgb(0, 0, 0)');
          expect(name).toMatch(/^(p50|p90|p99|p99\.9|slowest): \d+% /);
        }
      },
    );

    test('a trace opens by keyboard to its waterfall, and a span to its attributes', async () => {
      await openTraces();
      const trace = page.locator('details.trace', { hasText: 'fault,' }).filter({ hasText: 'slowest' }).nth(1);
      const rows = trace.locator('.spans > li');
      expect(await rows.first().isVisible()).toBe(false);
      await trace.locator('> summary').focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => rows.first().isVisible(), WITHIN).toBe(true);
      const names = await trace.locator('.name').evaluateAll((all) => all.map((name) => name.firstChild?.textContent?.trim()));
      expect(names.slice(0, 4)).toEqual(['load.operation', 'client.execute', 'retry.attempt', 'retry.attempt']);
      // Each bar lies where its span does: the second attempt behind the first one.
      const bars = await trace
        .locator('.spans rect:last-child')
        .evaluateAll((all) => all.map((rect) => rect.getBoundingClientRect().toJSON() as DOMRect));
      expect(bars[3]?.left).toBeGreaterThan((bars[2]?.right ?? Infinity) - 1);
      expect(bars[0]?.width).toBeGreaterThan(bars[3]?.width ?? Infinity);
      expect(await trace.locator('p.during').textContent()).toMatch(/^crash of n2, from [\d.]+ms until after its end$/);
      const shade = await trace.locator('rect.fault').first().boundingBox();
      expect(shade?.width).toBeGreaterThan((bars[0]?.width ?? Infinity) / 2);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await expect.poll(() => trace.locator('dl').first().innerText(), WITHIN).toMatch(/windtunnel\.load\s+registers/);
    });

    test('the phase of the faults is open, the others open by a click', async () => {
      await openTraces();
      const phases = await page
        .locator('details.phase')
        .evaluateAll((all) =>
          all.map((each) => `${each.querySelector('summary strong')?.textContent} ${each.hasAttribute('open')}`),
        );
      expect(phases).toEqual(['baseline false', 'fault true', 'after false']);
      const baseline = page.locator('details.phase').first();
      expect(await baseline.locator('details.trace').first().isVisible()).toBe(false);
      await baseline.locator('> summary').click();
      await expect.poll(() => baseline.locator('details.trace').first().isVisible(), WITHIN).toBe(true);
    });

    test('a batch is shown below the wait for it, across processes', async () => {
      await openTraces();
      await page.evaluate(() => document.querySelectorAll('details.phase').forEach((each) => each.setAttribute('open', '')));
      const trace = page.locator('details.trace', { hasText: 'p99' }).filter({ hasText: 'write' }).first();
      await trace.locator('> summary').click();
      const rows = await trace
        .locator('.spans > li')
        .evaluateAll((all) =>
          all.map(
            (row) =>
              `${row.className}: ${row.querySelector('.name')?.childNodes.item(0).textContent}${row.querySelector('.name i')?.textContent}`,
          ),
        );
      const at = rows.findIndex((row) => row.includes('raft.quorum'));
      expect(rows[at + 1]).toBe('d5 linked: ↳ n1');
      expect(rows.slice(at + 2).filter((row) => row.startsWith('d6 linked'))).toHaveLength(3);
      expect(rows).toContain('d7 linked: raft.append n2');
    });

    test.each(['light', 'dark'] as const)('open traces fit the window, wide and narrow, %s', async (colorScheme) => {
      await openTraces({ colorScheme });
      await page.evaluate(() =>
        document
          .querySelectorAll('details.phase, details.trace, .spans details')
          .forEach((each, at) => (each.className === 'phase' || at % 7 < 3) && each.setAttribute('open', '')),
      );
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        await expect.poll(overflow, { message: `${width} px`, ...WITHIN }).toBe(0);
      }
    });
  });
});
