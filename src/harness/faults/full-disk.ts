// full-disk: the next write to the log of a node ends in the middle with ENOSPC. The node must end by itself then, for it can keep
// no promise any more; it is started again at the end of the fault, with room on its disk, and cuts the unfinished write off. Proven
// by the reason the node gave for its end and by its coming back.

import { chooseNodes, toEach } from './choose-node.ts';
import { bringBack, returns } from './crash.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { before, proofOf } from './observe.ts';

/** How a node ends whose log could not be written for want of room: not by a signal, and with its reason. */
const ENDED_FOR_IT = /^exit code [1-9].*\bENOSPC\b/;

/** @param wanted see chooseNodes. */
export async function beginFullDisk(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const { target } = context;
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  const free = async (node: string) => void (await target.inject(node, { inject: 'none', of: 'full-disk' }));
  const endings = new Map<string, string>();
  await toEach(
    nodes,
    async (node) => {
      // Watched before: its disk may be written in the same instant.
      void target.ended(node).then((how) => endings.set(node, how));
      await target.inject(node, { inject: 'full-disk' }).catch((error: unknown) => {
        // It may have ended for it before its answer came.
        if (!endings.has(node)) throw error;
      });
    },
    free,
  );
  const back = new Set<string>();
  return {
    kind: 'full-disk',
    wanted,
    nodes,
    async end() {
      const wrote = nodes.filter((node) => endings.has(node));
      await Promise.all(nodes.filter((node) => !endings.has(node)).map(free));
      await bringBack(wrote, target, back);
    },
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.map((node) => {
          const how = endings.get(node);
          const led = node === seen.leader ? ', the leader,' : '';
          const holds = how !== undefined && ENDED_FOR_IT.test(how);
          if (how === undefined) return { holds, text: `${node} wrote nothing to its disk while it was full` };
          return {
            holds,
            text: holds ? `${node}${led} ended by itself when its disk was full` : `${node} ended otherwise: ${how}`,
          };
        }),
        seen.replacement(),
        ...returns(nodes, back),
      ]),
  };
}
