// pause: SIGSTOP, then SIGCONT. Proven by the state of the process at both ends of the fault, and, when it led a cluster that
// can do without it, by a leader in a higher term.

import { chooseNode, majorityRemains } from './choose-node.ts';
import type { ActiveFault, FaultContext } from './fault.ts';

/** @param wanted a node's name, 'leader' or 'follower'. */
export async function beginPause(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const { target, witness } = context;
  const node = chooseNode(wanted, context);
  const replaceable = target.leader() === node && majorityRemains(target.nodes.length);
  const succeededBefore = witness.operationsSucceeded();
  const termBefore = witness.highestLeaderTerm();
  await target.pause(node);
  let stayed = false;
  let resumed = false;
  return {
    kind: 'pause',
    wanted,
    nodes: [node],
    async end() {
      stayed = target.isPaused(node);
      await target.resume(node);
      resumed = !target.isPaused(node);
    },
    proof() {
      const termAfter = witness.highestLeaderTerm();
      const loaded = succeededBefore > 0;
      const replaced = termAfter > termBefore;
      const observations = [
        loaded
          ? `${succeededBefore} operations had succeeded before`
          : 'no operation had succeeded before, so nothing was disturbed',
        stayed
          ? `the process of ${node} was stopped at the beginning and at the end`
          : `the process of ${node} did not stay stopped`,
        ...(replaceable
          ? [replaced ? `a new leader in term ${termAfter}, after term ${termBefore}` : `no new leader after term ${termBefore}`]
          : []),
        resumed ? `${node} runs again` : `${node} does not run again`,
      ];
      return { proven: loaded && stayed && resumed && (!replaceable || replaced), observations };
    },
  };
}
