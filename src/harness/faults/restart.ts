// restart: a planned one. SIGTERM, the node ends in good order, then it starts on the same data. Proven by how it ended, by its
// coming back, and, when it led a cluster that can do without it, by a leader in a higher term.

import { chooseNodes, toEach } from './choose-node.ts';
import { bringBack, returns } from './crash.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { before, proofOf } from './observe.ts';

/** Some end themselves by the signal, after they have closed everything: a launcher that has seen it says so. */
const isOrderly = (how: string | undefined): boolean => how === 'exit code 0' || how?.startsWith('in good order') === true;

/** @param wanted see chooseNodes. */
export async function beginRestart(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const { target } = context;
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  const endings = await toEach(
    nodes,
    (node) => target.shutDown(node),
    (node) => target.restart(node),
  );
  const back = new Set<string>();
  return {
    kind: 'restart',
    wanted,
    nodes,
    end: () => bringBack(nodes, target, back),
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.map((node, at) => {
          const led = node === seen.leader ? ', the leader,' : '';
          return {
            holds: isOrderly(endings[at]),
            text: isOrderly(endings[at])
              ? `${node}${led} ended in good order when it was asked to`
              : `${node}${led} did not end in good order: ${endings[at]}`,
          };
        }),
        seen.replacement(),
        ...returns(nodes, back),
      ]),
  };
}
