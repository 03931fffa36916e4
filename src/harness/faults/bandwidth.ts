// bandwidth: only so much per second goes to and from a node. Proven by what went through, and by what had to wait for it.

import { directionKey } from '../links/rule.ts';
import type { ValidBandwidth } from '../scenario/valid-scenario.ts';
import { chooseNode } from './choose-node.ts';
import { directionsOf, disturb, type Reading, rise, totalBefore, withRule } from './disturbance.ts';
import { count, type Evidence, evidence, loadedBefore, proofFrom } from './evidence.ts';
import type { ActiveFault, FaultContext } from './fault.ts';

export async function beginBandwidth(fault: ValidBandwidth, context: FaultContext): Promise<ActiveFault> {
  const { kind, target: wanted, bytesPerSecond } = fault;
  const node = chooseNode(wanted, context);
  const succeededBefore = context.witness.operationsSucceeded();
  const disturbance = await disturb(context, withRule(directionsOf(node, fault.links, context), { bytesPerSecond }));
  return {
    kind,
    wanted,
    nodes: [node],
    end: () => disturbance.end(),
    proof() {
      const readings = disturbance.readings();
      const demand = totalBefore(readings, 'bytesForwarded');
      const waited = rise(readings, 'chunksThrottled', 'inForce');
      return proofFrom(
        loadedBefore(succeededBefore),
        evidence(demand > 0, `${count(demand, 'byte')} had gone there before`, 'nothing had gone there before'),
        withinLimit(readings, bytesPerSecond),
        evidence(waited > 0, `${count(waited, 'piece')} had to wait`, 'nothing had to wait'),
      );
    },
  };
}

function withinLimit(readings: readonly Reading[], bytesPerSecond: number): Evidence {
  const rates = readings.map(({ direction, inForce, last }) => ({
    name: directionKey(direction),
    // What went before the counters were read again, a moment after the rule, is not counted: so the limit is exact.
    perSecond: ((last.bytesForwarded - inForce.bytesForwarded) / Math.max(1, last.atMs - inForce.atMs)) * 1_000,
  }));
  const fastest = rates.reduce((most, rate) => (rate.perSecond > most.perSecond ? rate : most));
  const seen = `${Math.round(fastest.perSecond).toLocaleString('en')} bytes/s at most (${fastest.name})`;
  const limit = `${bytesPerSecond.toLocaleString('en')} allowed`;
  // One piece may have been on its way when the counting began.
  const tolerance = 1.05;
  return evidence(fastest.perSecond <= bytesPerSecond * tolerance, `${seen} of ${limit}`, `${seen}, more than the ${limit}`);
}
