// wipe: a node is killed and its data deleted, and it is started with nothing: no log, no votes. It must catch up before it counts
// again. Proven by SIGKILL, by its saying that it has caught up, and, when it led a cluster that can do without it, by a leader in a
// higher term.

import { assert } from '../../runtime/assert.ts';
import { chooseNodes } from './choose-node.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { before, proofOf } from './observe.ts';

/** Everybody else must answer, and the whole log must be sent. */
const REJOIN_TIMEOUT_MS = 30_000;

/** @param wanted one node: see chooseNodes. Of several that lose everything, the cluster could not recover. */
export async function beginWipe(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const { target } = context;
  const nodes = chooseNodes(wanted, context);
  const [node] = nodes;
  assert(node !== undefined && nodes.length === 1, `one node can be wiped at a time, not ${nodes.join(', ')}`);
  const seen = before(nodes, context);
  const how = await target.wipe(node);
  let rejoined = false;
  return {
    kind: 'wipe',
    wanted,
    nodes,
    async end() {
      await target.restart(node);
      await target.waitForRejoin(node, REJOIN_TIMEOUT_MS);
      rejoined = true;
    },
    proof: () =>
      proofOf([
        seen.load(),
        {
          holds: how === 'SIGKILL',
          text:
            how === 'SIGKILL'
              ? `the process of ${node}${node === seen.leader ? ', the leader,' : ''} ended by SIGKILL, and its data was deleted`
              : `the process of ${node} ended otherwise: ${how}`,
        },
        seen.replacement(),
        {
          holds: rejoined,
          text: rejoined ? `${node} caught up from nothing and votes again` : `${node} did not catch up`,
        },
      ]),
  };
}
