// slow-close: the connections of a node break, and those who did not dial them hear of it only later; until then they talk to
// nobody. Proven by how many were reset, and how many ends came late.

import { formatDuration } from '../../runtime/duration.ts';
import type { ValidSlowClose } from '../scenario/valid-scenario.ts';
import { chooseNode } from './choose-node.ts';
import { directionsOf, disturb, linksOf, rise, withRule } from './disturbance.ts';
import { count, evidence, loadedBefore, proofFrom } from './evidence.ts';
import type { ActiveFault, FaultContext } from './fault.ts';

export async function beginSlowClose(fault: ValidSlowClose, context: FaultContext): Promise<ActiveFault> {
  const { kind, target: wanted, delayMs } = fault;
  const node = chooseNode(wanted, context);
  const directions = directionsOf(node, fault.links, context);
  const succeededBefore = context.witness.operationsSucceeded();
  const disturbance = await disturb(context, withRule(directions, { closeDelayMs: delayMs }));
  try {
    // A connection carries both directions: one of each pair is enough.
    await linksOf(context).reset(directions.filter(({ from }) => from === node));
  } catch (error) {
    await disturbance.end();
    throw error;
  }
  return {
    kind,
    wanted,
    nodes: [node],
    end: () => disturbance.end(),
    proof() {
      const readings = disturbance.readings();
      const broken = rise(readings, 'resets', 'before');
      const late = rise(readings, 'closesDelayed', 'before');
      return proofFrom(
        loadedBefore(succeededBefore),
        evidence(broken > 0, `${count(broken, 'connection')} broke at the end that had dialled`, 'no connection broke'),
        evidence(late > 0, `${count(late, 'end')} came ${formatDuration(delayMs)} late`, 'nobody heard late of an end'),
      );
    },
  };
}
