// pause: SIGSTOP, then SIGCONT. Proven by the state of the processes at both ends of the fault, and, when one led a cluster that
// can do without them, by a leader in a higher term.

import { chooseNodes, toEach } from './choose-node.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { before, proofOf } from './observe.ts';

/** @param wanted see chooseNodes. */
export async function beginPause(wanted: string, context: FaultContext): Promise<ActiveFault> {
  const { target } = context;
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  await toEach(
    nodes,
    (node) => target.pause(node),
    (node) => target.resume(node),
  );
  const stayed = new Set<string>();
  const resumed = new Set<string>();
  return {
    kind: 'pause',
    wanted,
    nodes,
    async end() {
      for (const node of nodes) if (await target.isPaused(node)) stayed.add(node);
      const resumes = await Promise.allSettled(nodes.map((node) => target.resume(node)));
      for (const node of nodes) if (!(await target.isPaused(node))) resumed.add(node);
      const failed = resumes.find((resume) => resume.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.map((node) => ({
          holds: stayed.has(node),
          text: stayed.has(node)
            ? `the process of ${node} was stopped at the beginning and at the end`
            : `the process of ${node} did not stay stopped`,
        })),
        seen.replacement(),
        ...nodes.map((node) => ({
          holds: resumed.has(node),
          text: resumed.has(node) ? `${node} runs again` : `${node} does not run again`,
        })),
      ]),
  };
}
