import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatLatency,
  formatNanoseconds,
  formatObserved,
  formatRate,
  formatShare,
} from './numbers.ts';

test.each([
  [0.42, '0.42ns'],
  [86.42, '86.4ns'],
  [121.3, '121ns'],
  [9.996, '10.0ns'],
  [99.97, '100ns'],
  [999.6, '1.00us'],
  [1_420, '1.42us'],
  [251_300, '251us'],
  [2_310_000, '2.31ms'],
  [1.5e9, '1.50s'],
])('%d ns is %s', (ns, text) => expect(formatNanoseconds(ns)).toBe(text));

test.each([
  [0, '0 B'],
  [312, '312 B'],
  [1_024, '1 KiB'],
  [1_204, '1.2 KiB'],
  [25_769_803_776, '24 GiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0, '0%'],
  [0.000_123, '0.012%'],
  [0.0264, '2.64%'],
  [1, '100%'],
])('a share of %d is %s', (share, text) => expect(formatShare(share)).toBe(text));

test('counts and rates', () => {
  expect([formatCount(12_405), formatCount(0), formatRate(495.44), formatRate(500), formatRate(812_430.2)]).toEqual([
    '12,405',
    '0',
    '495.4',
    '500',
    '812,430',
  ]);
});

test('a latency that was not measured is a dash', () => {
  expect([formatLatency(undefined), formatLatency(12.34)]).toEqual(['–', '12.3ms']);
});

describe('what a threshold observed has the unit of its metric', () => {
  test.each<[string, string, number | undefined, string]>([
    ['response_time{phase:recovery}', 'p(99)<500', 312.4, '312ms'],
    ['service_time', 'avg<5', 1.234, '1.23ms'],
    ['operations_failed', 'rate<0.01', 0.0264, '2.64%'],
    ['operations_failed', 'count<10', 32, '32'],
    ['operations', 'rate>400', 495.4, '495.4/s'],
    ['dropped_iterations', 'count<100', 1_240, '1,240'],
    ['response_time', 'p(99)<500', undefined, 'nothing measured'],
  ])('%s %s', (metric, threshold, observed, text) => {
    expect(formatObserved(metric, threshold, observed)).toBe(text);
  });
});
