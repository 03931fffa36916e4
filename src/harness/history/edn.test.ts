import { describe, expect, test } from 'vitest';
import type { EdnValue } from './edn.ts';
import { EdnError, EdnKeyword, EdnReader, EdnSymbol, EdnTagged, parseEdn } from './edn.ts';

const keyword = (name: string) => new EdnKeyword(name);

describe('EDN', () => {
  test.each<[string, EdnValue]>([
    ['nil', null],
    ['true', true],
    [' , false ,', false],
    ['0', 0],
    ['-17', -17],
    ['+5', 5],
    ['42N', 42],
    ['9007199254740993', 9007199254740993n],
    ['-123456789012345678901234567890N', -123456789012345678901234567890n],
    ['1.5', 1.5],
    ['-2.5e-3', -0.0025],
    ['3.', 3],
    ['1.25M', 1.25],
    ['7M', 7],
    ['1E3', 1000],
    ['1/4', 0.25],
    ['##Inf', Number.POSITIVE_INFINITY],
    ['##-Inf', Number.NEGATIVE_INFINITY],
    ['##NaN', Number.NaN],
    ['"a\\n\\t\\"\\\\\\u00e9 ; no comment"', 'a\n\t"\\é ; no comment'],
    ['""', ''],
    ['"two\nlines"', 'two\nlines'],
    ['\\a', 'a'],
    ['\\newline', '\n'],
    ['\\space', ' '],
    ['\\u0041', 'A'],
    ['\\u', 'u'],
    ['\\(', '('],
    ['\\;', ';'],
    [':name', keyword('name')],
    [':jepsen.core/op-1', keyword('jepsen.core/op-1')],
    ['symbol/x?', new EdnSymbol('symbol/x?')],
    ['/', new EdnSymbol('/')],
    ['-', new EdnSymbol('-')],
    ['...', new EdnSymbol('...')],
    ['[]', []],
    ['(1 [2 (3)])', [1, [2, [3]]]],
    ['#{1 :a}', new Set<EdnValue>([1, keyword('a')])],
    [
      '{:a 1, "b" [2]}',
      new Map<EdnValue, EdnValue>([
        [keyword('a'), 1],
        ['b', [2]],
      ]),
    ],
    [
      '#:op{:f 1 :x/y 2}',
      new Map<EdnValue, EdnValue>([
        [keyword('op/f'), 1],
        [keyword('x/y'), 2],
      ]),
    ],
    ['#inst "2026-11-22"', new EdnTagged('inst', '2026-11-22')],
    ['#jepsen.history.Op{:index 0}', new EdnTagged('jepsen.history.Op', new Map([[keyword('index'), 0]]))],
    ['; a comment\n1 ; another', 1],
    ['[1 #_2 3 #_ #_ 4 5]', [1, 3]],
    ['#_{:a [}]} 1'.replace('[}]', '[]'), 1],
    ['[1;x\n2]', [1, 2]],
    ['[:a[:b]"c"]', [keyword('a'), [keyword('b')], 'c']],
  ])('reads %s', (text, value) => expect(parseEdn(text)).toEqual(value));

  test.each([
    ['', 'a value is missing at character 0'],
    ['; only', 'a value is missing'],
    ['[1 2', "']' is missing at character 4"],
    ['(1]', "unexpected ']' at character 2"],
    ['{:a}', 'a map has a key without a value'],
    ['{:a 1 :a 2}', 'same key twice'],
    ['"abc', 'a string does not end at character 0'],
    ['"\\q"', "unknown escape '\\q' at character 2"],
    ['"\\u12"', 'is not a character'],
    ['\\bogus', "'\\bogus' is not a character"],
    ['\\', 'a character is missing'],
    ['1 2', 'more than one value at character 2'],
    ['012', "'012' is not a number"],
    ['1x', "'1x' is not a number"],
    ['1/0', 'is not a number'],
    [':', "':' is not a keyword"],
    ['::a', "'::a' is not a keyword"],
    ['#_', 'a value is missing'],
    ['#5', "'#5' is not a tag"],
    ['##Huge', "'##Huge' is not a number"],
    ['#tag', 'a value is missing'],
    ['a@b', "'a@b' is not EDN"],
  ])('refuses %s', (text, message) => {
    expect(() => parseEdn(text)).toThrow(EdnError);
    expect(() => parseEdn(text)).toThrow(message);
  });

  test.each(['[', '(', '{:a ', '#{', '#t ', '#_', '[#_'])(
    'nesting %s a million times is refused, not a stack overflow',
    (open) => {
      expect(() => parseEdn(open.repeat(1_000_000))).toThrow('nested deeper than 256');
    },
  );

  test('nesting that is not hostile is read', () => {
    expect(parseEdn(`${'['.repeat(250)}${']'.repeat(250)}`)).toHaveLength(1);
  });

  test('equal keywords of one text are one, so that they are found in its maps', () => {
    const [map, key] = parseEdn('[{:a 1} :a]') as [Map<EdnValue, EdnValue>, EdnKeyword];
    expect(map.get(key)).toBe(1);
  });

  test('a reader goes from one value to the next', () => {
    const reader = new EdnReader('1 ; x\n :a ');
    expect([reader.next(), reader.read(), reader.next(), reader.read(), reader.next()]).toEqual([
      0,
      1,
      7,
      keyword('a'),
      undefined,
    ]);
  });
});
