// What a fault is: something done to a cluster, undone again, with proof that it happened. One file per kind beside this one.

import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { AppliedRules, DirectedRule, Direction, DirectionCounters } from '../links/rule.ts';

/** The links of a cluster, as faults use them. Every method rejects when the links are gone. */
export interface LinkControl {
  /** Puts rules into force beside those of other faults; resolves when they are in force. */
  apply(rules: readonly DirectedRule[]): Promise<AppliedRules>;
  /** Resets every connection that carries one of the directions; resolves with how many. */
  reset(directions: readonly Direction[]): Promise<number>;
  /** Of every direction. */
  counters(): Promise<readonly DirectionCounters[]>;
  /** The milliseconds that each of `messages` took, one after the other; fewer when the rest did not arrive in time. */
  probe(direction: Direction, messages: number, timeoutMs: number): Promise<readonly number[]>;
}

/** The containers of a cluster, as faults use them. Every method rejects for a node that does not run. */
export interface ContainerControl {
  /** Takes a node off its network; resolves when it is off. */
  disconnect(node: string): Promise<void>;
  reconnect(node: string): Promise<void>;
  isConnected(node: string): Promise<boolean>;
  /** Why packets cannot be dropped in the networks of these containers; undefined when they can. */
  readonly cannotDropPackets: string | undefined;
  /** Drops packets to and from a node, each with a probability, 0 < p <= 1; resolves when that is in force. */
  dropPackets(node: string, probability: number): Promise<PacketFilter>;
}

export interface PacketFilter {
  /** Packets until now, by the kernel's count. */
  dropped(): Promise<number>;
  lift(): Promise<void>;
}

/** A fault that a node brings about itself. */
export type NodeInjection =
  | { readonly inject: 'clock-skew'; readonly offsetMs: number; readonly drift: number }
  | { readonly inject: 'slow-disk'; readonly delayMs: number }
  | { readonly inject: 'full-disk' }
  | { readonly inject: 'none'; readonly of: 'clock-skew' | 'slow-disk' | 'full-disk' };

/** What a node says of its clocks, and of the syncs of its log since its disk became slow. */
export interface NodeState {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly syncs: number;
  readonly shortestSyncMs: number;
  readonly longestSyncMs: number;
}

/** What faults need of a cluster; every launcher that can do it is one. */
export interface FaultTarget {
  readonly nodes: readonly { readonly id: string }[];
  /** Undefined: faults of the network cannot be carried out. */
  readonly links: LinkControl | undefined;
  /** Undefined: the nodes live in none. */
  readonly containers?: ContainerControl | undefined;
  leader(): string | undefined;
  /** Resolves with the signal or the exit code that ended the process. */
  crash(node: string): Promise<string>;
  restart(node: string): Promise<void>;
  /** Kills the node and deletes its data; resolves with how it ended. */
  wipe(node: string): Promise<string>;
  /** Resolves when a node that was wiped and restarted has caught up with the others; rejects when it takes longer. */
  waitForRejoin(node: string, timeoutMs: number): Promise<void>;
  /** Asks the node to end in good order; resolves with how it ended when it is gone: 'exit code 0' or 'in good order, ...' when it could. */
  shutDown(node: string): Promise<string>;
  /** Resolves with how the node's process ended, when it is gone. */
  ended(node: string): Promise<string>;
  /** Resolves with what the node measured right before and after, when the injection is in force; rejects when it is not. */
  inject(node: string, injection: NodeInjection): Promise<{ readonly before: NodeState; readonly after: NodeState }>;
  /** Stops the process without ending it; resolves when it has stopped, or rejects when it did not. */
  pause(node: string): Promise<void>;
  /** Lets a paused process go on; resolves when it runs. */
  resume(node: string): Promise<void>;
  /** Whether the process is stopped at this moment. */
  isPaused(node: string): Promise<boolean>;
}

/** Seen from outside while the fault lasts. */
export interface FaultWitness {
  /** Operations that succeeded since the scenario began. */
  operationsSucceeded(): number;
  /** The highest term in which a node said that it leads; 0 when none has. */
  highestLeaderTerm(): number;
}

export interface FaultContext {
  /** Ours, to compare those of the nodes with. */
  readonly clock: Clock;
  readonly target: FaultTarget;
  readonly witness: FaultWitness;
  readonly random: Random;
}

export interface FaultProof {
  readonly proven: boolean;
  /** What was seen, as sentences. */
  readonly observations: readonly string[];
}

/** A fault that has begun. */
export interface ActiveFault {
  readonly kind: string;
  /** As the scenario wrote it. */
  readonly wanted: string;
  readonly nodes: readonly string[];
  /** Undoes the fault. Resolves when the cluster is whole again. */
  end(): Promise<void>;
  /** After `end`: whether the fault had the effect it is there for. */
  proof(): FaultProof;
}
