// What a scenario is: which cluster, which load with which workload, which faults, and what must hold. Scenario modules
// under scenarios/ export one as their default export, made by `defineScenario`.

import type { Duration } from '../../runtime/duration.ts';

/** Operations on single keys; every answer is checked for linearizability, key by key. */
export interface RegistersWorkload {
  readonly kind: 'registers';
  /** How many keys, 1 to 1,000,000. Default 100. */
  readonly keys?: number;
  /** Relative weights of the operations, each >= 0, not all 0. Default { read: 5, write: 4, cas: 1 }. */
  readonly mix?: { readonly read?: number; readonly write?: number; readonly cas?: number };
  /** Which key an operation takes. `zipfian` has exponent 0.99, as in YCSB. Default 'uniform'. */
  readonly distribution?: 'uniform' | 'zipfian';
}

/** Adds unique elements to a set and reads the whole set at the end: shows whether an acknowledged write was lost. */
export interface SetWorkload {
  readonly kind: 'set';
}

/** Appends unique elements to lists and reads them: a read shows the whole order of the appends so far, so little escapes the checker. */
export interface AppendWorkload {
  readonly kind: 'append';
  /** How many lists are in use at a time, 1 to 10,000. Default 10. */
  readonly keys?: number;
  /** Relative weights of the operations, each >= 0, not all 0. Default { append: 1, read: 1 }. */
  readonly mix?: { readonly append?: number; readonly read?: number };
  /** After so many appends a list is left alone and a new one takes its place, 1 to 10,000: reads stay small. Default 50. */
  readonly appendsPerKey?: number;
  /** Which list an operation takes. Default 'uniform'. */
  readonly distribution?: 'uniform' | 'zipfian';
}

/** Transfers between accounts, each a transaction of several statements, and reads of all of them: the total never changes. */
export interface BankWorkload {
  readonly kind: 'bank';
  /** How many accounts, 2 to 1,000. Default 10. */
  readonly accounts?: number;
  /** What each holds at the beginning, a whole number >= 0. Default 100. */
  readonly initialBalance?: number;
  /** The most that one transfer moves, a whole number >= 1. Default 5. One that would overdraw an account is refused. */
  readonly maxTransfer?: number;
  /** Relative weights of the operations, each >= 0, not all 0. Default { transfer: 4, read: 1 }. */
  readonly mix?: { readonly transfer?: number; readonly read?: number };
}

/** What a parameter of a statement is: itself, or a number drawn anew for every operation. */
export type SqlParameter =
  | number
  | string
  | null
  /** A whole number, both bounds included. */
  | { readonly integer: readonly [low: number, high: number] }
  /** A whole number that no other operation of the run has. */
  | { readonly unique: true };

export interface SqlStatement {
  /** What its operations are called in statistics and thresholds. Default 'sql' and its position: 'sql1'. */
  readonly name?: string;
  readonly sql: string;
  readonly params?: readonly SqlParameter[];
  /** Relative weight, > 0. Default 1. */
  readonly weight?: number;
}

/** SQL of your own. Its speed is measured; its answers are not checked. */
export interface SqlWorkload {
  readonly kind: 'sql';
  /** Run once, in order, before the load. */
  readonly setup?: readonly string[];
  /** At least one; each operation is one of them. */
  readonly statements: readonly SqlStatement[];
}

/**
 * HTTP/1.1 requests to any endpoint: the target's HTTP endpoints in turn, or a URL. Answers are judged by their status. Connections
 * are kept, as many as there are requests under way; a request is sent once, and redirections are not followed.
 *
 * A status that is not expected is an error with a code such as HTTP_503, and a definite failure but for 500, 502, 504 and the like,
 * after which the request may have been carried out. So it may when its time was up or its connection broke; not when no
 * connection was made. A GET or HEAD that failed is always a definite failure.
 */
export interface HttpWorkload {
  readonly kind: 'http';
  /** A path on the target's endpoints ('/query'), or a whole URL. */
  readonly url: string;
  /** Default 'GET', or 'POST' with a body. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Content-Length is that of the body. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON, with that content type unless the headers have another one. */
  readonly body?: unknown;
  /** Statuses that count as ok. Default: 200 to 299. */
  readonly expectStatus?: readonly number[];
}

/**
 * Unary calls of any gRPC service, described by its .proto file, on the target's endpoints in turn, without TLS; one connection for
 * each endpoint. A call is made once.
 *
 * An error's code is the name of its status. It is a definite failure when the call was not sent (no connection could be made, or
 * the deadline passed before there was one), or when the status says that the server refused it: INVALID_ARGUMENT, NOT_FOUND,
 * ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION, OUT_OF_RANGE, UNIMPLEMENTED, UNAUTHENTICATED. After any other it may have
 * been carried out: UNAVAILABLE on a connection that broke, DEADLINE_EXCEEDED, CANCELLED, UNKNOWN, INTERNAL, ABORTED,
 * RESOURCE_EXHAUSTED, DATA_LOSS.
 */
export interface GrpcWorkload {
  readonly kind: 'grpc';
  /** Path of the .proto file, relative to the working directory. */
  readonly proto: string;
  /** 'package.Service/Method'. */
  readonly method: string;
  /**
   * The request, as JSON: fields by their names in the .proto file or in camel case, enumerations by name or number, bytes in
   * base64. Default {}.
   */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Keys in lower case; of a key that ends in '-bin' the value is bytes in base64. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What a function workload is given for each operation. */
export interface FunctionContext {
  /** Seeded: a run is repeated by its seed. */
  readonly random: { float(): number; integer(low: number, high: number): number };
  /** From 0, in the order in which the operations of this load begin. */
  readonly iteration: number;
  /** host:port of the target's gRPC servers. */
  readonly endpoints: readonly string[];
  /** host:port of the target's HTTP servers. */
  readonly httpEndpoints: readonly string[];
  /** Runs a statement through Windtunnel's client; for targets that speak its contract. */
  execute(sql: string, params?: readonly (number | string | null)[]): Promise<{ readonly rows: readonly (readonly unknown[])[] }>;
  /** Aborted when the operation is no longer waited for. */
  readonly signal: AbortSignal;
}

/**
 * An operation of your own. It has succeeded when the promise resolves. When it rejects, it may have been applied, unless the
 * error has the property `maybeApplied: false`; its `code`, if any, names it among the errors. Runs in a worker thread, in
 * which the scenario's module is loaded again: the function cannot see variables of the run.
 */
export interface FunctionWorkload {
  readonly kind: 'function';
  readonly run: (context: FunctionContext) => Promise<unknown>;
}

export type Workload =
  RegistersWorkload | SetWorkload | AppendWorkload | BankWorkload | SqlWorkload | HttpWorkload | GrpcWorkload | FunctionWorkload;

/** What is put under load. */
export type TargetSpec =
  /** Windtunnel's own nodes, as processes on this machine. */
  | { readonly kind: 'process' }
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

interface LoadBase {
  readonly workload: Workload;
  /** When this load starts, from the start of the scenario. Default 0. */
  readonly startTime?: Duration;
  /** How long operations under way may take to finish after the load ended. Default '5s'. */
  readonly gracefulStop?: Duration;
}

/** Open loop: operations start on schedule, whether or not earlier ones have finished. k6's constant-arrival-rate. */
export interface ConstantArrivalRate extends LoadBase {
  readonly executor: 'constant-arrival-rate';
  /** Operations to start per `timeUnit`, > 0. */
  readonly rate: number;
  /** Default '1s'. */
  readonly timeUnit?: Duration;
  readonly duration: Duration;
  /** Concurrent operations to begin with, >= 1. */
  readonly preAllocatedVUs: number;
  /** The most concurrent operations; an arrival that finds none free is a dropped iteration. Default preAllocatedVUs. */
  readonly maxVUs?: number;
  /** Default 'even'. */
  readonly arrivals?: 'even' | 'poisson';
}

/** One stretch of a ramp: from where the stage before it ended, in a straight line, to `target`. */
export interface Stage {
  readonly target: number;
  /** 0 for a jump. A stage with the target of the one before it is constant. */
  readonly duration: Duration;
}

/**
 * Open loop, with a rate that goes from `startRate` through the targets of the stages. Arrivals follow the line exactly: the
 * k-th is where the area under it reaches k. k6's ramping-arrival-rate.
 */
export interface RampingArrivalRate extends LoadBase {
  readonly executor: 'ramping-arrival-rate';
  /** Operations to start per `timeUnit` at the beginning, >= 0. Default 0. */
  readonly startRate?: number;
  /** Default '1s'. */
  readonly timeUnit?: Duration;
  /** At least one; targets are operations to start per `timeUnit`, >= 0. The load lasts as long as all of them. */
  readonly stages: readonly Stage[];
  /** Concurrent operations to begin with, >= 1. */
  readonly preAllocatedVUs: number;
  /** The most concurrent operations; an arrival that finds none free is a dropped iteration. Default preAllocatedVUs. */
  readonly maxVUs?: number;
  /** Default 'even'. */
  readonly arrivals?: 'even' | 'poisson';
}

/** Closed loop: each of `vus` starts its next operation when its last one has finished. k6's constant-vus. */
export interface ConstantVus extends LoadBase {
  readonly executor: 'constant-vus';
  /** >= 1. */
  readonly vus: number;
  readonly duration: Duration;
}

/** Closed loop, with a number of users that goes from `startVUs` through the targets of the stages. k6's ramping-vus. */
export interface RampingVus extends LoadBase {
  readonly executor: 'ramping-vus';
  /** >= 0. Default 1. */
  readonly startVUs?: number;
  /** At least one; targets are whole numbers of users. The load lasts as long as all of them. */
  readonly stages: readonly Stage[];
  /**
   * How long a user that must go may take to finish its operation; it is cut off then. Once the load has ended, its
   * `gracefulStop` counts for all. Default '30s'.
   */
  readonly gracefulRampDown?: Duration;
}

/**
 * Closed loop: `vus` users share `iterations`, each taking the next one when its last one has finished. The load ends with the
 * last iteration, or after `maxDuration` with fewer. What else is timed (faults, the warm-up) goes by `maxDuration`. k6's
 * shared-iterations.
 */
export interface SharedIterations extends LoadBase {
  readonly executor: 'shared-iterations';
  /** >= 1. */
  readonly vus: number;
  /** How many operations in all, at least `vus`. */
  readonly iterations: number;
  /** Default '10m'. */
  readonly maxDuration?: Duration;
}

/**
 * Closed loop, as fast as it goes: autocannon's connections each send their next request when an answer has come, to find out what
 * an HTTP server can do at most. Every answer is timed and counted one by one, as for any other load, and autocannon's own statistics
 * are left alone: no sample is made up. What users would feel a closed loop cannot show, because it waits with a server that is slow;
 * let an arrival rate run beside it. autocannon does not verify certificates, and does not know HEAD or 1xx answers.
 */
export interface Autocannon extends LoadBase {
  readonly executor: 'autocannon';
  readonly workload: HttpWorkload;
  /** 1 to 10,000. */
  readonly connections: number;
  /** Requests under way on each connection at a time, 1 to 1,000. Default 1. */
  readonly pipelining?: number;
  readonly duration: Duration;
  /** The load ends earlier after so many requests, at least `connections`. Default: it does not. */
  readonly amount?: number;
}

export type Load = ConstantArrivalRate | RampingArrivalRate | ConstantVus | RampingVus | SharedIterations | Autocannon;

interface Timed {
  /** From the start of the scenario. */
  readonly at: Duration;
  /** How long it lasts, > 0. */
  readonly duration: Duration;
}

interface FaultBase extends Timed {
  /**
   * One node: its name ('n1'), the role a node has at that moment, or a 'random' one. Or several, for faults of the process: 'all' of
   * them, a bare 'majority' with the leader in it, or the largest 'minority'.
   */
  readonly target: 'leader' | 'follower' | 'random' | 'all' | 'majority' | 'minority' | (string & {});
}

/** SIGKILL. After `duration` the node is started again on its data. */
export interface CrashFault extends FaultBase {
  readonly kind: 'crash';
}

/**
 * SIGSTOP, and SIGCONT after `duration`: the node neither hears nor answers, its connections stay open, and when it goes on
 * it does not know that time has passed.
 */
export interface PauseFault extends FaultBase {
  readonly kind: 'pause';
}

/**
 * Takes links away, as in Jepsen. `halves`: at random, one side a bare majority. `majority` and `minority`: the same, with the
 * leader on that side. `isolate-leader`: the leader alone. `majorities-ring`: every node reaches a majority, no two the same one
 * (4 nodes at least). `bridge`: two sides that only one node reaches both of. `one-way`: nothing from the target reaches the other
 * nodes, while it hears them.
 */
export interface PartitionFault extends Timed {
  readonly kind: 'partition';
  readonly shape: PartitionShape;
  /** `hold`: bytes wait until the partition heals, connections stay. `cut`: connections break and cannot be made. Default 'hold'. */
  readonly mode?: 'hold' | 'cut';
  /** For `one-way` only. Default 'leader'. */
  readonly target?: FaultBase['target'];
  /** Whether clients, too, cannot reach the nodes on the side without a majority. Not for shapes without one. Default false. */
  readonly clients?: boolean;
}

export type PartitionShape = 'halves' | 'majority' | 'minority' | 'isolate-leader' | 'majorities-ring' | 'bridge' | 'one-way';

interface LinkFaultBase extends FaultBase {
  /** Which links of the target: those with the other nodes, those with clients, or both. Default 'peers', for `hold` 'all'. */
  readonly links?: 'peers' | 'clients' | 'all';
}

/** Everything to and from the target takes longer. */
export interface LatencyFault extends LinkFaultBase {
  readonly kind: 'latency';
  /** Each way, > 0. */
  readonly delay: Duration;
  /** Up to so much more, evenly distributed. Default 0. */
  readonly jitter?: Duration;
}

export interface BandwidthFault extends LinkFaultBase {
  readonly kind: 'bandwidth';
  /** In each direction between the target and each other end, > 0. */
  readonly bytesPerSecond: number;
}

/** Packets are lost and, as in TCP, sent again: what is lost comes late, and so does everything behind it. */
export interface LossFault extends LinkFaultBase {
  readonly kind: 'loss';
  /** Of one packet, 0 < p < 1. */
  readonly probability: number;
  /** Until a lost packet is sent again for the first time; then twice as long, and so on. Default '200ms'. */
  readonly retransmit?: Duration;
}

/** The connections of the target are reset (RST). */
export interface ResetFault extends LinkFaultBase {
  readonly kind: 'reset';
  /** Again and again. Default: once, when the fault begins. */
  readonly every?: Duration;
}

/** Nothing reaches the target or leaves it; its connections stay, and afterwards everything arrives. */
export interface HoldFault extends LinkFaultBase {
  readonly kind: 'hold';
}

/** The connections of the target break, and whoever did not dial them hears of it only after `delay`: they are half open. */
export interface SlowCloseFault extends LinkFaultBase {
  readonly kind: 'slow-close';
  /** > 0. */
  readonly delay: Duration;
}

/** A planned restart: SIGTERM, the node ends in good order, and `duration` after the fault began it is started on its data. */
export interface RestartFault extends FaultBase {
  readonly kind: 'restart';
}

/**
 * The node's wall clock jumps by `offset`, and from then on its clocks run `drift` times as fast as they should, so that all of
 * its timers are early or late. Afterwards they are right again.
 */
export interface ClockSkewFault extends FaultBase {
  readonly kind: 'clock-skew';
  /** Milliseconds, or text with a sign: '+500ms', '-2s'. Up to a day. Default 0. */
  readonly offset?: number | string;
  /** 0.5 to 2. Default 1. */
  readonly drift?: number;
}

/** Every fdatasync of the node's log takes `delay` longer, up to 30 s. */
export interface SlowDiskFault extends FaultBase {
  readonly kind: 'slow-disk';
  readonly delay: Duration;
}

/**
 * The node's next write to its log ends in the middle: no space. The node ends by itself then; after `duration` it is started
 * again, with room on its disk.
 */
export interface FullDiskFault extends FaultBase {
  readonly kind: 'full-disk';
}

/**
 * SIGKILL, and the node's data is deleted; after `duration` it is started with nothing, and the fault lasts until it has caught up.
 * Of one node, and once in a scenario: the cluster survives one loss at a time. All the others must run for it to catch up.
 */
export interface WipeFault extends FaultBase {
  readonly kind: 'wipe';
}

export type Fault =
  | CrashFault
  | PauseFault
  | RestartFault
  | WipeFault
  | ClockSkewFault
  | SlowDiskFault
  | FullDiskFault
  | PartitionFault
  | LatencyFault
  | BandwidthFault
  | LossFault
  | ResetFault
  | HoldFault
  | SlowCloseFault;

type WithoutTimes<F> = F extends unknown ? Omit<F, keyof Timed> : never;

/** A fault without its times, which the nemesis draws. */
export type FaultTemplate = WithoutTimes<Fault> & {
  /** Relative: how often it is drawn. > 0. Default 1. */
  readonly weight?: number;
};

/** One duration, > 0, or a range of them to draw from, evenly distributed. */
export type DurationRange = Duration | readonly [shortest: Duration, longest: Duration];

/**
 * Faults at random times, one after the other, planned from the seed before the run: the same seed gives the same schedule. None
 * begins in the warm-up, and every one leaves `recovery` before the end of the scenario. One that cannot be carried out when it
 * is its turn (nobody leads, or the fault before it has not ended yet) is skipped, and the result says why.
 */
export interface Nemesis {
  /** What is drawn from: any kind of fault, with its options but for `at` and `duration`. At least one. */
  readonly mix: readonly FaultTemplate[];
  /** From the beginning of one fault to the beginning of the next, and from `from` to the first: at least '1s'. */
  readonly every: DurationRange;
  /** How long a fault lasts: always shorter than `every`, so that the cluster is whole again before the next one. */
  readonly lasts: DurationRange;
  /** Default: the seed of the run. With a seed of its own, every run has the same schedule. */
  readonly seed?: number;
  /** From the start of the scenario. Default: the end of the warm-up. */
  readonly from?: Duration;
  /** By then every fault has ended. Default: `recovery` before the end of the scenario. */
  readonly until?: Duration;
}

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
  /** The first part of the run; its statistics are kept apart. Default '2s'. */
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

export interface StepsOptions {
  /** The rate of the first step, > 0. */
  readonly from: number;
  /** No step has a higher rate; the last one has this one when the steps lead to it. */
  readonly to: number;
  /** By how much each step is higher than the one before it, > 0. */
  readonly by: number;
  /** Of each step. A p99 takes 1,000 operations. */
  readonly duration: Duration;
}

/** Stages of a load that rises in steps of constant rate. Throws RangeError for steps that lead nowhere. */
export function steps({ from, to, by, duration }: StepsOptions): Stage[] {
  if (!(from > 0 && by > 0 && to >= from && Number.isFinite(to)))
    throw new RangeError(`steps go up from a rate > 0 by a rate > 0, not from ${from} to ${to} by ${by}`);
  // Not a sum of steps, and a little slack: 0.1 + 2 x 0.1 is 0.30000000000000004.
  const count = Math.floor((to - from) / by + 1e-9) + 1;
  return Array.from({ length: count }, (_, at) => from + at * by).flatMap((target) => [
    { target, duration: 0 },
    { target, duration },
  ]);
}
