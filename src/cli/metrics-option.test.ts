import { expect, test } from 'vitest';
import { UsageError } from './command.ts';
import { metricsAddressOf } from './metrics-option.ts';

const addressOf = (word?: string) => metricsAddressOf({ options: { 'metrics-port': word }, positionals: [] });

test.each([
  ['7409', '127.0.0.1', 7_409],
  ['0', '127.0.0.1', 0],
  ['0.0.0.0:7409', '0.0.0.0', 7_409],
  ['harness:65535', 'harness', 65_535],
  ['[::1]:0', '::1', 0],
])('%s is a place to listen', (word, host, port) => {
  expect(addressOf(word)).toEqual({ host, port });
});

test('without it nothing is served', () => {
  expect(addressOf()).toBeUndefined();
});

test.each(['', ':', ':7409', 'x', '-1', '1.5', '65536', '0.0.0.0:', '0.0.0.0:65536', '::1:7409', 'http://a:1', 'a b:1'])(
  "'%s' is refused",
  (word) => {
    expect(() => addressOf(word)).toThrow(UsageError);
    expect(() => addressOf(word)).toThrow(`--metrics-port takes [HOST:]PORT with a port from 0 to 65535, not '${word}'`);
  },
);
