// A cluster that does what it is told, or fails in one way, and remembers what it was told.

import { Random } from '../../../runtime/random.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import type { FaultContext, NodeInjection, NodeState } from '../fault.ts';

export interface WorldOptions {
  readonly leader?: string;
  /** How a crash ends, and an orderly end. */
  readonly how?: string;
  readonly succeeded?: number;
  readonly nodes?: number;
  readonly keepsRunning?: boolean;
  readonly staysStopped?: boolean;
  readonly neverRejoins?: boolean;
  /** Of a node that is to be taken off the network: when it is asked about for the nth time, it is on it all the same. */
  readonly onNetworkAtAsking?: number;
  readonly staysOff?: boolean;
  /** Packets that iptables drops. */
  readonly drops?: number;
  /** Nodes for which everything is refused. */
  readonly refuses?: readonly string[];
  /** What a node measures after an injection, or before one ends. */
  readonly measures?: (node: string, injection: NodeInjection, when: 'before' | 'after') => Partial<NodeState>;
}

export function world(options: WorldOptions = {}) {
  const calls: string[] = [];
  const clock = new VirtualClock(1_000_000);
  const state = { term: 3, paused: new Set<string>(), off: new Set<string>(), asked: 0 };
  const endings = new Map<string, PromiseWithResolvers<string>>();
  const ending = (node: string) => {
    const known = endings.get(node) ?? Promise.withResolvers<string>();
    endings.set(node, known);
    return known;
  };
  const told = (what: string, node: string) => {
    calls.push(`${what} ${node}`);
    if (options.refuses?.includes(node)) throw new Error(`${node} refuses`);
  };
  const nodes = Array.from({ length: options.nodes ?? 3 }, (_, at) => ({ id: `n${at + 1}` }));
  const measured = (node: string, injection: NodeInjection, when: 'before' | 'after'): NodeState => ({
    wallMs: clock.wallTime(),
    monotonicMs: clock.now(),
    syncs: 0,
    shortestSyncMs: 0,
    longestSyncMs: 0,
    ...options.measures?.(node, injection, when),
  });
  const context: FaultContext = {
    clock,
    target: {
      nodes,
      links: undefined,
      leader: () => options.leader,
      async crash(node) {
        told('crash', node);
        return options.how ?? 'SIGKILL';
      },
      async restart(node) {
        told('restart', node);
      },
      async wipe(node) {
        told('wipe', node);
        return options.how ?? 'SIGKILL';
      },
      async waitForRejoin(node) {
        told('wait for', node);
        if (options.neverRejoins) throw new Error(`${node} did not catch up`);
      },
      async shutDown(node) {
        told('shut down', node);
        return options.how ?? 'exit code 0';
      },
      ended: (node) => ending(node).promise,
      async inject(node, injection) {
        told(`inject ${injection.inject}`, node);
        return { before: measured(node, injection, 'before'), after: measured(node, injection, 'after') };
      },
      async pause(node) {
        told('pause', node);
        if (!options.keepsRunning) state.paused.add(node);
      },
      async resume(node) {
        told('resume', node);
        if (!options.staysStopped) state.paused.delete(node);
      },
      containers: {
        async disconnect(node) {
          told('disconnect', node);
          state.off.add(node);
        },
        async reconnect(node) {
          told('reconnect', node);
          if (!options.staysOff) state.off.delete(node);
        },
        isConnected: (node) => Promise.resolve(++state.asked === options.onNetworkAtAsking || !state.off.has(node)),
        cannotDropPackets: undefined,
        async dropPackets(node, probability) {
          told(`drop ${probability} of the packets of`, node);
          return {
            dropped: () => Promise.resolve(options.drops ?? 0),
            lift: async () => told('lift', node),
          };
        },
      },
      isPaused: (node) => Promise.resolve(state.paused.has(node)),
    },
    witness: { operationsSucceeded: () => options.succeeded ?? 10, highestLeaderTerm: () => state.term },
    random: new Random(1),
  };
  return { context, calls, state, clock, end: (node: string, how: string) => ending(node).resolve(how) };
}
