// Which node a fault befalls.

import { assert, known } from '../../runtime/assert.ts';
import type { FaultContext } from './fault.ts';

/** @param wanted a node's name, 'leader' or 'follower'. Throws AssertionError when there is no such node at this moment. */
export function chooseNode(wanted: string, { target, random }: FaultContext): string {
  const names = target.nodes.map((node) => node.id);
  if (wanted === 'leader') return known(target.leader(), 'a fault on the leader begins only while there is one');
  if (wanted === 'follower') return random.pick(names.filter((name) => name !== target.leader()));
  assert(names.includes(wanted), `no such node: ${wanted}`);
  return wanted;
}

/** Whether the others are enough to elect a leader. */
export function majorityRemains(nodes: number): boolean {
  return nodes - 1 >= Math.floor(nodes / 2) + 1;
}
