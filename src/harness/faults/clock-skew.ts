// clock-skew: the clocks of nodes are wrong. Proven by what the nodes' clocks say beside ours, while it lasts and afterwards, and,
// when they are to run at another rate, by how far they came meanwhile.

import { formatDuration } from '../../runtime/duration.ts';
import { chooseNodes, toEach } from './choose-node.ts';
import type { ActiveFault, FaultContext, NodeState } from './fault.ts';
import { before, type Observed, proofOf } from './observe.ts';

interface Skew {
  readonly offsetMs: number;
  readonly drift: number;
}

/** The clocks of a node, and what ours said when its answer came. */
interface Compared {
  readonly aheadMs: number;
  readonly monotonicMs: number;
  readonly oursMs: number;
}

/** How far a clock may be off that is right again: the time its answer takes, on a busy machine. */
const RIGHT_MS = 1_000;

/** @param wanted see chooseNodes. */
export async function beginClockSkew(wanted: string, skew: Skew, context: FaultContext): Promise<ActiveFault> {
  const { target, clock } = context;
  const nodes = chooseNodes(wanted, context);
  const seen = before(nodes, context);
  const compare = ({ wallMs, monotonicMs }: NodeState): Compared => ({
    aheadMs: wallMs - clock.wallTime(),
    monotonicMs,
    oursMs: clock.now(),
  });
  const right = (node: string) => target.inject(node, { inject: 'none', of: 'clock-skew' });
  const begun = await toEach(
    nodes,
    async (node) =>
      compare((await target.inject(node, { inject: 'clock-skew', offsetMs: skew.offsetMs, drift: skew.drift })).after),
    async (node) => void (await right(node)),
  );
  const ended = new Map<string, { readonly during: Compared; readonly afterwards: Compared }>();
  return {
    kind: 'clock-skew',
    wanted,
    nodes,
    async end() {
      const reports = await Promise.allSettled(
        nodes.map(async (node) => {
          const report = await right(node);
          ended.set(node, { during: compare(report.before), afterwards: compare(report.after) });
        }),
      );
      const failed = reports.find((report) => report.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    proof: () =>
      proofOf([
        seen.load(),
        ...nodes.flatMap((node, at): Observed[] => {
          const first = begun[at];
          const last = ended.get(node);
          if (first === undefined || last === undefined)
            return [{ holds: false, text: `the clock of ${node} was not read at the end` }];
          return [
            offsetSeen(node, first, last.during, skew),
            ...(skew.drift === 1 ? [] : [driftSeen(node, first, last.during, skew)]),
            {
              holds: Math.abs(last.afterwards.aheadMs) < RIGHT_MS,
              text: `afterwards the clock of ${node} was ${apart(last.afterwards.aheadMs)}`,
            },
          ];
        }),
      ]),
  };
}

/** At the beginning: a drift adds to it later, and may even take it away. */
function offsetSeen(node: string, first: Compared, last: Compared, { offsetMs, drift }: Skew): Observed {
  const far = (aheadMs: number) => Math.sign(aheadMs) === Math.sign(offsetMs) && Math.abs(aheadMs) >= Math.abs(offsetMs) / 2;
  const holds = offsetMs === 0 || (far(first.aheadMs) && (drift !== 1 || far(last.aheadMs)));
  return {
    holds,
    text: `the clock of ${node} was ${apart(first.aheadMs)} at the beginning and ${apart(last.aheadMs)} at the end`,
  };
}

/** Halfway from the true rate to the one asked for, at least: both readings are late by the time an answer takes. */
function driftSeen(node: string, first: Compared, last: Compared, { drift }: Skew): Observed {
  const rate = (last.monotonicMs - first.monotonicMs) / Math.max(1, last.oursMs - first.oursMs);
  return {
    holds: Math.sign(rate - 1) === Math.sign(drift - 1) && Math.abs(rate - 1) >= Math.abs(drift - 1) / 2,
    text: `the clock of ${node} ran ${rate.toFixed(2)} times as fast as ours`,
  };
}

function apart(aheadMs: number): string {
  return `${formatDuration(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead'}`;
}
