// What the harness needs of a cluster, however it was started.

import type { Role } from '../../system/raft/protocol.ts';
import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import type { TraceCounts } from '../../telemetry/tracing.ts';
import type { ContainerControl, LinkControl } from '../faults/fault.ts';

export interface ClusterNode {
  /** 'n1', 'n2', ... */
  readonly id: string;
  /** host:port where clients reach its gRPC server: a link, where the cluster has links. */
  readonly endpoint: string;
  /** host:port where clients reach its HTTP server. */
  readonly httpEndpoint: string;
  /** host:port of its gRPC server itself, past the links. */
  readonly directEndpoint: string;
  /** host:port of its HTTP server itself. */
  readonly directHttpEndpoint: string;
}

/** What a node said about itself, or what was seen to happen to it. Times are wall-clock milliseconds. */
export type ClusterEvent =
  | {
      readonly type: 'role';
      readonly node: string;
      readonly wallMs: number;
      readonly role: Role;
      readonly term: number;
      readonly leader?: string;
    }
  /** The node's state machine has applied everything up to `index`; `term` is of the entry there. See NodeEvent. */
  | {
      readonly type: 'applied';
      readonly node: string;
      readonly wallMs: number;
      readonly index: number;
      readonly term: number;
      readonly checksum: number;
    }
  /** After the loss of its data the node has everything up to `index`, and votes again. */
  /** Its data was deleted. */
  | { readonly type: 'wiped'; readonly node: string; readonly wallMs: number }
  | { readonly type: 'rejoined'; readonly node: string; readonly wallMs: number; readonly index: number }
  /** Spans that a node sent and lost over its life; said at its end, when it ends in good order. */
  | ({ readonly type: 'traces'; readonly node: string; readonly wallMs: number } & TraceCounts)
  | { readonly type: 'started'; readonly node: string; readonly wallMs: number }
  /** `expected`: we stopped or killed it. */
  | { readonly type: 'exited'; readonly node: string; readonly wallMs: number; readonly expected: boolean; readonly how: string };

export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  /** Carries the traffic between the nodes and to them; undefined when the cluster was started without. */
  readonly links: LinkControl | undefined;
  /** Undefined: its nodes live in none that we could do anything to. */
  readonly containers?: ContainerControl | undefined;
  /** The node that last said it leads in the highest term and is running. */
  leader(): string | undefined;
  /** Everything since the cluster was started, oldest first. */
  readonly events: readonly ClusterEvent[];
  /** Calls `listener` for every event from now on; returns how to stop it. */
  onEvent(listener: (event: ClusterEvent) => void): () => void;
  /** Resolves when some node leads; rejects with LaunchError after `timeoutMs`. */
  waitForLeader(timeoutMs: number): Promise<string>;
  /** Kills a node without any chance to clean up; resolves when it is gone, with how it ended. */
  crash(node: string): Promise<string>;
  /**
   * Kills a node and deletes its data; resolves with how it ended when both is done. The next `restart` tells the node so, for it
   * must not vote before it has caught up.
   */
  wipe(node: string): Promise<string>;
  /** Resolves when a node that was wiped and restarted has caught up; rejects with LaunchError after `timeoutMs`. */
  waitForRejoin(node: string, timeoutMs: number): Promise<void>;
  /** Asks a node to end in good order; resolves when it is gone, with how it ended ('exit code 0' or 'in good order, ...' when it could). */
  shutDown(node: string): Promise<string>;
  /** Resolves when the node's process is gone, with how it ended. */
  ended(node: string): Promise<string>;
  /**
   * Injects a fault into a running node; resolves when it is in force, with what the node measured. From then on the end of a node
   * with a full disk is expected. Rejects with LaunchError when the node is down, refuses or does not answer within 5 s; a node
   * that did not answer may have done it.
   */
  inject(node: string, injection: Injection): Promise<InjectionReport>;
  /** Starts a node that is down, on the data it left; resolves when it answers. */
  restart(node: string): Promise<void>;
  /** Stops a node where it stands, without ending it; resolves when the operating system says that it is stopped. */
  pause(node: string): Promise<void>;
  /** Lets a paused node go on; resolves when it runs. */
  resume(node: string): Promise<void>;
  /** Whether the node is stopped at this moment. */
  isPaused(node: string): Promise<boolean>;
  /** Asks every node for the spans it has of these traces, or will have. One that is down is not asked: it has forgotten them. */
  wantTraces(traceIds: readonly string[]): void;
  /** Resolves when every node has sent the spans that it had of those, or is down. Waits for as long as a node is paused. Never rejects. */
  tracesSent(): Promise<void>;
  /** Stops every node; nothing is left running. Never rejects. */
  stop(): Promise<void>;
}

/** The cluster could not be started, or did not do what it was told. The message carries the node's last words. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
}
