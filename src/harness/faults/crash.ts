// crash: SIGKILL, then a start on the same data. Proven by how the process ended, by its coming back, and, when it led a
// cluster that can do without it, by a leader in a higher term.

import { chooseNode, majorityRemains } from './choose-node.ts';
import type { ActiveFault, FaultContext, FaultProof } from './fault.ts';

/** @param wanted a node's name, 'leader' or 'follower'. */
export async function beginCrash(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const { target, witness } = context;
  const node = chooseNode(wanted, context);
  const led = target.leader() === node;
  const succeededBefore = witness.operationsSucceeded();
  const termBefore = witness.highestLeaderTerm();
  const how = await target.crash(node);
  let back = false;
  return {
    kind: 'crash',
    wanted,
    nodes: [node],
    async end() {
      await target.restart(node);
      back = true;
    },
    proof: () =>
      proofOf({
        node,
        led,
        how,
        back,
        succeededBefore,
        termBefore,
        termAfter: witness.highestLeaderTerm(),
        nodes: target.nodes.length,
      }),
  };
}

function proofOf(seen: {
  readonly node: string;
  readonly led: boolean;
  readonly how: string;
  readonly back: boolean;
  readonly succeededBefore: number;
  readonly termBefore: number;
  readonly termAfter: number;
  readonly nodes: number;
}): FaultProof {
  const { node, led, how, back, succeededBefore, termBefore, termAfter } = seen;
  const killed = how === 'SIGKILL';
  const loaded = succeededBefore > 0;
  const majorityLeft = majorityRemains(seen.nodes);
  const replaced = termAfter > termBefore;
  const observations = [
    loaded ? `${succeededBefore} operations had succeeded before` : 'no operation had succeeded before, so nothing was disturbed',
    killed
      ? `the process of ${node}${led ? ', the leader,' : ''} ended by SIGKILL`
      : `the process of ${node} ended otherwise: ${how}`,
    ...(led && majorityLeft
      ? [replaced ? `a new leader in term ${termAfter}, after term ${termBefore}` : `no new leader after term ${termBefore}`]
      : []),
    back ? `${node} came back on its data` : `${node} did not come back`,
  ];
  return { proven: killed && loaded && back && (!led || !majorityLeft || replaced), observations };
}
