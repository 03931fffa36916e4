// reset: the connections of a node are reset, once or again and again. Proven by how many were.

import type { ValidReset } from '../scenario/valid-scenario.ts';
import { chooseNode } from './choose-node.ts';
import { directionsOf, disturb, linksOf, rise, totalBefore, withRule } from './disturbance.ts';
import { count, evidence, loadedBefore, proofFrom } from './evidence.ts';
import type { ActiveFault, FaultContext } from './fault.ts';

export async function beginReset(fault: ValidReset, context: FaultContext): Promise<ActiveFault> {
  const { kind, target: wanted, everyMs } = fault;
  const node = chooseNode(wanted, context);
  // A connection carries both directions: one of each pair is enough.
  const directions = directionsOf(node, fault.links, context).filter(({ from }) => from === node);
  const succeededBefore = context.witness.operationsSucceeded();
  const disturbance = await disturb(context, withRule(directions, everyMs === undefined ? {} : { resetEveryMs: everyMs }));
  if (everyMs === undefined) {
    try {
      await linksOf(context).reset(directions);
    } catch (error) {
      await disturbance.end();
      throw error;
    }
  }
  return {
    kind,
    wanted,
    nodes: [node],
    end: () => disturbance.end(),
    proof() {
      const readings = disturbance.readings();
      const open = totalBefore(readings, 'connectionsOpen');
      const broken = rise(readings, 'resets', 'before');
      const made = rise(readings, 'connectionsTotal', 'before');
      return proofFrom(
        loadedBefore(succeededBefore),
        evidence(open > 0, `${count(open, 'connection')} had been open`, 'no connection had been open'),
        evidence(
          broken > 0,
          `${count(broken, 'connection')} reset, ${made.toLocaleString('en')} made anew`,
          'no connection was reset',
        ),
      );
    },
  };
}
