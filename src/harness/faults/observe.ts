// What the faults that put nodes out of action have in common: was there a load to disturb, and was a leader replaced.

import { majorityRemains } from './choose-node.ts';
import type { FaultContext } from './fault.ts';

export interface Observed {
  readonly holds: boolean;
  /** A sentence; undefined when there is nothing to say. */
  readonly text: string | undefined;
}

export interface Before {
  readonly leader: string | undefined;
  /** Whether operations had succeeded before the fault. */
  load(): Observed;
  /**
   * Whether a leader in a higher term was heard of since. Asked for only when the leader is among the nodes that are out and the
   * others are enough to replace it; holds otherwise.
   */
  replacement(): Observed;
}

/** Call it before the fault begins. */
export function before(nodes: readonly string[], { target, witness }: FaultContext): Before {
  const leader = target.leader();
  const succeeded = witness.operationsSucceeded();
  const term = witness.highestLeaderTerm();
  const replaceable = leader !== undefined && nodes.includes(leader) && majorityRemains(target.nodes.length, nodes.length);
  return {
    leader,
    load: () => ({
      holds: succeeded > 0,
      text:
        succeeded > 0
          ? `${succeeded} operations had succeeded before`
          : 'no operation had succeeded before, so nothing was disturbed',
    }),
    replacement() {
      if (!replaceable) return { holds: true, text: undefined };
      const after = witness.highestLeaderTerm();
      const replaced = after > term;
      return {
        holds: replaced,
        text: replaced ? `a new leader in term ${after}, after term ${term}` : `no new leader after term ${term}`,
      };
    },
  };
}

/** A fault is proven when all of it holds. */
export function proofOf(observed: readonly Observed[]) {
  return {
    proven: observed.every((each) => each.holds),
    observations: observed.flatMap((each) => each.text ?? []),
  };
}
