// Which nodes a fault befalls.

import { assert, known } from '../../runtime/assert.ts';
import type { FaultContext } from './fault.ts';

type Choice = Pick<FaultContext, 'target' | 'random'>;

/**
 * The nodes of a fault, at least one, in the order of their names.
 * @param wanted a node's name; 'leader', 'follower' or 'random' for one node; 'all'; 'majority' for the fewest nodes without which
 * nothing can be committed, the leader among them; 'minority' for the most without which the others still can, drawn from all.
 * Throws AssertionError when there are no such nodes at this moment.
 */
export function chooseNodes(wanted: string, { target, random }: Choice): string[] {
  const names = target.nodes.map((node) => node.id);
  const leader = target.leader();
  const some = (count: number, first: readonly string[]) => {
    const rest = random.shuffle(names.filter((name) => !first.includes(name)));
    const chosen = [...first, ...rest].slice(0, count);
    return names.filter((name) => chosen.includes(name));
  };
  switch (wanted) {
    case 'all':
      return names;
    case 'majority':
      return some(quorumOf(names.length), leader === undefined ? [] : [leader]);
    case 'minority':
      assert(names.length > 2, `a cluster of ${names.length} has no minority that it could do without`);
      return some(names.length - quorumOf(names.length), []);
    case 'random':
      return [random.pick(names)];
    case 'leader':
      return [known(leader, 'a fault on the leader begins only while there is one')];
    case 'follower':
      return [random.pick(names.filter((name) => name !== leader))];
    default:
      assert(names.includes(wanted), `no such node: ${wanted}`);
      return [wanted];
  }
}

/** The node of a fault that befalls one. As `chooseNodes`, but not for several. */
export function chooseNode(wanted: string, choice: Choice): string {
  const [node, ...others] = chooseNodes(wanted, choice);
  assert(others.length === 0, `one node is meant, not ${wanted}`);
  return known(node, `no such node: ${wanted}`);
}

/** Whether the others are enough to elect a leader when so many nodes are out. */
export function majorityRemains(nodes: number, out = 1): boolean {
  return nodes - out >= quorumOf(nodes);
}

function quorumOf(nodes: number): number {
  return Math.floor(nodes / 2) + 1;
}

/**
 * Does something to several nodes at once. When it fails for one, `undo` is called for those it was done to, and the first
 * failure is thrown.
 */
export async function toEach<T>(
  nodes: readonly string[],
  act: (node: string) => Promise<T>,
  undo: (node: string) => Promise<void>,
): Promise<T[]> {
  // Begun for all before any is waited for: nodes that are to fail together must not see one another fail.
  const done = await Promise.allSettled(nodes.map(act));
  const failed = done.find((each) => each.status === 'rejected');
  if (failed === undefined) return done.map((each) => (each as PromiseFulfilledResult<T>).value);
  await Promise.allSettled(nodes.filter((_, at) => done[at]?.status === 'fulfilled').map(undo));
  throw failed.reason;
}
