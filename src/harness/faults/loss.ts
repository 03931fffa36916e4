// loss: packets to and from a node are lost and sent again, as TCP does it: they come late, and what is behind them waits. Proven
// by how many were.

import type { ValidLoss } from '../scenario/valid-scenario.ts';
import { chooseNode } from './choose-node.ts';
import { directionsOf, disturb, rise, totalBefore, withRule } from './disturbance.ts';
import { count, evidence, loadedBefore, proofFrom } from './evidence.ts';
import type { ActiveFault, FaultContext } from './fault.ts';

export async function beginLoss(fault: ValidLoss, context: FaultContext): Promise<ActiveFault> {
  const { kind, target: wanted, probability: lossProbability, retransmitMs } = fault;
  const node = chooseNode(wanted, context);
  const succeededBefore = context.witness.operationsSucceeded();
  const rule = { lossProbability, retransmitMs };
  const disturbance = await disturb(context, withRule(directionsOf(node, fault.links, context), rule));
  return {
    kind,
    wanted,
    nodes: [node],
    end: () => disturbance.end(),
    proof() {
      const readings = disturbance.readings();
      const demand = totalBefore(readings, 'bytesForwarded');
      const lost = rise(readings, 'chunksLost', 'before');
      const delayed = rise(readings, 'chunksDelayed', 'before');
      return proofFrom(
        loadedBefore(succeededBefore),
        evidence(demand > 0, `${count(demand, 'byte')} had gone there before`, 'nothing had gone there before'),
        evidence(
          lost > 0,
          `${count(lost, 'chunk')} lost a packet, ${delayed.toLocaleString('en')} came late`,
          'no packet was lost',
        ),
      );
    },
  };
}
