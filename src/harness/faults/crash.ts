// crash: SIGKILL, then a start on the same data. Proven by how the processes ended, by their coming back, and, when one led a
// cluster that can do without them, by a leader in a higher term.

import { chooseNodes, toEach } from './choose-node.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { before, proofOf } from './observe.ts';

/** @param wanted see chooseNodes. */
export async function beginCrash(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const { target } = context;
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  const endings = await toEach(
    nodes,
    (node) => target.crash(node),
    (node) => target.restart(node),
  );
  const back = new Set<string>();
  return {
    kind: 'crash',
    wanted,
    nodes,
    end: () => bringBack(nodes, target, back),
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.map((node, at) => {
          const killed = endings[at] === 'SIGKILL';
          const led = node === seen.leader ? ', the leader,' : '';
          return {
            holds: killed,
            text: killed
              ? `the process of ${node}${led} ended by SIGKILL`
              : `the process of ${node} ended otherwise: ${endings[at]}`,
          };
        }),
        seen.replacement(),
        ...returns(nodes, back),
      ]),
  };
}

/** Starts the nodes again, all at once; `back` gets those that came. Rejects when one does not, after the others did. */
export async function bringBack(
  nodes: readonly string[],
  target: Pick<FaultContext['target'], 'restart'>,
  back: Set<string>,
): Promise<void> {
  const restarts = await Promise.allSettled(
    nodes.map(async (node) => {
      await target.restart(node);
      back.add(node);
    }),
  );
  const failed = restarts.find((restart) => restart.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

export function returns(nodes: readonly string[], back: ReadonlySet<string>) {
  return nodes.map((node) => ({
    holds: back.has(node),
    text: back.has(node) ? `${node} came back on its data` : `${node} did not come back`,
  }));
}
