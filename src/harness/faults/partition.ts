// partition: links between nodes are taken away in one of Jepsen's shapes, and given back.

import { subjectOf, type ValidPartition } from '../scenario/valid-scenario.ts';
import { beginBlockage } from './blockage.ts';
import { chooseNode } from './choose-node.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { planPartition } from './partition-shape.ts';

export async function beginPartition(fault: ValidPartition, context: FaultContext): Promise<ActiveFault> {
  const { target, random } = context;
  const plan = planPartition({
    shape: fault.shape,
    nodes: target.nodes.map(({ id }) => id),
    leader: target.leader(),
    target: fault.shape === 'one-way' ? chooseNode(fault.target, context) : undefined,
    clients: fault.clients,
    random,
  });
  return beginBlockage({ kind: fault.kind, wanted: subjectOf(fault), mode: fault.mode, ...plan }, context);
}
