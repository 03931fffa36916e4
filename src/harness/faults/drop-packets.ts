// drop-packets: iptables drops packets in the network namespace of a node's container, what comes and what goes: real loss, below
// TCP. Proven by the kernel's own count of what the rules dropped, and, when nothing passes and the node led a cluster that can do
// without it, by a leader in a higher term.

import { chooseNodes, toEach } from './choose-node.ts';
import { containersOf } from './disconnect.ts';
import { count } from './evidence.ts';
import type { ActiveFault, FaultContext, PacketFilter } from './fault.ts';
import { before, proofOf } from './observe.ts';

/** @param wanted see chooseNodes. @param probability of one packet to be dropped, 0 < p <= 1. */
export async function beginDropPackets(wanted: string, probability: number, context: FaultContext): Promise<ActiveFault> {
  const containers = containersOf(context);
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  const filters = new Map<string, PacketFilter>();
  await toEach(
    nodes,
    async (node) => {
      filters.set(node, await containers.dropPackets(node, probability));
    },
    async (node) => filters.get(node)?.lift(),
  );
  const dropped = new Map<string, number>();
  return {
    kind: 'drop-packets',
    wanted,
    nodes,
    async end() {
      const done = await Promise.allSettled(
        [...filters].map(async ([node, filter]) => {
          dropped.set(node, await filter.dropped());
          await filter.lift();
        }),
      );
      const failed = done.find((each) => each.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.map((node) => {
          const packets = dropped.get(node) ?? 0;
          return { holds: packets > 0, text: `${count(packets, 'packet')} to and from ${node} dropped by iptables` };
        }),
        probability === 1 ? seen.replacement() : { holds: true, text: undefined },
      ]),
  };
}
