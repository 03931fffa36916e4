// hold: nothing reaches a node or leaves it, its connections stay, and afterwards everything arrives.

import type { ValidHold } from '../scenario/valid-scenario.ts';
import { beginBlockage } from './blockage.ts';
import { chooseNode } from './choose-node.ts';
import { directionsOf } from './disturbance.ts';
import type { ActiveFault, FaultContext } from './fault.ts';

export async function beginHold({ kind, target: wanted, links }: ValidHold, context: FaultContext): Promise<ActiveFault> {
  const node = chooseNode(wanted, context);
  const whom = { peers: 'the other nodes', clients: 'clients', all: 'anybody' }[links];
  return beginBlockage(
    {
      kind,
      wanted,
      nodes: [node],
      description: `nothing goes between ${node} and ${whom}`,
      blocked: directionsOf(node, links, context),
      mode: 'hold',
    },
    context,
  );
}
