// latency: everything to and from a node takes longer. Proven by messages that were sent the same way before and during it.

import { formatDuration } from '../../runtime/duration.ts';
import { type Direction, directionKey } from '../links/rule.ts';
import type { ValidLatency } from '../scenario/valid-scenario.ts';
import { chooseNode } from './choose-node.ts';
import { directionsOf, disturb, linksOf, rise, totalBefore, withRule } from './disturbance.ts';
import { count, type Evidence, evidence, loadedBefore, proofFrom } from './evidence.ts';
import type { ActiveFault, FaultContext, LinkControl } from './fault.ts';

const PROBES = 3;
/** What a probe may take on a machine that is busy with the load. */
const PROBE_PATIENCE_MS = 5_000;

export async function beginLatency(fault: ValidLatency, context: FaultContext): Promise<ActiveFault> {
  const { kind, target: wanted, delayMs, jitterMs } = fault;
  const links = linksOf(context);
  const node = chooseNode(wanted, context);
  const directions = directionsOf(node, fault.links, context);
  const succeededBefore = context.witness.operationsSucceeded();
  const before = await fastest(links, directions, PROBE_PATIENCE_MS);
  const disturbance = await disturb(context, withRule(directions, { delayMs, jitterMs }));
  // While the fault lasts; what is under way when it is lifted keeps its delay.
  const probing = fastest(links, directions, PROBE_PATIENCE_MS + (delayMs + jitterMs) * (PROBES + 1));
  probing.catch(() => {});
  let during: readonly (number | undefined)[] = [];
  return {
    kind,
    wanted,
    nodes: [node],
    async end() {
      try {
        during = await probing;
      } finally {
        await disturbance.end();
      }
    },
    proof() {
      const readings = disturbance.readings();
      const demand = totalBefore(readings, 'bytesForwarded');
      const delayed = rise(readings, 'chunksDelayed', 'inForce');
      return proofFrom(
        loadedBefore(succeededBefore),
        evidence(demand > 0, `${count(demand, 'byte')} had gone there before`, 'nothing had gone there before'),
        ...directions.map((direction, at) => slower(direction, delayMs, before[at], during[at])),
        evidence(delayed > 0, `${count(delayed, 'chunk')} of the cluster's own came later`, 'nothing of the cluster was delayed'),
      );
    },
  };
}

/** Of each direction the fastest of a few messages: what is above it is chance. */
function fastest(links: LinkControl, directions: readonly Direction[], timeoutMs: number): Promise<(number | undefined)[]> {
  return Promise.all(
    directions.map(async (direction) => {
      const samplesMs = await links.probe(direction, PROBES, timeoutMs);
      return samplesMs.length === 0 ? undefined : Math.min(...samplesMs);
    }),
  );
}

function slower(direction: Direction, delayMs: number, before: number | undefined, during: number | undefined): Evidence {
  const name = directionKey(direction);
  if (before === undefined || during === undefined) return { holds: false, observation: `${name}: the probe did not arrive` };
  return {
    // What was slow before by itself is not the fault's effect.
    holds: during >= delayMs && before < delayMs,
    observation: `${name} took ${formatDuration(before)} before and ${formatDuration(during)} during it`,
  };
}
