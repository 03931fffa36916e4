// A scenario that has been checked: every default filled in, every duration in milliseconds. Plain data, so that it can be
// written to run.json as it ran.

import type { PartitionShape } from './faults.ts';
import type { SqlParameter } from './workloads.ts';
import type { Threshold } from './thresholds.ts';

declare const checked: unique symbol;

/** Relative weights, each >= 0, their sum > 0. */
export interface ValidMix {
  readonly read: number;
  readonly write: number;
  readonly cas: number;
}

export interface ValidRegisters {
  readonly kind: 'registers';
  readonly keys: number;
  readonly mix: ValidMix;
  readonly distribution: 'uniform' | 'zipfian';
}

export interface ValidAppend {
  readonly kind: 'append';
  readonly keys: number;
  readonly mix: { readonly append: number; readonly read: number };
  readonly appendsPerKey: number;
  readonly distribution: 'uniform' | 'zipfian';
}

export interface ValidBank {
  readonly kind: 'bank';
  readonly accounts: number;
  readonly initialBalance: number;
  readonly maxTransfer: number;
  readonly mix: { readonly transfer: number; readonly read: number };
}

export interface ValidSqlStatement {
  readonly name: string;
  readonly sql: string;
  readonly params: readonly SqlParameter[];
  readonly weight: number;
}

export interface ValidSql {
  readonly kind: 'sql';
  readonly setup: readonly string[];
  readonly statements: readonly ValidSqlStatement[];
}

export interface ValidHttp {
  readonly kind: 'http';
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Undefined: 200 to 299. */
  readonly expectStatus: readonly number[] | undefined;
}

export interface ValidGrpc {
  readonly kind: 'grpc';
  readonly proto: string;
  readonly method: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The function itself is no data: who calls it loads the scenario's module. */
export interface ValidFunction {
  readonly kind: 'function';
}

export type ValidWorkload =
  ValidRegisters | { readonly kind: 'set' } | ValidAppend | ValidBank | ValidSql | ValidHttp | ValidGrpc | ValidFunction;

/** What the operations of a workload are called in statistics, those left out that its mix never takes. */
export function operationNames(workload: ValidWorkload): string[] {
  const taken = (mix: object) => Object.entries(mix).flatMap(([name, weight]) => (weight > 0 ? [name] : []));
  switch (workload.kind) {
    case 'registers':
    case 'append':
      return taken(workload.mix);
    case 'bank':
      return taken(workload.mix).map((name) => (name === 'read' ? 'read-all' : name));
    case 'set':
      return ['add'];
    case 'sql':
      return workload.statements.map(({ name }) => name);
    case 'http':
    case 'grpc':
      return [workload.method];
    case 'function':
      return ['function'];
  }
}

export type WorkloadKind = ValidWorkload['kind'];

export type ValidTarget =
  | { readonly kind: 'process' }
  | {
      readonly kind: 'docker';
      /** Undefined: that of this checkout. */
      readonly image?: string | undefined;
      readonly cpus?: number | undefined;
      /** Bytes. */
      readonly memory?: number | undefined;
      readonly netAdmin: boolean;
    }
  | {
      readonly kind: 'compose';
      /** Undefined: the only one that has nodes. */
      readonly project?: string | undefined;
    }
  | { readonly kind: 'etcd'; readonly binary: string }
  | {
      readonly kind: 'external';
      readonly endpoints: readonly string[];
      readonly httpEndpoints: readonly string[];
      readonly protocol: 'windtunnel' | 'etcd';
    };

/** Whether its nodes are ours, and within hearing: they say what they apply and when they lead. */
export function runsOurNodes({ kind }: ValidTarget): boolean {
  return kind === 'process' || kind === 'docker' || kind === 'compose';
}

/** Whether it is started for a run, and stopped after it. The others run before and afterwards, and keep their data. */
export function isLaunched({ kind }: ValidTarget): boolean {
  return kind !== 'external' && kind !== 'compose';
}

/** Whether its gRPC servers are etcd's. */
export function speaksEtcd(target: ValidTarget): boolean {
  return target.kind === 'etcd' || (target.kind === 'external' && target.protocol === 'etcd');
}

/** The workloads whose data a target keeps: it must speak a language that we know. The others bring their own. */
export function keepsData({ kind }: ValidWorkload): boolean {
  return kind === 'registers' || kind === 'set' || kind === 'append' || kind === 'bank' || kind === 'sql';
}

interface ValidLoadBase {
  readonly workload: ValidWorkload;
  /** From the start of the scenario. */
  readonly startTimeMs: number;
  /** Of a ramp: of all its stages together. Of shared iterations: the most, for they may be done earlier. */
  readonly durationMs: number;
  readonly gracefulStopMs: number;
}

export interface ValidStage {
  readonly target: number;
  readonly durationMs: number;
}

export interface ValidConstantArrivalRate extends ValidLoadBase {
  readonly executor: 'constant-arrival-rate';
  readonly rate: number;
  readonly timeUnitMs: number;
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
  readonly arrivals: 'even' | 'poisson';
}

export interface ValidRampingArrivalRate extends ValidLoadBase {
  readonly executor: 'ramping-arrival-rate';
  readonly startRate: number;
  readonly timeUnitMs: number;
  readonly stages: readonly ValidStage[];
  readonly preAllocatedVUs: number;
  readonly maxVUs: number;
  readonly arrivals: 'even' | 'poisson';
}

export interface ValidConstantVus extends ValidLoadBase {
  readonly executor: 'constant-vus';
  readonly vus: number;
}

export interface ValidRampingVus extends ValidLoadBase {
  readonly executor: 'ramping-vus';
  readonly startVUs: number;
  readonly stages: readonly ValidStage[];
  readonly gracefulRampDownMs: number;
}

export interface ValidSharedIterations extends ValidLoadBase {
  readonly executor: 'shared-iterations';
  readonly vus: number;
  readonly iterations: number;
}

/** Its workload is http, and not HEAD; connections <= amount. */
export interface ValidAutocannon extends ValidLoadBase {
  readonly executor: 'autocannon';
  readonly connections: number;
  readonly pipelining: number;
  /** Undefined: as many as there is time for. */
  readonly amount: number | undefined;
}

export type ValidArrivalRate = ValidConstantArrivalRate | ValidRampingArrivalRate;
export type ValidLoad = ValidArrivalRate | ValidConstantVus | ValidRampingVus | ValidSharedIterations | ValidAutocannon;

interface ValidFaultBase {
  readonly atMs: number;
  readonly durationMs: number;
  /** A node's name, 'leader' or 'follower'. Of a partition it counts for the shape 'one-way' only. */
  readonly target: string;
}

/** Befalls processes. Two at once on one node would be one too many. */
export type ValidNodeFault =
  | (ValidFaultBase & { readonly kind: 'crash' | 'restart' | 'pause' | 'full-disk' | 'wipe' | 'disconnect' })
  | (ValidFaultBase & { readonly kind: 'drop-packets'; readonly probability: number })
  | (ValidFaultBase & { readonly kind: 'clock-skew'; readonly offsetMs: number; readonly drift: number })
  | (ValidFaultBase & { readonly kind: 'slow-disk'; readonly delayMs: number });

export interface ValidPartition extends ValidFaultBase {
  readonly kind: 'partition';
  readonly shape: PartitionShape;
  readonly mode: 'hold' | 'cut';
  readonly clients: boolean;
}

interface ValidLinkFaultBase extends ValidFaultBase {
  readonly links: LinkScope;
}

/** Which links of the target. */
export type LinkScope = 'peers' | 'clients' | 'all';

export interface ValidLatency extends ValidLinkFaultBase {
  readonly kind: 'latency';
  readonly delayMs: number;
  readonly jitterMs: number;
}

export interface ValidBandwidth extends ValidLinkFaultBase {
  readonly kind: 'bandwidth';
  readonly bytesPerSecond: number;
}

export interface ValidLoss extends ValidLinkFaultBase {
  readonly kind: 'loss';
  readonly probability: number;
  readonly retransmitMs: number;
}

export interface ValidReset extends ValidLinkFaultBase {
  readonly kind: 'reset';
  /** Undefined: once. */
  readonly everyMs?: number | undefined;
}

export interface ValidHold extends ValidLinkFaultBase {
  readonly kind: 'hold';
}

export interface ValidSlowClose extends ValidLinkFaultBase {
  readonly kind: 'slow-close';
  readonly delayMs: number;
}

/** Befalls links, as many at once as one likes. */
export type ValidLinkFault = ValidLatency | ValidBandwidth | ValidLoss | ValidReset | ValidHold | ValidSlowClose;

export type ValidFault = ValidNodeFault | ValidPartition | ValidLinkFault;

type WithoutTimes<F> = F extends unknown ? Omit<F, 'atMs' | 'durationMs'> : never;

/** What a fault does and to whom, whenever that is. */
export type UntimedFault = WithoutTimes<ValidFault>;

export interface ValidRange {
  readonly shortestMs: number;
  readonly longestMs: number;
}

export interface ValidNemesis {
  readonly mix: readonly (UntimedFault & { readonly weight: number })[];
  readonly every: ValidRange;
  readonly lasts: ValidRange;
  /** Undefined: that of the run. */
  readonly seed?: number | undefined;
  /** Undefined: the end of the warm-up. */
  readonly fromMs?: number | undefined;
  /** Undefined: as long before the end of the scenario as the recovery lasts. */
  readonly untilMs?: number | undefined;
}

export interface ValidSaturation {
  readonly p99Ms: number;
  readonly load: string;
  readonly operation?: string | undefined;
}

/** Whom a fault befalls, as the scenario said it: 'leader', 'n2', 'halves', 'one-way from leader'. */
export function subjectOf(fault: UntimedFault): string {
  if (fault.kind !== 'partition') return fault.target;
  return fault.shape === 'one-way' ? `one-way from ${fault.target}` : fault.shape;
}

/** Whether a fault befalls the network, which must go through links; the others befall processes. */
export function needsLinks(fault: UntimedFault): boolean {
  return fault.kind === 'partition' || 'links' in fault;
}

/** Whether a fault is brought about inside the node, which must have been started to allow it. */
export function needsFaultControl({ kind }: UntimedFault): boolean {
  return kind === 'clock-skew' || kind === 'slow-disk' || kind === 'full-disk';
}

export interface ScenarioData {
  readonly name: string;
  readonly description: string;
  /** The file that it was loaded from; undefined for a scenario that was made in this process. */
  readonly module: string | undefined;
  readonly target: ValidTarget;
  readonly cluster: { readonly nodes: number; readonly reads: 'leader' | 'any'; readonly links: boolean };
  readonly generators: number;
  readonly operationTimeoutMs: number;
  readonly warmupMs: number;
  readonly recoveryMs: number;
  readonly loads: Readonly<Record<string, ValidLoad>>;
  readonly faults: readonly ValidFault[];
  readonly nemesis?: ValidNemesis | undefined;
  readonly saturation?: ValidSaturation | undefined;
  readonly thresholds: readonly Threshold[];
  /** When the last load ends, at the latest, without its graceful stop. */
  readonly totalDurationMs: number;
}

/**
 * Invariants, held by `validateScenario` and `withOverrides`: (1) at least one load, each within 24 hours; (2) the warm-up is
 * shorter than the scenario; (3) every fault begins behind the warm-up and ends within the scenario, on a node that exists;
 * (4) 1 <= preAllocatedVUs <= maxVUs; a ramp is above 0 somewhere; vus <= iterations; connections <= amount, of an http workload;
 * (5) thresholds name loads, operations and faults that exist; (6) there is room for at least one fault of the nemesis, none lasts
 * longer than it takes to the next, and at most one wipes a node; (7) the load of a saturation has at least two steps.
 */
export type ValidScenario = ScenarioData & { readonly [checked]: true };

/** The names of a cluster's nodes: n1, n2, ... */
export function nodeNames(nodes: number): string[] {
  return Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
}
