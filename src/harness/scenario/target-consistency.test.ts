import { describe, expect, test } from 'vitest';
import { ScenarioError } from './options.ts';
import type { TargetSpec } from './scenario.ts';
import { validateScenario, withOverrides } from './validate.ts';

const timed = { at: '2s', duration: '1s' };
const onNode = { ...timed, target: 'n1' };

function scenario(target: object | undefined, faults: readonly object[] = [], workload: object = { kind: 'set' }) {
  return {
    name: 'aimed',
    description: 'For a test.',
    ...(target && { target }),
    cluster: { nodes: 3 },
    warmup: '1s',
    loads: { a: { executor: 'constant-vus', workload, vus: 1, duration: '20s' } },
    faults,
  };
}

function problemsOf(act: () => unknown): readonly string[] {
  try {
    act();
    return [];
  } catch (error) {
    if (error instanceof ScenarioError) return error.problems;
    throw error;
  }
}

const problems = (...parts: Parameters<typeof scenario>) => problemsOf(() => validateScenario(scenario(...parts), 'aimed'));

const EXTERNAL = { kind: 'external', endpoints: ['127.0.0.1:1'] };

describe('etcd', () => {
  test('has faults of processes and of the network', () => {
    const faults = [
      { kind: 'crash', ...onNode },
      { kind: 'pause', ...onNode, at: '4s' },
      { kind: 'restart', ...onNode, at: '6s' },
      { kind: 'partition', ...timed, shape: 'one-way' },
      { kind: 'latency', ...onNode, delay: '100ms' },
    ];
    expect(problems({ kind: 'etcd' }, faults)).toEqual([]);
  });

  test.each([
    [{ kind: 'wipe' }, /^aimed: faults\[0\] \(wipe\) cannot be had with etcd: .*removed and another one added/],
    [{ kind: 'clock-skew', offset: '1s' }, /\(clock-skew\).* needs a node of ours/],
    [{ kind: 'slow-disk', delay: '1s' }, /\(slow-disk\).* needs a node of ours/],
    [{ kind: 'full-disk' }, /\(full-disk\).* needs a node of ours/],
  ])('refuses %j with a reason', (fault, message) => {
    const [problem, ...more] = problems({ kind: 'etcd' }, [{ ...onNode, ...fault }]);
    expect(problem).toMatch(message);
    expect(more).toEqual([]);
  });

  test.each([{ kind: 'etcd' }, { ...EXTERNAL, protocol: 'etcd' }])('has no SQL: %j', (target) => {
    expect(problems(target, [], { kind: 'sql', statements: [{ sql: 'select 1' }] })).toEqual([
      expect.stringMatching(/^aimed: loads\.a\.workload cannot be 'sql' for etcd/),
    ]);
  });
});

describe('compose', () => {
  test('has faults of containers that were there before', () => {
    const faults = [
      { kind: 'crash', ...onNode },
      { kind: 'pause', ...onNode, at: '4s' },
      { kind: 'restart', ...onNode, at: '6s' },
    ];
    expect(problems({ kind: 'compose' }, faults)).toEqual([]);
  });

  test.each([
    [{ kind: 'wipe' }, /\(wipe\) cannot be had with compose: .*launches \(--target process or docker\), which takes orders/],
    [{ kind: 'clock-skew', offset: '1s' }, /\(clock-skew\).* takes orders/],
    [{ kind: 'slow-disk', delay: '1s' }, /\(slow-disk\).* takes orders/],
    [{ kind: 'full-disk' }, /\(full-disk\).* takes orders/],
    [{ kind: 'latency', delay: '100ms' }, /\(latency\) cannot be had with compose: .*links .*launches/],
    [{ kind: 'partition', shape: 'halves' }, /\(partition\).* needs links/],
    [{ kind: 'disconnect' }, /\(disconnect\) needs nodes in containers \(--target docker\), not compose/],
  ])('refuses %j with a reason', (fault, message) => {
    const { target: _, ...untargeted } = onNode;
    const [problem, ...more] = problems({ kind: 'compose' }, [
      { ...(fault.kind === 'partition' ? untargeted : onNode), ...fault },
    ]);
    expect(problem).toMatch(message);
    expect(more).toEqual([]);
  });
});

describe('an external target', () => {
  test('refuses every fault by its name', () => {
    const faults = [
      { kind: 'crash', ...onNode },
      { kind: 'partition', ...timed, shape: 'halves' },
    ];
    expect(problems(EXTERNAL, faults)).toEqual([
      expect.stringContaining('faults[0] (crash) needs a target that is launched'),
      expect.stringContaining('faults[1] (partition) needs a target that is launched'),
    ]);
  });

  test('must be somewhere, and serve gRPC where the workload needs it', () => {
    expect(problems({ kind: 'external' })).toEqual([
      expect.stringMatching(/target\.endpoints must name at least one gRPC server .* loads\.a, .*'set'/),
    ]);
    expect(problems({ kind: 'external', httpEndpoints: ['127.0.0.1:2'] })).toHaveLength(1);
    const http = { kind: 'http', url: '/healthz' };
    expect(problems({ kind: 'external', httpEndpoints: ['127.0.0.1:2'] }, [], http)).toEqual([]);
    expect(problems({ kind: 'external' }, [], http)).toEqual([
      expect.stringContaining("or the target have httpEndpoints (--http-endpoint host:port) that the path '/healthz' is on"),
    ]);
    expect(problems({ kind: 'external' }, [], { kind: 'http', url: 'http://127.0.0.1:2/healthz' })).toEqual([]);
  });
});

describe('the command line names another target', () => {
  const own = (faults: readonly object[] = []) => validateScenario(scenario(undefined, faults), 'aimed');
  const aimedAt = (target: TargetSpec, faults?: readonly object[]) => withOverrides(own(faults), { target }).target;

  test('with its defaults', () => {
    expect(own().target).toEqual({ kind: 'process' });
    expect(withOverrides(own(), {}).target).toEqual({ kind: 'process' });
    expect(aimedAt({ kind: 'etcd' })).toEqual({ kind: 'etcd', binary: 'etcd' });
    expect(aimedAt({ kind: 'compose' })).toEqual({ kind: 'compose' });
    expect(aimedAt({ kind: 'compose', project: 'p' })).toEqual({ kind: 'compose', project: 'p' });
    expect(aimedAt({ kind: 'external', endpoints: ['a:1'] })).toEqual({
      kind: 'external',
      endpoints: ['a:1'],
      httpEndpoints: [],
      protocol: 'windtunnel',
    });
  });

  test('and it is checked like the one of the scenario', () => {
    expect(problemsOf(() => aimedAt({ kind: 'external', endpoints: ['nowhere'] }))).toEqual([
      expect.stringMatching(/^aimed: --target: endpoints\[0\] must be an address .*'nowhere'/),
    ]);
    expect(problemsOf(() => aimedAt({ kind: 'external', endpoints: ['a:1'] }, [{ kind: 'pause', ...onNode }]))).toEqual([
      expect.stringContaining('faults[0] (pause) needs a target that is launched'),
    ]);
  });
});
