import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { consistencyProblems } from './consistency.ts';
import { faultsOf } from './nemesis.ts';
import { ScenarioError } from './options.ts';
import type { Fault, FaultTemplate, Nemesis } from './faults.ts';
import type { Scenario } from './scenario.ts';
import type { ValidScenario } from './valid-scenario.ts';
import { validateScenario, withOverrides } from './validate.ts';

const MIX: readonly FaultTemplate[] = [
  { kind: 'crash', target: 'leader', weight: 2 },
  { kind: 'pause', target: 'majority' },
  { kind: 'restart', target: 'n2' },
  { kind: 'wipe', target: 'random', weight: 3 },
  { kind: 'clock-skew', target: 'all', offset: '-1h' },
  { kind: 'slow-disk', target: 'n1', delay: '50ms' },
  { kind: 'partition', shape: 'halves', mode: 'cut', clients: true },
  { kind: 'partition', shape: 'one-way', target: 'follower' },
  { kind: 'latency', target: 'leader', delay: '20ms' },
  { kind: 'hold', target: 'n3', weight: 0.1 },
];

function scenario(nemesis: Nemesis, more: Partial<Scenario> & { readonly seconds?: number } = {}): unknown {
  const { seconds = 120, ...options } = more;
  return {
    name: 'random',
    description: 'For a test.',
    cluster: { nodes: 3 },
    warmup: '2s',
    recovery: '3s',
    loads: { a: { executor: 'constant-vus', workload: { kind: 'set' }, vus: 1, duration: seconds * 1_000 } },
    nemesis,
    ...options,
  };
}

const valid = (...options: Parameters<typeof scenario>) => validateScenario(scenario(...options), 'random');
const drawn = (of: ValidScenario, seed: number) =>
  faultsOf(of, seed).flatMap(({ fault, by }) => (by === 'nemesis' ? [fault] : []));

function problemsOf(...options: Parameters<typeof scenario>): readonly string[] {
  try {
    valid(...options);
    return [];
  } catch (error) {
    if (error instanceof ScenarioError) return error.problems;
    throw error;
  }
}

describe('what the nemesis plans', () => {
  test('breaks no rule, whatever the options and the seed', () => {
    const random = new Random(20261127);
    let planned = 0;
    for (let round = 0; round < 300; round++) {
      const shortestMs = random.integer(1_500, 8_000);
      const longestMs = random.integer(shortestMs, 10_000);
      const lastsMs = random.integer(200, shortestMs - 1);
      const faults: Fault[] = random.chance(0.5)
        ? [
            { kind: 'crash', target: 'n1', at: random.integer(2_000, 50_000), duration: random.integer(1, 10_000) },
            { kind: 'loss', target: 'leader', probability: 0.1, at: random.integer(2_000, 50_000), duration: 40_000 },
          ]
        : [];
      const nemesis: Nemesis = {
        mix: random.shuffle(MIX).slice(0, random.integer(1, MIX.length)),
        every: [shortestMs, longestMs],
        lasts: [random.integer(100, lastsMs), lastsMs],
        ...(random.chance(0.3) && { from: '30s' }),
        ...(random.chance(0.3) && { until: '100s' }),
      };
      const of = valid(nemesis, { faults });
      const all = faultsOf(of, round);
      const own = drawn(of, round);
      planned += own.length;
      // As if the scenario had named them all: within it, behind the warm-up, no overlap on a node, one wipe.
      expect(consistencyProblems({ ...of, nemesis: undefined, faults: all.map(({ fault }) => fault) })).toEqual([]);
      const [from, until] = [nemesis.from === undefined ? 2_000 : 30_000, nemesis.until === undefined ? 117_000 : 100_000];
      for (const [at, fault] of own.entries()) {
        expect(fault.durationMs).toBeLessThanOrEqual(lastsMs);
        expect(fault.atMs - (own[at - 1]?.atMs ?? from)).toBeGreaterThanOrEqual(shortestMs - 1e-6);
        expect(fault.atMs + fault.durationMs).toBeLessThanOrEqual(until);
        const [crash] = of.faults;
        if (crash === undefined) continue;
        // Not while the scenario's own crash lasts, and not before the cluster has recovered from it.
        const apart = fault.atMs + fault.durationMs + 3_000 <= crash.atMs || crash.atMs + crash.durationMs + 3_000 <= fault.atMs;
        expect(apart).toBe(true);
      }
      if (faults.length === 0) expect(own.length).toBeGreaterThan(0);
    }
    expect(planned).toBeGreaterThan(1_000);
  });

  test('is the same for the same seed, another for another one, and its own seed wins over that of the run', () => {
    const nemesis: Nemesis = { mix: MIX, every: ['5s', '9s'], lasts: ['1s', '3s'] };
    expect(faultsOf(valid(nemesis), 7)).toEqual(faultsOf(valid(nemesis), 7));
    expect(faultsOf(valid(nemesis), 8)).not.toEqual(faultsOf(valid(nemesis), 7));
    const seeded = valid({ ...nemesis, seed: 7 });
    expect(faultsOf(seeded, 8)).toEqual(faultsOf(valid(nemesis), 7));
  });

  test('follows the weights', () => {
    const of = valid(
      {
        mix: [
          { kind: 'crash', target: 'n1', weight: 3 },
          { kind: 'pause', target: 'n2' },
        ],
        every: '1s',
        lasts: '100ms',
      },
      { seconds: 4_000 },
    );
    const faults = drawn(of, 3);
    const share = faults.filter(({ kind }) => kind === 'crash').length / faults.length;
    expect(faults.length).toBeGreaterThan(3_900);
    expect(share).toBeGreaterThan(0.72);
    expect(share).toBeLessThan(0.78);
  });

  test('is what the template says, in milliseconds and with every default', () => {
    const of = valid({ mix: [{ kind: 'partition', shape: 'bridge' }], every: '10s', lasts: '2s', until: '25s' });
    const fault = { kind: 'partition', shape: 'bridge', mode: 'hold', clients: false, target: 'leader', durationMs: 2_000 };
    expect(faultsOf(of, 1)).toEqual([
      { by: 'nemesis', fault: { ...fault, atMs: 12_000 } },
      { by: 'nemesis', fault: { ...fault, atMs: 22_000 } },
    ]);
  });

  test('goes on as long as --duration lets the load go on', () => {
    const of = valid({ mix: MIX, every: '10s', lasts: '2s' });
    expect(drawn(of, 1).length).toBe(11);
    const longer = drawn(withOverrides(of, { durationMs: 900_000 }), 1);
    expect(longer.length).toBe(89);
    // The beginning stays what it was.
    expect(longer.slice(0, 11)).toEqual(drawn(of, 1));
    expect(() => withOverrides(of, { durationMs: 15_000 })).toThrow(
      'random: nemesis must have room for a fault: every and lasts may take 12.0s, but between the warmup and the recovery at the end there are 10.0s',
    );
  });
});

describe('a nemesis that cannot be is refused', () => {
  const good: Nemesis = { mix: [{ kind: 'crash', target: 'leader' }], every: '10s', lasts: '2s' };
  const mix = (...templates: readonly object[]) => ({ ...good, mix: [good.mix[0], ...templates] }) as Nemesis;

  test.each<[Nemesis, string]>([
    [mix({ kind: 'pause', target: 'n1' }, { kind: 'partition', shape: 'halfs' }), "nemesis.mix[2].shape must be 'halves' or"],
    [mix({ kind: 'crash' }), 'nemesis.mix[1].target is missing'],
    [
      mix({ kind: 'crash', target: 'n9' }),
      "nemesis.mix[1].target must be one of leader, follower, random, all, majority, minority, n1, n2, n3, not 'n9'",
    ],
    [mix({ kind: 'crash', target: 'n1', at: '3s' }), "nemesis.mix[1] has no option 'at'"],
    [mix({ kind: 'crash', target: 'n1', weight: 0 }), 'nemesis.mix[1].weight must be a number > 0, not 0'],
    [mix({ kind: 'partition', shape: 'bridge', clients: true }), "nemesis.mix[1].clients has no meaning for the shape 'bridge'"],
    [
      mix({ kind: 'partition', shape: 'majorities-ring' }),
      "nemesis.mix[1].shape 'majorities-ring' needs at least 4 nodes, not 3",
    ],
    [mix({ kind: 'clock-skew', target: 'n1' }), 'nemesis.mix[1] must have an offset other than 0 or a drift other than 1'],
    [mix({ kind: 'wipe', target: 'all' }), "nemesis.mix[1].target must be one node to wipe, not 'all'"],
    [{ ...good, mix: [] }, 'nemesis.mix must be a list of at least one fault'],
    [
      { ...good, every: 'often' },
      "nemesis.every must be a duration > 0 such as '10s', or two such as ['5s', '15s'], the shorter one first, not 'often'",
    ],
    [{ ...good, every: ['9s', '5s'] }, "nemesis.every must be a duration > 0 such as '10s', or two"],
    [{ ...good, lasts: 0 }, 'nemesis.lasts must be a duration > 0'],
    [{ ...good, every: '200ms', lasts: '100ms' }, 'nemesis.every must be at least 1.0s, not 200ms'],
    [
      { ...good, lasts: ['2s', '10s'] },
      'nemesis.lasts must be shorter than nemesis.every (10.0s), so that a fault ends before the next one begins, not 10.0s',
    ],
    [{ ...good, from: '1s' }, 'nemesis.from must lie behind the warmup (2.0s), not at 1.0s'],
    [
      { ...good, until: '118s' },
      'nemesis.until must leave room to recover (3.0s) before the end of the scenario (2m00s), not be 1m58s',
    ],
    [{ ...good, until: '13s' }, 'nemesis must have room for a fault: every and lasts may take 12.0s'],
    [{ ...good, seed: -1 }, 'nemesis.seed must be a whole number from 0'],
    [{ ...good, lats: 1 } as Nemesis, "nemesis has no option 'lats'; did you mean 'lasts'?"],
  ])('%j', (nemesis, message) => {
    expect(problemsOf(nemesis).join('\n')).toContain(`random: ${message}`);
  });

  test('with a wipe, when the scenario has one already', () => {
    const wipe: Fault = { kind: 'wipe', target: 'n1', at: '3s', duration: '1s' };
    expect(problemsOf(mix({ kind: 'wipe', target: 'random' }), { faults: [wipe] })).toEqual([
      'random: nemesis.mix[1] must not be a second wipe: a cluster survives one loss at a time',
    ]);
  });

  test('with a fault of the network, where there are no links', () => {
    const of = valid(mix({ kind: 'hold', target: 'n1' }));
    expect(() => withOverrides(of, { links: false })).toThrow('nemesis.mix[1] (hold) needs links');
  });
});
