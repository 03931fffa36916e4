import { describe, expect, test } from 'vitest';
import { ScenarioError } from './options.ts';
import { validateScenario, withOverrides } from './validate.ts';

function scenario(faults: readonly object[], cluster: object = { nodes: 3 }) {
  return {
    name: 'faulty',
    description: 'For a test.',
    cluster,
    warmup: '1s',
    loads: { a: { executor: 'constant-vus', workload: { kind: 'set' }, vus: 1, duration: '20s' } },
    faults,
  };
}

const timed = { at: '2s', duration: '1s' };
const onNode = { ...timed, target: 'n1' };

function problemsOf(fault: object, cluster?: object): string {
  try {
    validateScenario(scenario([fault], cluster), 'faulty');
    return '';
  } catch (error) {
    if (error instanceof ScenarioError) return error.problems.join('\n');
    throw error;
  }
}

describe('a fault of the network', () => {
  test('has every default, and milliseconds', () => {
    const { faults } = validateScenario(
      scenario([
        { kind: 'partition', ...timed, shape: 'halves' },
        { kind: 'latency', ...onNode, delay: '100ms' },
        { kind: 'bandwidth', ...onNode, bytesPerSecond: 1_000, links: 'all' },
        { kind: 'loss', ...onNode, probability: 0.1 },
        { kind: 'reset', ...onNode },
        { kind: 'reset', ...onNode, every: '200ms' },
        { kind: 'hold', ...onNode },
        { kind: 'slow-close', ...onNode, delay: '1s' },
      ]),
      'faulty',
    );
    const valid = { atMs: 2_000, durationMs: 1_000, target: 'n1' };
    expect(faults).toEqual([
      { kind: 'partition', ...valid, target: 'leader', shape: 'halves', mode: 'hold', clients: false },
      { kind: 'latency', ...valid, delayMs: 100, jitterMs: 0, links: 'peers' },
      { kind: 'bandwidth', ...valid, bytesPerSecond: 1_000, links: 'all' },
      { kind: 'loss', ...valid, probability: 0.1, retransmitMs: 200, links: 'peers' },
      { kind: 'reset', ...valid, links: 'peers' },
      { kind: 'reset', ...valid, everyMs: 200, links: 'peers' },
      { kind: 'hold', ...valid, links: 'all' },
      { kind: 'slow-close', ...valid, delayMs: 1_000, links: 'peers' },
    ]);
  });

  test.each<[object, string]>([
    [
      { kind: 'partition', ...timed, shape: 'halfs' },
      "faulty: faults[0].shape must be 'halves' or 'majority' or 'minority' or 'isolate-leader' or 'majorities-ring' or 'bridge' or 'one-way', not 'halfs'; did you mean 'halves'?",
    ],
    [
      { kind: 'partition', ...timed, shape: 'halves', target: 'n1' },
      "faulty: faults[0].target has no meaning for the shape 'halves', which says by itself whom it befalls",
    ],
    [
      { kind: 'partition', ...timed, shape: 'bridge', clients: true },
      "faulty: faults[0].clients has no meaning for the shape 'bridge', which leaves no node without a majority",
    ],
    [
      { kind: 'partition', ...timed, shape: 'majorities-ring' },
      "faulty: faults[0].shape 'majorities-ring' needs at least 4 nodes, not 3",
    ],
    [
      { kind: 'partition', ...timed, shape: 'one-way', target: 'n7' },
      "faulty: faults[0].target must be one of leader, follower, random, n1, n2, n3, not 'n7'",
    ],
    [{ kind: 'latency', ...onNode }, 'faulty: faults[0].delay is missing'],
    [{ kind: 'latency', ...onNode, delay: 0 }, 'faulty: faults[0].delay must be a duration > 0'],
    [{ kind: 'loss', ...onNode, probability: 1 }, 'faulty: faults[0].probability must be a number above 0 and below 1, not 1'],
    [{ kind: 'bandwidth', ...onNode, bytesPerSecond: 0 }, 'faulty: faults[0].bytesPerSecond must be a number > 0, not 0'],
    [
      { kind: 'hold', ...onNode, links: 'client' },
      "faulty: faults[0].links must be 'peers' or 'clients' or 'all', not 'client'; did you mean 'clients'?",
    ],
    [{ kind: 'crash', ...onNode, delay: 5 }, "faulty: faults[0] has no option 'delay'"],
  ])('%j is refused', (fault, message) => {
    expect(problemsOf(fault)).toContain(message);
  });

  test.each([
    ['halves', 2],
    ['isolate-leader', 1],
    ['one-way', 1],
    ['bridge', 2],
  ])('the shape %s is refused for %i nodes', (shape, nodes) => {
    expect(problemsOf({ kind: 'partition', ...timed, shape }, { nodes })).toMatch(/needs at least \d nodes/);
  });

  test('a cluster of one node has no peers to keep away, but clients', () => {
    const hold = (links: string) => problemsOf({ kind: 'hold', ...onNode, links }, { nodes: 1 });
    expect(hold('peers')).toBe("faulty: faults[0].links cannot be 'peers' in a cluster of one node");
    expect(hold('clients')).toBe('');
  });

  test('needs links', () => {
    const message = 'faulty: faults[0] (hold) needs links: cluster.links must be true, and --links not off';
    expect(problemsOf({ kind: 'hold', ...onNode }, { nodes: 3, links: false })).toBe(message);
    const valid = validateScenario(scenario([{ kind: 'hold', ...onNode }]), 'faulty');
    expect(() => withOverrides(valid, { links: false })).toThrow(message);
    const crash = validateScenario(scenario([{ kind: 'crash', ...onNode }]), 'faulty');
    expect(withOverrides(crash, { links: false }).cluster).toEqual({ nodes: 3, reads: 'any', links: false });
  });

  test('may overlap any other, while two faults of one process may not', () => {
    const hold = { kind: 'hold', ...onNode };
    const crash = { kind: 'crash', ...onNode };
    expect(validateScenario(scenario([hold, crash, hold]), 'faulty').faults.length).toBe(3);
    expect(() => validateScenario(scenario([hold, crash, crash]), 'faulty')).toThrow(
      'faults[2] must not overlap faults[1]: n1 would be out already',
    );
  });
});
