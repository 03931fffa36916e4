// disconnect: a node in a container is taken off the network, interface and all, and put back. Proven by what the engine says of it
// at both ends of the fault, and, when it led a cluster that can do without it, by a leader in a higher term.

import { known } from '../../runtime/assert.ts';
import { chooseNodes, toEach } from './choose-node.ts';
import type { ActiveFault, ContainerControl, FaultContext } from './fault.ts';
import { before, proofOf } from './observe.ts';

export function containersOf({ target }: FaultContext): ContainerControl {
  return known(target.containers, 'this fault needs nodes in containers');
}

/** @param wanted see chooseNodes. */
export async function beginDisconnect(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const containers = containersOf(context);
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  await toEach(
    nodes,
    (node) => containers.disconnect(node),
    (node) => containers.reconnect(node),
  );
  const wasOff = new Map<string, boolean>();
  const afterwards = new Map<string, boolean>();
  for (const node of nodes) wasOff.set(node, !(await containers.isConnected(node)));
  return {
    kind: 'disconnect',
    wanted,
    nodes,
    async end() {
      for (const node of nodes) if (await containers.isConnected(node)) wasOff.set(node, false);
      const done = await Promise.allSettled(nodes.map((node) => containers.reconnect(node)));
      for (const node of nodes) afterwards.set(node, await containers.isConnected(node));
      const failed = done.find((each) => each.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.map((node) => ({
          holds: wasOff.get(node) === true,
          text: wasOff.get(node)
            ? `${node} was on no network at the beginning and at the end`
            : `${node} was on the network at the beginning or at the end`,
        })),
        seen.replacement(),
        ...nodes.map((node) => ({
          holds: afterwards.get(node) === true,
          text: afterwards.get(node) ? `${node} is on the network again` : `${node} did not come back to the network`,
        })),
      ]),
  };
}
