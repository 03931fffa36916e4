// slow-disk: every fdatasync of the log takes longer. Proven by the times of those that the nodes measured meanwhile, of which there
// must be some.

import { formatDuration } from '../../runtime/duration.ts';
import { chooseNodes, toEach } from './choose-node.ts';
import type { ActiveFault, FaultContext, NodeState } from './fault.ts';
import { before, type Observed, proofOf } from './observe.ts';

/** @param wanted see chooseNodes. */
export async function beginSlowDisk(wanted: string, delayMs: number, context: FaultContext): Promise<ActiveFault> {
  const { target } = context;
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  const undo = (node: string) => target.inject(node, { inject: 'none', of: 'slow-disk' });
  await toEach(
    nodes,
    (node) => target.inject(node, { inject: 'slow-disk', delayMs }),
    async (node) => void (await undo(node)),
  );
  const ended = new Map<string, NodeState>();
  return {
    kind: 'slow-disk',
    wanted,
    nodes,
    async end() {
      const reports = await Promise.allSettled(
        nodes.map(async (node) => {
          ended.set(node, (await undo(node)).before);
        }),
      );
      const failed = reports.find((report) => report.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.map((node): Observed => {
          const measured = ended.get(node);
          if (measured === undefined) return { holds: false, text: `${node} did not say what its disk did` };
          const { syncs, shortestSyncMs, longestSyncMs } = measured;
          if (syncs === 0) return { holds: false, text: `${node} wrote nothing to its disk while it was slow` };
          return {
            // A timer may fire a fraction of a millisecond early.
            holds: shortestSyncMs >= delayMs - 1,
            text: `${syncs} writes to the disk of ${node} took ${formatDuration(shortestSyncMs)} to ${formatDuration(longestSyncMs)}`,
          };
        }),
      ]),
  };
}
