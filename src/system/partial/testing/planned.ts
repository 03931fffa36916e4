// Nodes that answer or fail as planned, and a fan-out over them in virtual time.

import { expect } from 'vitest';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { fanOut } from '../fan-out.ts';
import type { FanOutOptions, NodeCall } from '../fan-out.ts';
import { quorumOf } from '../partial-result.ts';

export const down = new Error('down');

export type Plan = { readonly afterMs: number } & ({ readonly value: string } | { readonly error: Error });

export const answer = (afterMs: number, value: string): Plan => ({ afterMs, value });
export const failure = (afterMs: number, error: Error = down): Plan => ({ afterMs, error });
export const silence = answer(1e9, 'far too late');

/** Calls that go as planned and record the signal of each node. */
export function planned<Node extends string>(clock: VirtualClock, plans: Readonly<Record<Node, Plan>>) {
  const signals = new Map<Node, AbortSignal>();
  const call: NodeCall<string, Node> = (node, signal) => {
    signals.set(node, signal);
    const plan = plans[node];
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(plan.afterMs, () => ('value' in plan ? resolve(plan.value) : reject(plan.error)));
      signal.addEventListener('abort', cancel, { once: true });
    });
  };
  return { nodes: Object.keys(plans) as Node[], call, signals };
}

/** Runs the plans in virtual time; answers the result and when it was known. */
export async function run<Node extends string>(plans: Readonly<Record<Node, Plan>>, options: Partial<FanOutOptions> = {}) {
  const clock = new VirtualClock();
  const { nodes, call, signals } = planned(clock, plans);
  let settledMs = Number.NaN;
  const result = fanOut(nodes, call, { quorum: quorumOf(nodes.length), timeoutMs: 1_000, clock, ...options }).finally(() => {
    settledMs = clock.now();
  });
  await clock.advanceAsync(5_000);
  expect(clock.pendingTimers).toBe(0);
  const aborted = nodes.filter((node) => signals.get(node)?.aborted);
  return { result: await result, settledMs, aborted, signals };
}
