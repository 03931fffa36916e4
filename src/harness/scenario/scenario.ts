// What a scenario is: which cluster, which load with which workload, which faults, and what must hold. Scenario modules
// under scenarios/ export one as their default export, made by `defineScenario`.

import type { Duration } from '../../runtime/duration.ts';
import type { Fault, Nemesis } from './faults.ts';
import type { Load } from './loads.ts';

// For scenario modules, which import this file and nothing else.
export type * from './faults.ts';
export * from './loads.ts';
export type * from './workloads.ts';

/** What is put under load. */
export type TargetSpec =
  /** Windtunnel's own nodes, as processes on this machine. */
  | { readonly kind: 'process' }
  /** Windtunnel's own nodes, each in a container of its own, on a network of their own. Needs a Docker engine. */
  | {
      readonly kind: 'docker';
      /** Default: the one that is built from this checkout, once for each state of it. */
      readonly image?: string;
      /** Of a core, for each node, > 0. Default: no limit. */
      readonly cpus?: number;
      /** For each node: '512MiB', or a number of bytes, at least 64 MiB. Default: no limit. */
      readonly memory?: number | string;
      /** Whether the nodes get the capability NET_ADMIN, which the fault drop-packets needs. Default false. */
      readonly netAdmin?: boolean;
    }
  /**
   * The nodes that `docker compose up` has started from docker-compose.yml, on this machine. They can be killed, stopped and paused,
   * and are left running. What a run writes there has names of its own, as in an external target, and stays there.
   */
  | { readonly kind: 'compose'; /** Default: the only one that has nodes. */ readonly project?: string }
  /**
   * An etcd v3 cluster, as processes on this machine, with etcd's own defaults. It has every fault but those that a node brings about
   * itself (clock-skew, slow-disk, full-disk) and wipe, and every checked workload.
   */
  | { readonly kind: 'etcd'; /** The program. Default 'etcd', looked for on PATH. */ readonly binary?: string }
  /**
   * Something that runs already. It is loaded; faults need a target that is launched. What a run writes there has names of its own
   * (tables such as registers_lk3n8d2f, keys below windtunnel_lk3n8d2f/) and stays there.
   */
  | {
      readonly kind: 'external';
      /** host:port of gRPC servers. */
      readonly endpoints?: readonly string[];
      /** host:port of HTTP servers. */
      readonly httpEndpoints?: readonly string[];
      /** What the gRPC servers speak: Windtunnel's contract, or etcd v3. Default 'windtunnel'. */
      readonly protocol?: 'windtunnel' | 'etcd';
    };

/**
 * Looks for the knee of a load that rises in steps: the highest rate at which the system still keeps up, with the response time
 * at p99 below a limit, at least 95 % of what was offered answered in time, and nothing dropped. What an overloaded system does
 * beyond it is expected, and no reason to call the run invalid.
 */
export interface Saturation {
  /** The limit of the response time at p99, > 0. */
  readonly p99: Duration;
  /** A load with the executor `ramping-arrival-rate` whose stages have constant stretches: see `steps`. Default: the first such load. */
  readonly load?: string;
  /** Whose response time is meant, such as 'write'. Default: that of all operations of the load. */
  readonly operation?: string;
}

export type ThresholdInput =
  string | { readonly threshold: string; readonly abortOnFail?: boolean; readonly delayAbortEval?: Duration };

export interface Scenario {
  /** Lower case letters, digits and '-'. */
  readonly name: string;
  /** What it teaches and what one should see: a sentence or two. */
  readonly description: string;
  /** Default: { kind: 'process' }. The command line may name another one. */
  readonly target?: TargetSpec;
  readonly cluster: {
    /** 1 to 9. Of an external target the number is what it is. */
    readonly nodes: number;
    /** Who serves reads: the leader, or every node in turn through a read index. Default 'any', and what etcd always does. */
    readonly reads?: 'leader' | 'any';
    /** Whether the traffic goes through links, which faults of the network need and which add some 0.1 ms. Default true. */
    readonly links?: boolean;
  };
  /**
   * How many threads issue the load, 1 to 16; each has an event loop, connections and a part of every load's users and arrivals.
   * More than one is for rates that one thread cannot keep; a run is repeated by its seed and this number. Default 1.
   */
  readonly generators?: number;
  /** Deadline of one operation, all retries included. Default '2s'. */
  readonly operationTimeout?: Duration;
  /**
   * The first part of the run; its statistics are kept apart. Default '2s'. Before it a cluster that was started for the run answers a few
   * hundred requests that nobody counts, on tables of their own; with '0s' it does not, and the load meets programs that have just started.
   */
  readonly warmup?: Duration;
  /** How long after a fault ended the phase `recovery` lasts. Default '3s'. */
  readonly recovery?: Duration;
  /** By name, as in k6's `scenarios`. At least one. */
  readonly loads: Readonly<Record<string, Load>>;
  readonly faults?: readonly Fault[];
  readonly nemesis?: Nemesis;
  readonly saturation?: Saturation;
  /**
   * k6's grammar: { 'response_time{phase:recovery}': ['p(99)<500'] }. Times are milliseconds, shares from 0 to 1. Of operations:
   * `response_time`, `service_time`, `operations`, `operations_failed`, `errors` (also by `code`), `dropped_iterations`. Of each fault,
   * as max, min, avg or med, and by the tag `fault`, a kind: `election`, `first_write`, `write_gap` and `unavailable` from its start,
   * `recovered` from its end. Of the checks: `operations_lost`. With `saturation`:
   * { knee: ['>=500'] }. One for which nothing was measured has failed.
   */
  readonly thresholds?: Readonly<Record<string, readonly ThresholdInput[]>>;
}

/** The identity function; it is there so that an editor and the compiler check a scenario file. */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}
