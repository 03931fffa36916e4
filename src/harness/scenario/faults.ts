// What can befall a cluster: faults at fixed times, and the nemesis that draws them.

import type { Duration } from '../../runtime/duration.ts';

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

/** The node's container is taken off its network, interface and all, and put back after `duration`. Needs `--target docker`. */
export interface DisconnectFault extends FaultBase {
  readonly kind: 'disconnect';
}

/**
 * iptables drops packets to and from the node, in the network of its container, below TCP. Needs `--target docker` with NET_ADMIN
 * granted to the nodes (`--net-admin`), and iptables in the image.
 */
export interface DropPacketsFault extends FaultBase {
  readonly kind: 'drop-packets';
  /** Of one packet, 0 < p <= 1. Default 1: nothing passes. */
  readonly probability?: number;
}

export type Fault =
  | CrashFault
  | PauseFault
  | RestartFault
  | WipeFault
  | ClockSkewFault
  | SlowDiskFault
  | FullDiskFault
  | DisconnectFault
  | DropPacketsFault
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
