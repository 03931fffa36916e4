// What the nodes of a Raft cluster say about themselves, held against what Raft promises (Ongaro, Ousterhout: In search
// of an understandable consensus algorithm, ATC 2014, figure 3): election safety, terms that never fall, state machine
// safety.

import type { CheckerVerdict } from './verdict.ts';

/** What a node said, oldest first for each node. Times are wall-clock milliseconds and serve the explanation only. */
export type NodeEvent =
  | { readonly type: 'role'; readonly node: string; readonly wallMs: number; readonly role: string; readonly term: number }
  | { readonly type: 'started' | 'exited'; readonly node: string; readonly wallMs: number }
  | {
      readonly type: 'applied';
      readonly node: string;
      readonly wallMs: number;
      /** Of the log entry that was applied last, from 1; 0 before any. */
      readonly index: number;
      /** The term of that entry. */
      readonly term: number;
      /** Of everything that was applied up to that index. */
      readonly checksum: string | number;
    };

type Applied = NodeEvent & { readonly type: 'applied' };
type RoleChange = NodeEvent & { readonly type: 'role' };

/**
 * Checks: (1) at most one leader in a term; (2) the term of a node never falls, also not over a restart; (3) the applied
 * index of a node never falls within one life; (4) nodes that applied up to the same index applied the same: equal term
 * and checksum; (5) along the log, terms never fall. The order among different nodes' events does not matter.
 * `unknown` when no node said anything about a role or an applied entry.
 */
export function checkRaftInvariants(events: readonly NodeEvent[]): CheckerVerdict {
  const check = new InvariantCheck();
  let found: Finding | undefined;
  for (const event of events) found ??= check.add(event);
  found ??= check.finish();
  const { counts } = check;
  if (found !== undefined) return { checker: 'raft-invariants', counts, verdict: 'violated', ...found };
  if (counts.roles + counts.applied === 0) {
    return { checker: 'raft-invariants', counts, verdict: 'unknown', reason: 'no node reported a role or an applied entry' };
  }
  return { checker: 'raft-invariants', counts, verdict: 'valid' };
}

interface Finding {
  readonly reason: string;
  readonly explanation: readonly string[];
}

class InvariantCheck {
  readonly counts = { nodes: 0, terms: 0, roles: 0, applied: 0 };
  readonly #nodes = new Set<string>();
  readonly #leaders = new Map<number, RoleChange>();
  readonly #latestRole = new Map<string, RoleChange>();
  /** Of the life that each node is in. */
  readonly #latestApplied = new Map<string, Applied>();
  readonly #byIndex = new Map<number, Applied>();
  #firstMs: number | undefined;

  add(event: NodeEvent): Finding | undefined {
    this.#firstMs ??= event.wallMs;
    this.#nodes.add(event.node);
    this.counts.nodes = this.#nodes.size;
    if (event.type === 'role') return this.#addRole(event);
    if (event.type === 'applied') return this.#addApplied(event);
    this.#latestApplied.delete(event.node);
    return undefined;
  }

  /** Terms along the log, which need all indexes in order. */
  finish(): Finding | undefined {
    let before: Applied | undefined;
    for (const applied of [...this.#byIndex.values()].sort((a, b) => a.index - b.index)) {
      if (before !== undefined && applied.term < before.term) {
        return this.#finding(
          `the entry at ${applied.index} is of an earlier term than the one at ${before.index}`,
          before,
          applied,
        );
      }
      before = applied;
    }
    return undefined;
  }

  #addRole(event: RoleChange): Finding | undefined {
    this.counts.roles++;
    const before = this.#latestRole.get(event.node);
    this.#latestRole.set(event.node, event);
    if (before !== undefined && event.term < before.term) {
      return this.#finding(`the term of ${event.node} fell from ${before.term} to ${event.term}`, before, event);
    }
    if (event.role !== 'leader') return undefined;
    const leader = this.#leaders.get(event.term);
    if (leader !== undefined && leader.node !== event.node) {
      return this.#finding(`two leaders in term ${event.term}: ${leader.node} and ${event.node}`, leader, event);
    }
    this.#leaders.set(event.term, leader ?? event);
    this.counts.terms = this.#leaders.size;
    return undefined;
  }

  #addApplied(event: Applied): Finding | undefined {
    this.counts.applied++;
    const before = this.#latestApplied.get(event.node);
    this.#latestApplied.set(event.node, event);
    if (before !== undefined && event.index < before.index) {
      return this.#finding(`the applied index of ${event.node} fell from ${before.index} to ${event.index}`, before, event);
    }
    const other = this.#byIndex.get(event.index);
    if (other === undefined) this.#byIndex.set(event.index, event);
    else if (other.term !== event.term) {
      return this.#finding(
        `the entry at ${event.index} has term ${other.term} on ${other.node} and ${event.term} on ${event.node}`,
        other,
        event,
      );
    } else if (other.checksum !== event.checksum) {
      return this.#finding(`${other.node} and ${event.node} applied different entries up to ${event.index}`, other, event);
    }
    return undefined;
  }

  #finding(reason: string, ...events: readonly NodeEvent[]): Finding {
    return { reason, explanation: events.map((event) => this.#line(event)) };
  }

  #line(event: NodeEvent): string {
    const at = `${((event.wallMs - (this.#firstMs ?? 0)) / 1000).toFixed(3)} s, ${event.node}: `;
    if (event.type === 'role') return `${at}${event.role} in term ${event.term}`;
    if (event.type === 'applied') return `${at}applied up to ${event.index}, of term ${event.term}, checksum ${event.checksum}`;
    return `${at}${event.type}`;
  }
}
