// The table, on recordings whose truth is drawn: what it counts is what happened.

import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { renderValidation } from '../report/validation-text.ts';
import { sampleRun } from '../result/testing/sample-run.ts';
import type { Validation, ValidationBenchmark, ValidationGate } from '../result/gate-validation.ts';
import { RULE, summariseValidation, upperBound } from './gate-validation.ts';
import { mannWhitney } from './mann-whitney.ts';
import { normal } from './testing/recordings.ts';

/** Whole processes are fast or slow by 3 %, and the machine by 2 % from minute to minute. */
function benchmarkOf(random: Random, id: string, share: number | undefined): ValidationBenchmark {
  const of = (rounds: number) =>
    Array.from({ length: rounds }, () => {
      const machine = 100 * Math.exp(0.02 * normal(random));
      const side = (change: number) => {
        const process = machine * (1 + change) * Math.exp(0.03 * normal(random));
        return Array.from({ length: 12 }, () => process * Math.exp(0.02 * normal(random)));
      };
      return { base: side(0), head: side(share ?? 0) };
    });
  return { id, ...(share !== undefined && { injected: { kind: 'work', share } }), first: of(30), rerun: of(30), seconds: 12 };
}

function validationOf(gates: ValidationGate[]): Validation {
  return {
    schema: 'windtunnel-gate-validation',
    schemaVersion: 1,
    rule: RULE,
    startedAt: '2026-11-28T00:00:00.000Z',
    environment: sampleRun().environment,
    commit: '0123456',
    seed: 1,
    gates,
  };
}

const random = new Random(9);
const gateOf = (condition: string, shares: readonly (number | undefined)[]): ValidationGate => ({
  condition,
  seed: 1,
  startedAt: '2026-11-28T00:00:00.000Z',
  benchmarks: shares.map((share, at) => benchmarkOf(random, `b/${at}`, share)),
});

describe('a validation', () => {
  const summary = summariseValidation(
    validationOf([
      ...Array.from({ length: 20 }, () => gateOf('quiet', [undefined, undefined, undefined])),
      ...Array.from({ length: 20 }, () => gateOf('work 10 %', [0.1, undefined, 0.1])),
      gateOf('busy', [undefined]),
    ]),
  );
  const row = (name: string) => summary.rows.find((each) => each.name === name);

  test('counts what is the same wherever it was measured, and what was made slower', () => {
    expect(summary.rows.map(({ name, benchmarks }) => [name, benchmarks])).toEqual([
      ['the same code, quiet', 80],
      ['the same code, with a busy neighbour', 1],
      ['work 10 %', 40],
    ]);
    expect(summary.alarmedGates.of).toBe(41);
  });

  test('finds the gate right, and the others wrong more often', () => {
    const [same, slower] = [row('the same code, quiet'), row('work 10 %')];
    expect(same?.words.slower).toBe(0);
    expect(slower?.words.slower).toBeGreaterThanOrEqual(39);
    // Samples of one process are not independent, which Mann and Whitney took them to be.
    expect((same?.controls['Mann-Whitney on raw samples'] ?? 0) / 80).toBeGreaterThan(0.05);
    expect((same?.controls['single ratio over 5 %'] ?? 0) / 80).toBeGreaterThan(0.1);
  });

  test('is a table with its bounds', () => {
    const text = renderValidation(summary);
    expect(text).toMatch(/^\| +\| benchmarks \| +slower \|/);
    expect(text).toContain('False alarms, either way: 0 of 81 (below 3.70% with 95% confidence) of benchmarks, 0 of 41');
    expect(text).toMatch(/swapped by chance in every round, 200 times: 0(\.\d+)?% of benchmarks, 0(\.\d+)?% of gates\.\n$/);
  });
});

test("the bound of a rate is 3 / n when it never happened, and Wilson's otherwise", () => {
  expect(upperBound(0, 300)).toBeCloseTo(0.01, 12);
  expect(upperBound(0, 0)).toBe(1);
  // R. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I: 81 of 263, 0.2553 to 0.3662.
  expect(upperBound(81, 263)).toBeCloseTo(0.3662, 3);
});

test('Mann and Whitney, as every textbook has it', () => {
  // Both ways, with and without ties; R's wilcox.test(exact = FALSE).
  expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(0.01219, 4);
  expect(mannWhitney([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])).toBeCloseTo(0.01219, 4);
  expect(mannWhitney([1, 1, 1], [1, 1, 1])).toBe(1);
  expect(mannWhitney([1, 3], [2, 4])).toBeGreaterThan(0.5);
});
