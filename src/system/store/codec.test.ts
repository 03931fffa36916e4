import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { ByteReader, BytesError, ByteWriter } from './bytes.ts';
import type { SqlValue } from './bytes.ts';
import { CommandError, decodeCommand, encodeCommand } from './command.ts';
import type { Command } from './command.ts';
import { decodeOutcomes, encodeOutcomes, OUTCOME_CODES } from './outcome.ts';
import type { StatementOutcome } from './outcome.ts';

const random = new Random(20_261);

function randomText(): string {
  const alphabet = ['a', 'Z', ' ', "'", '\0', 'é', '漢', '🜁', '\uFEFF', '\n'];
  return Array.from({ length: random.pick([0, 1, 5, 41, 42, 43, 200]) }, () => random.pick(alphabet)).join('');
}

function randomValue(): SqlValue {
  return random.pick<() => SqlValue>([
    () => null,
    () => random.integer(-5, 300),
    () => random.pick([1, -1]) * random.integer(0, Number.MAX_SAFE_INTEGER),
    () => random.pick([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0, 127, 128, 2 ** 31, 2 ** 32]),
    () => random.pick([-0, 0.1, 1e300, -5e-324, Infinity, -Infinity, 2 ** 53, -(2 ** 60), random.float()]),
    () => random.pick([2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), BigInt(random.uint32()) * 2n ** 30n + 2n ** 53n]),
    randomText,
    () => Uint8Array.from({ length: random.pick([0, 1, 127, 128, 500]) }, () => random.integer(0, 255)),
  ])();
}

function randomCommand(): Command {
  const sequence = random.integer(1, 1e9);
  const session = random.chance(0.8)
    ? { clientId: `c${randomText().slice(0, 60).toWellFormed()}`, sequence, oldestPending: random.integer(1, sequence) }
    : undefined;
  return {
    ...(session ?? { clientId: '', sequence: 0, oldestPending: 0 }),
    sql: randomText(),
    params: Array.from({ length: random.integer(0, 6) }, randomValue),
  };
}

function randomOutcome(): StatementOutcome {
  if (random.chance(0.3)) return { ok: false, code: random.pick(OUTCOME_CODES), message: randomText() };
  return {
    ok: true,
    results: Array.from({ length: random.integer(0, 3) }, () => {
      const columns = Array.from({ length: random.integer(0, 4) }, randomText);
      const rows = Array.from({ length: columns.length === 0 ? 0 : random.integer(0, 5) }, () => columns.map(randomValue));
      return { columns, rows, rowsAffected: random.integer(0, 1_000) };
    }),
  };
}

describe('commands', () => {
  test('come back as they were, and equal commands have equal bytes', () => {
    for (let round = 0; round < 2_000; round++) {
      const command = randomCommand();
      const bytes = encodeCommand(command);
      const decoded = decodeCommand(bytes);
      expect(decoded).toEqual(command);
      expect(encodeCommand(decoded)).toEqual(bytes);
    }
  });

  test('a small bigint is the same SQL integer as a number', () => {
    const command = { clientId: '', sequence: 0, oldestPending: 0, sql: 'select ?', params: [5n, -7n] };
    expect(decodeCommand(encodeCommand(command)).params).toEqual([5, -7]);
    expect(encodeCommand(command)).toEqual(encodeCommand({ ...command, params: [5, -7] }));
  });

  test('cut short anywhere, or with a byte too many, are refused', () => {
    const bytes = encodeCommand({
      clientId: 'c',
      sequence: 300,
      oldestPending: 2,
      sql: 'select ?, ?, ?',
      params: [2n ** 60n, 'x', 0.5],
    });
    for (let length = 0; length < bytes.byteLength; length++)
      expect(() => decodeCommand(bytes.subarray(0, length))).toThrow(BytesError);
    expect(() => decodeCommand(Uint8Array.from([...bytes, 0]))).toThrow('too many');
  });

  test('damaged bytes are refused, or are another command that writes the same bytes', () => {
    let refused = 0;
    for (let round = 0; round < 3_000; round++) {
      const bytes = encodeCommand(randomCommand());
      const at = random.integer(0, bytes.byteLength - 1);
      bytes[at] = random.integer(0, 255);
      try {
        expect(encodeCommand(decodeCommand(bytes))).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(BytesError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(300);
  });

  test('a count larger than the bytes that are left is refused before anything is allocated for it', () => {
    const writer = new ByteWriter();
    writer.byte(1);
    writer.text('');
    writer.varint(0);
    writer.varint(0);
    writer.text('select 1');
    writer.varint(2 ** 40);
    expect(() => decodeCommand(writer.finish())).toThrow('count');
  });

  const good: Command = { clientId: 'c', sequence: 5, oldestPending: 3, sql: 'select 1', params: [] };
  test.each<[string, Partial<Command>]>([
    ['sequence of a session begins at 1', { sequence: 0, oldestPending: 0 }],
    ['not 6', { oldestPending: 6 }],
    ['not 0', { oldestPending: 0 }],
    ['-1', { sequence: -1 }],
    ['1.5', { sequence: 1.5 }],
    ['256 bytes', { clientId: 'é'.repeat(129) }],
    ['1048576 bytes', { sql: 'x'.repeat(2 ** 20 + 1) }],
    ['parameter 2 is NaN', { params: [1, Number.NaN] }],
    ['beyond the 64 bits', { params: [2n ** 63n] }],
    ['32767 parameters', { params: Array.from({ length: 32_767 }, () => 1) }],
  ])('cannot be encoded when wrong: %s', (message, change) => {
    expect(() => encodeCommand({ ...good, ...change })).toThrow(CommandError);
    expect(() => encodeCommand({ ...good, ...change })).toThrow(message);
  });

  test('of another version are refused by number', () => {
    const bytes = encodeCommand(good);
    bytes[0] = 9;
    expect(() => decodeCommand(bytes)).toThrow('version 9');
  });
});

test('outcomes come back as they were', () => {
  for (let round = 0; round < 500; round++) {
    const outcomes = Array.from({ length: random.integer(0, 5) }, randomOutcome);
    expect(decodeOutcomes(encodeOutcomes(outcomes))).toEqual(outcomes);
  }
});

test('outcomes with bytes of no outcome are refused', () => {
  expect(() => decodeOutcomes(Uint8Array.from([1, 200]))).toThrow('200');
  expect(() => decodeOutcomes(Uint8Array.from([2, 0, 0]))).toThrow(BytesError);
  expect(() => decodeOutcomes(Uint8Array.from([1, 0, 1, 0, 0, 1]))).toThrow(BytesError);
});

test.each<[string, number[]]>([
  ['longer than needed', [0x80, 0x00]],
  ['beyond 2^53', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]],
  ['beyond 2^53', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ['middle of a value', [0x80]],
])('a varint is refused: %s', (message, bytes) => {
  expect(() => new ByteReader(Uint8Array.from(bytes)).varint()).toThrow(message);
});

test.each([0, 1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 49, 2 ** 53 - 1])('varint %d', (value) => {
  const writer = new ByteWriter();
  writer.varint(value);
  expect(new ByteReader(writer.finish()).varint()).toBe(value);
});

test('text that is not UTF-8 is refused', () => {
  expect(() => new ByteReader(Uint8Array.from([2, 0xc3, 0x28])).text()).toThrow('UTF-8');
});
