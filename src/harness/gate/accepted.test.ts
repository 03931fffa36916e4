import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { renderGateMarkdown } from '../report/gate-markdown.ts';
import { renderGate } from '../report/gate-text.ts';
import { type Acceptance, type Gate, type GateSubject, gateSchema } from '../result/gate.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import { accept, acceptancesBetween, readAccepted } from './accepted.ts';
import { gateExit } from './gate.ts';
import { GatedRepository } from './testing/gated-repository.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windtunnel-accepted-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ENTRY: Acceptance = { benchmark: 'a/b', ratio: 1.2, reason: 'checksums', commit: '0123456' };

function slower(ratio: number, interval: [number, number], more: Partial<GateSubject> = {}): GateSubject {
  const first = { rounds: [0.1], judged: 10, ratio, interval, confidence: 0.99, pSlower: 0.001, pFaster: 1 };
  return { kind: 'microbenchmark', id: 'a/b', unit: 'ns', better: 'lower', verdict: 'slower', first, seconds: 8, ...more };
}

describe('the file', () => {
  const read = async (text: string) => {
    const path = join(folder, 'accepted.json');
    writeFileSync(path, text);
    return readAccepted(path);
  };

  test('need not be there, and is read when it is', async () => {
    expect(await readAccepted(join(folder, 'none.json'))).toEqual([]);
    expect(await read(JSON.stringify([ENTRY]))).toEqual([ENTRY]);
  });

  test.each([
    ['not JSON', '[', /accepted\.json is not JSON/],
    ['no list', '{}', /accepted\.json: the whole: /],
    ['without a reason', JSON.stringify([ENTRY, { ...ENTRY, reason: '' }]), /accepted\.json: \[1\]\.reason: /],
    ['of a ratio in words', JSON.stringify([{ ...ENTRY, ratio: '20%' }]), /accepted\.json: \[0\]\.ratio: /],
    ['of a branch', JSON.stringify([{ ...ENTRY, commit: 'main' }]), /\[0\]\.commit: a commit is 7 to 40 hexadecimal digits/],
    ['with a field too many', JSON.stringify([{ ...ENTRY, until: 'May' }]), /accepted\.json: \[0\]: .*until/],
  ])('that is %s is refused, the place named', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

test('an acceptance holds while its commit is in HEAD and not in BASE', async () => {
  using repository = new GatedRepository();
  const [first, second, third] = [1, 2, 3].map((steps) => repository.commit({ steps, messages: 1 }));
  const tree = (commit = '') => ({ folder: repository.folder, commit, dirty: false });
  const of = async (commit = '', base = first, head = third) =>
    (await acceptancesBetween([{ ...ENTRY, commit }], tree(base), tree(head), systemClock)).length;
  expect(await of(second)).toBe(1);
  expect(await of(third?.slice(0, 8))).toBe(1);
  expect(await of(first)).toBe(0);
  expect(await of(third, first, second)).toBe(0);
  expect(await of('0123456')).toBe(0);
});

describe('a slowdown is accepted', () => {
  const wordOf = (subject: GateSubject, ratio = ENTRY.ratio) => accept(subject, [{ ...ENTRY, ratio }]).verdict;

  test('up to its ratio, and the acceptance is told', () => {
    expect(accept(slower(1.15, [1.1, 1.2]), [ENTRY])).toMatchObject({ verdict: 'accepted', acceptance: ENTRY });
    expect(wordOf(slower(1.15, [1.1, 1.2], { id: 'a/other' }))).toBe('slower');
    expect(wordOf(slower(1.15, [1.1, 1.2], { verdict: 'same' }))).toBe('same');
  });

  test('beyond it by what is no slowdown to the gate either, 3 %, however wide the interval is', () => {
    expect(wordOf(slower(1.22, [1.17, 1.27]))).toBe('accepted');
    expect(wordOf(slower(1.235, [1.18, 1.29]))).toBe('accepted');
    expect(wordOf(slower(1.237, [1.18, 1.29]))).toBe('slower');
    expect(wordOf(slower(1.5, [1.1, 1.9]))).toBe('slower');
  });

  test('where more is better, down to its ratio', () => {
    const rate = { better: 'higher', unit: 'per second' } as const;
    expect(wordOf(slower(0.9, [0.85, 0.95], rate), 0.88)).toBe('accepted');
    expect(wordOf(slower(0.855, [0.8, 0.91], rate), 0.88)).toBe('accepted');
    expect(wordOf(slower(0.853, [0.8, 0.91], rate), 0.88)).toBe('slower');
    expect(wordOf(slower(0.7, [0.5, 0.95], rate), 0.88)).toBe('slower');
  });
});

function gateOf(subjects: GateSubject[], more: Partial<Gate> = {}, strict = false): Gate {
  const gate: Omit<Gate, 'exit'> = {
    schema: 'windtunnel-gate',
    schemaVersion: 1,
    id: '20261128T000000Z-0123456-gate',
    status: 'complete',
    startedAt: '2026-11-28T00:00:00.000Z',
    finishedAt: '2026-11-28T00:01:00.000Z',
    command: ['gate', '--base', 'main'],
    environment: sampleRun().environment,
    base: { ref: 'main', commit: '89abcdef', dirty: false },
    head: { commit: '01234567', dirty: true },
    seed: 7,
    budgetSeconds: 600,
    pinnedTo: [0, 1],
    subjects,
    counts: [],
    added: [],
    removed: [],
    unused: [],
    ...more,
  };
  return { ...gate, exit: gateExit(gate, strict) };
}

describe('the exit code', () => {
  const same = slower(1, [0.99, 1.01], { verdict: 'same' });
  const unsure = slower(1.04, [0.9, 1.2], { verdict: 'inconclusive', reason: 'fewer than 10 rounds' });
  const more = {
    benchmark: 'a/b',
    count: 'messages',
    base: { counted: 4, operations: 1 },
    head: { counted: 5, operations: 1 },
    verdict: 'more',
  } as const;
  test.each([
    ['0 when all are the same, or nobody knows', gateOf([same, unsure]), 0, []],
    ['94 when one is slower', gateOf([same, slower(1.15, [1.1, 1.2])]), 94, ['a/b is slower: x1.15']],
    ['0 when that is accepted', gateOf([accept(slower(1.15, [1.1, 1.2]), [ENTRY])]), 0, []],
    ['94 when a count rose', gateOf([same], { counts: [more] }), 94, ['a/b: 4 messages an operation became 5']],
    ['96 when it must be known', gateOf([same, unsure], {}, true), 96, ['a/b is inconclusive: fewer than 10 rounds']],
    ['105 when it was interrupted', gateOf([same], { status: 'interrupted' }), 105, ['interrupted before the end']],
    ['1 when one failed', gateOf([slower(1, [1, 1], { verdict: 'failed', reason: 'in head: x' })]), 1, ['a/b failed in head: x']],
    ['1 when nothing was measured', gateOf([]), 1, ['BASE and HEAD have no benchmark in common']],
  ] as const)('is %s', (_, gate, code, reasons) => {
    expect(gate.exit).toEqual({ code, reasons });
    expect(gateSchema.parse(JSON.parse(JSON.stringify(gate)))).toEqual(gate);
  });
});

describe('the report', () => {
  const gate = gateOf(
    [
      slower(1, [0.99, 1.01], { id: 'a/quiet', verdict: 'same', base: 100, head: 100 }),
      slower(1.15, [1.1, 1.2], { id: 'a/<b>@x', base: 100, head: 115 }),
      accept(slower(1.15, [1.1, 1.2]), [ENTRY]),
    ],
    { added: ['a/new'], removed: ['a/old'], unused: [{ ...ENTRY, benchmark: 'a/fast' }], injected: { kind: 'work', share: 0.2 } },
  );

  test('for a terminal begins with what is slower, and says why it ends as it does', () => {
    const text = renderGate(gate, { colour: false, width: 110, path: 'results/x/gate.json' });
    expect(text).toContain('BASE  main (89abcde)\nHEAD  the working tree (0123456 with changes)\n');
    expect(text).toMatch(/a\/<b>@x +100ns +115ns +\+15\.0% +\+10\.0% to \+20\.0% +1 +slower\n.*accepted\n.*same\n/);
    expect(text).toContain('accepted  a/b up to +20.0%, by 0123456: checksums');
    expect(text).toContain('unused acceptance  a/fast (0123456)');
    expect(text).toContain('added    a/new\nremoved  a/old');
    expect(text).toContain('HEAD was made slower on purpose: work, 20 %.');
    expect(text).toContain('✗ slower (exit code 94)\n    - a/<b>@x is slower: x1.15\n');
  });

  test('says of what was cut short that it was, wherever it is read', () => {
    const reason = 'cut short by the budget after 14 rounds of 30';
    const cut = gateOf([slower(1.04, [0.9, 1.2], { verdict: 'inconclusive', reason })]);
    expect(renderGate(cut, { colour: false, width: 110 })).toContain(`a/b: ${reason}`);
    expect(renderGateMarkdown(cut)).toContain(`inconclusive: <code>${reason}</code>`);
  });

  test('in markdown has what changed above what is folded, and no markup of anybody else', () => {
    const markdown = renderGateMarkdown(gate);
    expect(markdown).toMatch(/^\*\*Windtunnel ❌ slower\*\* · 1 slower, 1 accepted, 1 same · no deterministic counts/);
    expect(markdown).not.toContain('<b>');
    expect(markdown).not.toContain('@x');
    expect(markdown.indexOf('❌ slower |')).toBeLessThan(markdown.indexOf('<details>'));
    expect(markdown).toContain('<details><summary>1 unchanged or inconclusive</summary>');
    expect(markdown).toContain('accepted: <code>up to');
  });
});
