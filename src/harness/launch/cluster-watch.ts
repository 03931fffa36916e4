// What the events of a cluster say, for the result.

import type { RoleChange } from '../result/schema.ts';
import type { ClusterEvent } from './cluster.ts';

export class ClusterWatch {
  readonly #events: readonly ClusterEvent[];

  /** @param events of a cluster; it may go on to grow. */
  constructor(events: readonly ClusterEvent[]) {
    this.#events = events;
  }

  /** The highest term in which a node said that it leads; 0 when none has. */
  get highestLeaderTerm(): number {
    return this.#events.reduce((highest, event) => (isLeader(event) ? Math.max(highest, event.term) : highest), 0);
  }

  /** When a node first said, from one instant to another, that it leads. Wall-clock milliseconds. */
  firstLeaderBetween(fromWallMs: number, toWallMs: number): number | undefined {
    return this.#events.find((event) => isLeader(event) && event.wallMs >= fromWallMs && event.wallMs <= toWallMs)?.wallMs;
  }

  /** What nobody had asked for. */
  get surprises(): string[] {
    return this.#events
      .filter((event) => event.type === 'exited' && !event.expected)
      .map((event) => `node ${event.node} ended by itself (${event.type === 'exited' ? event.how : ''}); its log says why`);
  }

  /** The roles over time, in milliseconds from `originWallMs`; negative before it. */
  roles(originWallMs: number): RoleChange[] {
    return this.#events.flatMap((event): RoleChange[] => {
      const atMs = event.wallMs - originWallMs;
      if (event.type === 'role') return [{ atMs, node: event.node, role: event.role, term: event.term }];
      return event.type === 'exited' ? [{ atMs, node: event.node, role: 'down', term: 0 }] : [];
    });
  }
}

function isLeader(event: ClusterEvent): event is ClusterEvent & { type: 'role' } {
  return event.type === 'role' && event.role === 'leader';
}
