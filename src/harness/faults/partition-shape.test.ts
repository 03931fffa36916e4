import { describe, expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import { CLIENT, directionKey } from '../links/rule.ts';
import { nodeNames } from '../scenario/valid-scenario.ts';
import { majorityOf, type PartitionRequest, planPartition, reachesMajority } from './partition-shape.ts';

const SEEDS = Array.from({ length: 20 }, (_, at) => at);

function plan(request: Partial<PartitionRequest> & Pick<PartitionRequest, 'shape'>, nodes: number, seed = 1) {
  const names = nodeNames(nodes);
  return {
    names,
    ...planPartition({ nodes: names, leader: 'n1', target: undefined, clients: false, random: new Random(seed), ...request }),
  };
}

/** Who reaches whom both ways, itself included. */
function reach(names: readonly string[], blocked: readonly { from: string; to: string }[]): string[][] {
  const keys = new Set(blocked.map(directionKey));
  return names.map((a) => names.filter((b) => !keys.has(`${a}->${b}`) && !keys.has(`${b}->${a}`)));
}

describe('a partition', () => {
  test.each([3, 4, 5, 9].flatMap((nodes) => SEEDS.map((seed) => [nodes, seed] as const)))(
    'into halves of %i nodes leaves a bare majority together and the others apart from it: seed %i',
    (nodes, seed) => {
      const { names, nodes: minority, blocked } = plan({ shape: 'halves' }, nodes, seed);
      expect(minority.length).toBe(nodes - majorityOf(nodes));
      for (const [at, reached] of reach(names, blocked).entries())
        expect(reached.length).toBe(minority.includes(names[at] as string) ? minority.length : majorityOf(nodes));
      expect(new Set(blocked.map(directionKey)).size).toBe(2 * minority.length * majorityOf(nodes));
    },
  );

  test('into halves befalls different nodes', () => {
    expect(new Set(SEEDS.map((seed) => plan({ shape: 'halves' }, 3, seed).nodes.join())).size).toBe(3);
  });

  test.each(SEEDS)('puts the leader where its shape says: seed %i', (seed) => {
    for (const nodes of [3, 5, 6]) {
      expect(plan({ shape: 'majority' }, nodes, seed).nodes).not.toContain('n1');
      expect(plan({ shape: 'majority' }, nodes, seed).nodes.length).toBe(nodes - majorityOf(nodes));
      expect(plan({ shape: 'minority' }, nodes, seed).nodes).toContain('n1');
      expect(plan({ shape: 'minority' }, nodes, seed).nodes.length).toBe(nodes - majorityOf(nodes));
      expect(plan({ shape: 'isolate-leader' }, nodes, seed).nodes).toEqual(['n1']);
    }
  });

  test.each([4, 5, 6, 7, 8, 9].flatMap((nodes) => SEEDS.slice(0, 5).map((seed) => [nodes, seed] as const)))(
    'in a ring of %i lets everybody reach a majority, no two the same: seed %i',
    (nodes, seed) => {
      const { names, blocked } = plan({ shape: 'majorities-ring', leader: undefined }, nodes, seed);
      const reached = reach(names, blocked);
      for (const [at, others] of reached.entries()) {
        expect(others.length).toBeGreaterThanOrEqual(majorityOf(nodes));
        expect(others.length).toBeLessThan(nodes);
        expect(reachesMajority(names[at] as string, names, blocked)).toBe(true);
      }
      expect(new Set(reached.map((others) => others.join())).size).toBe(nodes);
    },
  );

  test.each([3, 4, 5, 9])('with a bridge in %i nodes leaves one that reaches everybody', (nodes) => {
    const { names, blocked } = plan({ shape: 'bridge', leader: undefined }, nodes);
    const reached = reach(names, blocked).map((others) => others.length);
    expect(reached.filter((count) => count === nodes).length).toBe(1);
    expect(Math.max(...reached.filter((count) => count < nodes))).toBe(Math.ceil((nodes - 1) / 2) + 1);
  });

  test('that is one-way blocks what the target says, and nothing else', () => {
    const { blocked, names } = plan({ shape: 'one-way', target: 'n2' }, 3);
    expect(blocked.map(directionKey)).toEqual(['n2->n1', 'n2->n3']);
    expect(reachesMajority('n2', names, blocked)).toBe(false);
    expect(reachesMajority('n1', names, blocked)).toBe(true);
    const withClients = plan({ shape: 'one-way', target: 'n2', clients: true }, 3);
    expect(withClients.blocked.map(directionKey)).toContain(`n2->${CLIENT}`);
    expect(withClients.blocked.map(directionKey)).not.toContain(`${CLIENT}->n2`);
  });

  test('keeps clients away from those without a majority when it is told to', () => {
    const { blocked } = plan({ shape: 'isolate-leader', clients: true }, 3);
    expect(blocked.map(directionKey).filter((key) => key.includes(CLIENT))).toEqual([`n1->${CLIENT}`, `${CLIENT}->n1`]);
  });

  test.each(['majority', 'minority', 'isolate-leader'] as const)('of the shape %s needs a leader', (shape) => {
    expect(() => plan({ shape, leader: undefined }, 3)).toThrow(
      `a partition of the shape '${shape}' begins only while there is a leader`,
    );
  });
});
