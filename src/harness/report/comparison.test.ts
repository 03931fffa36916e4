import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { COMPARISON_VERSION, type Comparison, type Measurement } from '../result/comparison.ts';
import { renderComparisonMarkdown } from './comparison-markdown.ts';
import { renderComparison } from './comparison-text.ts';

const time = (name: string, verdict: Measurement['verdict'], ratio: number, more: Partial<Measurement> = {}): Measurement => ({
  kind: 'microbenchmark',
  name,
  metric: 'median',
  unit: 'ns',
  better: 'lower',
  base: { value: 1_420, interval95: [1_400, 1_440] },
  head: { value: 1_420 * ratio, interval95: [1_400 * ratio, 1_440 * ratio] },
  ratio,
  ratioInterval: [0.97 * ratio, 1.03 * ratio],
  verdict,
  ...more,
});

/** A number of a scenario, without a ratio. */
const single = (metric: string, reason: string, verdict: Measurement['verdict']): Measurement => ({
  kind: 'scenario',
  name: 'steady',
  metric,
  unit: 'per second',
  better: 'higher',
  base: { value: 1_000 },
  head: { value: 1_400 },
  verdict,
  reason,
});

function comparison(more: Partial<Comparison> = {}): Comparison {
  const p50 = {
    kind: 'scenario',
    metric: 'registers read baseline p50',
    unit: 'ms',
    base: { value: 13.8 },
    head: { value: 13.9 },
  } as const;
  const failed: Measurement = {
    kind: 'microbenchmark',
    name: 'pool/with',
    metric: 'median',
    unit: 'ns',
    better: 'lower',
    base: { value: 569 },
    verdict: 'incomparable',
    reason: 'failed in HEAD: PoolClosedError: the pool is closed',
  };
  return {
    schema: 'windtunnel-comparison',
    schemaVersion: COMPARISON_VERSION,
    base: { id: '20261122T160259Z-eb14d2c', startedAt: '2026-11-22T16:02:59.000Z', commit: 'eb14d2c0f5', dirty: false },
    head: { id: '20261123T090000Z-77aa01f-dirty', startedAt: '2026-11-23T09:00:00.000Z', commit: '77aa01f9d2', dirty: true },
    differences: [],
    onTimes: 'Times are reported, never gated.',
    drift: { ratio: 1.08, measurements: 4 },
    measurements: [
      time('actor/ask', 'slower', 2.4),
      time('actor/tell', 'faster', 0.31),
      time('actor/tell', 'inconclusive', 1.2, { metric: 'p99' }),
      time('breaker/execute', 'same', 1.01),
      failed,
      time('steady', 'same', 1, p50),
      single('knee', 'one number a run, which has no interval', 'inconclusive'),
    ],
    counts: [
      {
        benchmark: 'raft/propose',
        count: 'messages',
        base: { counted: 400, operations: 100 },
        head: { counted: 401, operations: 100 },
        verdict: 'more',
      },
      {
        benchmark: 'node/append-64',
        count: 'fsyncs',
        base: { counted: 4, operations: 256 },
        head: { counted: 4, operations: 256 },
        verdict: 'same',
      },
    ],
    allocations: [
      { benchmark: 'actor/ask', base: 312, head: 1_469 },
      { benchmark: 'actor/tell', base: 48, head: 49 },
    ],
    onlyInBase: ['store/apply'],
    onlyInHead: ['leader-crash'],
    exit: { code: 94, reasons: ['raft/propose: 4 messages an operation became 4.01'] },
    ...more,
  };
}

describe('the text', () => {
  test.each([72, 120])('in %d columns', async (width) => {
    const text = renderComparison(comparison(), { colour: false, width });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    await expect(text).toMatchFileSnapshot(`./testing/comparison-${width}.txt`);
  });

  test('colours change nothing but the colour', () => {
    const coloured = renderComparison(comparison(), { colour: true, width: 100 });
    expect(coloured).toContain('\u001b[31mslower\u001b[39m');
    expect(coloured).toContain('\u001b[32mfaster\u001b[39m');
    expect(stripVTControlCharacters(coloured)).toBe(renderComparison(comparison(), { colour: false, width: 100 }));
  });

  test('another machine is named once, above everything', () => {
    const text = renderComparison(comparison({ differences: [{ what: 'kernel', base: '6.1', head: '6.2' }] }), {
      colour: false,
      width: 80,
    });
    expect(text).toMatch(/Another machine: no time is comparable\.\n +BASE {2}HEAD\n {2}kernel {2}6\.1 {3}6\.2\n/);
  });

  test('results without anything in common say so', () => {
    const nothing = comparison({ measurements: [], counts: [], allocations: [], exit: { code: 0, reasons: [] } });
    const text = renderComparison(nothing, { colour: false, width: 80 });
    expect(text).toContain('times: no times in both');
    expect(text).toContain('no deterministic counts in both');
    expect(text).toContain('✓ nothing gated got worse (exit code 0)');
  });

  test('no text of a result steers the terminal', () => {
    const hostile = comparison({
      measurements: [time('a\u001b[2Jb\u202ec\nd\u009b1m', 'slower', 3)],
      onlyInBase: ['\u001b]0;title\u0007x'],
    });
    const text = renderComparison(hostile, { colour: false, width: 80 });
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain('abc d');
  });
});

describe('the markdown', () => {
  test('a summary, what changed, the rest folded', async () => {
    await expect(renderComparisonMarkdown(comparison())).toMatchFileSnapshot('./testing/comparison.md');
  });

  test('no text of a result becomes markup, a link, a mention, a reference or a column', () => {
    const name = 'a|b`c</details><img src=x onerror=1> @octocat #1 [x](http://y.z) www.evil.com **b** _i_ \\| &lt; $x$ ~s~';
    const text = renderComparisonMarkdown(
      comparison({ measurements: [time(name, 'slower', 3)], onlyInHead: [`${name}\n\n# heading`] }),
    );
    const foreign = [...text.matchAll(/<code>(.*?)<\/code>/g)].map((match) => (match[1] as string).replaceAll(/&#\d+;/g, ''));
    expect(foreign.length).toBeGreaterThan(3);
    for (const each of foreign) expect(each).not.toMatch(/[|`<>@#[\]:*_\\&$~!]|www\./);
    // Nothing of it is anywhere else.
    expect(text.replaceAll(/<code>.*?<\/code>/g, '')).not.toMatch(/octocat|evil|heading|onerror/);
    const rows = text.split('\n').filter((line) => line.startsWith('| <code>a&#124;'));
    expect(rows.length).toBe(1);
    expect(rows[0]?.split('|')).toHaveLength(8);
    // Decoded, it is what it was.
    const cell = /^\| <code>(.*?) median<\/code>/.exec(rows[0] as string)?.[1] ?? '';
    expect(cell.replaceAll(/&#(\d+);/g, (__, code: string) => String.fromCodePoint(Number(code)))).toBe(name);
  });
});
