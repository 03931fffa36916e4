import { describe, expect, test } from 'vitest';
import { fit, fold, hang, plain, plainDeep, styleOf, table, wrap, wrapFacts } from './text.ts';

describe('what is safe to print', () => {
  test.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;a new title\u0007name', 'name'],
    ['clear\u001b[2J\u001b[H', 'clear'],
    ['\u009b31mred', 'red'],
    ['bell\u0007, null\u0000, delete\u007f', 'bell, null, delete'],
    ['over\rwritten', 'over written'],
    ['two\nlines\tand a tab', 'two lines and a tab'],
    ['\u202egnp.exe', 'gnp.exe'],
    ['zero\u200bwidth\ufeff', 'zerowidth'],
    ['größer · 東京 – ✓', 'größer · 東京 – ✓'],
  ])('%j', (text, safe) => expect(plain(text)).toBe(safe));

  test('everything in a value is cleaned, its keys too; only an explanation keeps its lines', () => {
    expect(plainDeep({ 'a\u001b[1m': ['x\ny', 1, null, { explanation: 'one\u0007\r\n  two', reason: 'one\ntwo' }] })).toEqual({
      a: ['x y', 1, null, { explanation: 'one\n  two', reason: 'one two' }],
    });
  });
});

describe('lines', () => {
  test('break between words, and inside one that is longer than a line', () => {
    expect(wrap('one two  three\nfour', 9)).toEqual(['one two', 'three', 'four']);
    expect(wrap('a abcdefghij b', 4)).toEqual(['a', 'abcd', 'efgh', 'ij b']);
    expect(wrap('  ', 4)).toEqual([]);
  });

  test('of facts break between facts, unless one alone is too long', () => {
    expect(wrapFacts(['2 cores', '24 GiB', 'node v26'], ' ·', 18)).toEqual(['2 cores · 24 GiB ·', 'node v26']);
    expect(wrapFacts(['a fact of many words', 'b'], ',', 10)).toEqual(['a fact of', 'many', 'words, b']);
  });

  test('hang below the text that leads them', () => {
    expect(hang('- ', 'one two three', 9)).toEqual(['- one two', '  three']);
    expect(hang('> ', ['1 a', '2 b', '3 c'], 11)).toEqual(['> 1 a, 2 b,', '  3 c']);
  });

  test('that are drawn keep their spaces and are broken only where they must', () => {
    expect(fold('  a    b', 20)).toEqual(['  a    b']);
    expect(fold('  read    -> 812   ok', 16)).toEqual(['  read    -> 812', '    ok']);
    expect(fold(`    ${'x'.repeat(30)}`, 20).every((line) => line.length <= 20)).toBe(true);
    expect(
      fold(`    ${'x'.repeat(30)}`, 20)
        .join('')
        .replaceAll(' ', ''),
    ).toBe('x'.repeat(30));
  });

  test('are cut with an ellipsis, never through a surrogate pair', () => {
    expect(fit('abcdef', 6)).toBe('abcdef');
    expect(fit('abcdef', 5)).toBe('abcd…');
    expect(fit('ab\u{1f600}cd', 4)).toBe('ab…');
  });
});

describe('tables', () => {
  test('align their columns and leave no spaces at the ends of lines', () => {
    expect(
      table(
        [
          ['name', 'n'],
          ['a', '1,234'],
          ['longer', ''],
        ],
        { align: 'lr', width: 80 },
      ),
    ).toEqual(['    name        n', '    a       1,234', '    longer']);
  });

  test('too wide for the page lose the end of their elastic column', () => {
    const lines = table([['a metric with a long name', 'p(99)<500']], { align: 'll', width: 30 });
    expect(lines).toEqual(['    a metric with …  p(99)<500']);
    expect(lines[0]?.length).toBe(30);
  });

  test('are as wide with colour as without', () => {
    const { bad } = styleOf(true);
    const [line] = table(
      [
        [{ text: 'a', paint: bad }, 'b'],
        ['longer', 'b'],
      ],
      { align: 'll', width: 80 },
    );
    expect(line).toBe('    \u001b[31ma\u001b[39m       b');
  });
});

test('without colour a style adds nothing, with it nothing to nothing', () => {
  expect(Object.values(styleOf(false)).map((paint) => paint('x'))).toEqual(Array(6).fill('x'));
  expect(styleOf(true).alarm('')).toBe('');
});
