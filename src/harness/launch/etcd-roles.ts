// Who leads an etcd cluster: etcd tells nobody by itself, so every server is asked again and again.

import { type Clock, sleep } from '../../runtime/clock.ts';
import type { EtcdEndpoint, StatusResponse } from '../etcd/etcd-api.ts';
import type { ClusterEvent } from './cluster.ts';

type RoleEvent = Extract<ClusterEvent, { type: 'role' }>;

export interface EtcdRolesOptions {
  /** By the name of the node; past the links. */
  readonly endpoints: ReadonlyMap<string, Pick<EtcdEndpoint, 'status'>>;
  readonly clock: Clock;
  /** Told of every change. */
  readonly onEvent: (event: RoleEvent) => void;
}

/** By so much an election may seem longer than it was. */
const ASK_EVERY_MS = 50;
/** One that is paused does not answer, and is asked again when it goes on. */
const TIMEOUT_MS = 1_000;

/** Asks until it is stopped. What is told is what the servers say of themselves, without what they say too early: see `#eventOf`. */
export class EtcdRoles {
  readonly #options: EtcdRolesOptions;
  readonly #stop = new AbortController();
  /** By member id. */
  readonly #names = new Map<string, string>();
  readonly #leaderOfTerm = new Map<number, string>();
  readonly #last = new Map<string, string>();
  readonly #asking: Promise<unknown>;

  constructor(options: EtcdRolesOptions) {
    this.#options = options;
    this.#asking = Promise.all([...options.endpoints].map(([node, endpoint]) => this.#ask(node, endpoint)));
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the cluster is stopped'));
    await this.#asking;
  }

  /** Forgets what a node said: it has ended, and whatever it says next is news. */
  forget(node: string): void {
    this.#last.delete(node);
  }

  async #ask(node: string, endpoint: Pick<EtcdEndpoint, 'status'>): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#options;
    while (!signal.aborted) {
      try {
        this.#hear(node, await endpoint.status({ timeoutMs: TIMEOUT_MS, signal }));
      } catch {
        // It is down, or paused, or not up yet: that it ended is told by its process.
      }
      await sleep(clock, ASK_EVERY_MS, signal).catch(() => {});
    }
  }

  #hear(node: string, status: StatusResponse): void {
    const { clock, onEvent } = this.#options;
    const event = this.#eventOf(node, status);
    if (event === undefined) return;
    const key = `${event.role} ${event.term} ${status.leader}`;
    if (this.#last.get(node) === key) return;
    this.#last.set(node, key);
    onEvent({ ...event, wallMs: clock.wallTime() });
  }

  /**
   * etcd says whom it takes for the leader as of now, but the term as of the last entry that it has applied, which a new leader's own
   * first entry is behind: until then a new leader seems to lead in a term that was another's, and it is not told.
   */
  #eventOf(node: string, { header, leader = '0', raftTerm = '0' }: StatusResponse): Omit<RoleEvent, 'wallMs'> | undefined {
    const member = header?.memberId ?? '0';
    const term = Number(raftTerm);
    this.#names.set(member, node);
    if (leader === '0') return { type: 'role', node, role: 'candidate', term };
    if (leader !== member) {
      const name = this.#names.get(leader);
      return { type: 'role', node, role: 'follower', term, ...(name !== undefined && { leader: name }) };
    }
    const known = this.#leaderOfTerm.get(term);
    if (known !== undefined && known !== node) return undefined;
    this.#leaderOfTerm.set(term, node);
    return { type: 'role', node, role: 'leader', term, leader: node };
  }
}
