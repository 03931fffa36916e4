// Carries out the faults of a scenario at their times, and says afterwards what they did to the cluster.

import { unreachable } from '../../runtime/assert.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { FaultWindow, SkippedFault } from '../result/schema.ts';
import { isBearable, type PlannedFault } from '../scenario/nemesis.ts';
import { subjectOf, type ValidFault } from '../scenario/valid-scenario.ts';
import { beginBandwidth } from './bandwidth.ts';
import { beginClockSkew } from './clock-skew.ts';
import { beginCrash } from './crash.ts';
import { beginDisconnect } from './disconnect.ts';
import { beginDropPackets } from './drop-packets.ts';
import type { ActiveFault, FaultContext } from './fault.ts';
import { beginFullDisk } from './full-disk.ts';
import { beginHold } from './hold.ts';
import { beginLatency } from './latency.ts';
import { beginLoss } from './loss.ts';
import { beginPartition } from './partition.ts';
import { beginPause } from './pause.ts';
import { beginReset } from './reset.ts';
import { beginRestart } from './restart.ts';
import { beginSlowClose } from './slow-close.ts';
import { beginSlowDisk } from './slow-disk.ts';
import { beginWipe } from './wipe.ts';

export interface FaultScheduleOptions {
  readonly faults: readonly PlannedFault[];
  /** Why the target cannot have a fault, or undefined when it can. */
  readonly impossible: (fault: ValidFault) => string | undefined;
  /** Each fault draws from a stream of its own, so that one that is skipped changes nothing for the others. */
  readonly context: FaultContext;
  readonly clock: Clock;
  /** What `clock` read when the scenario started. */
  readonly originMs: number;
  /** Faults count from the start of the scenario, as everything in it. */
  readonly onStart: (atMs: number, fault: ScheduledFault) => void;
  /** With the object that `onStart` had been given, when it has been carried out; not when it cannot be. */
  readonly onCarriedOut: (atMs: number, fault: ScheduledFault) => void;
  /** With that object, too. */
  readonly onEnd: (atMs: number, fault: ScheduledFault) => void;
  /** When aborted, no further fault begins, and those that last are ended at once. */
  readonly signal: AbortSignal;
}

/** Told from others by identity. */
export interface ScheduledFault {
  readonly kind: string;
  /** As the scenario said it. */
  readonly target: string;
}

/** Without the figures that are taken from the load's measurements. */
export type FaultRecord = Pick<FaultWindow, 'kind' | 'target' | 'nodes' | 'startMs' | 'endMs' | 'proof'>;

export interface FaultsOutcome {
  readonly faults: readonly FaultRecord[];
  readonly skipped: readonly SkippedFault[];
}

/**
 * Resolves when every fault has ended, with those that began. One that the target cannot have is skipped, with the reason. A fault of
 * the scenario that cannot be carried out otherwise is one without proof; one of the nemesis that meets another one, or needs a leader
 * when there is none, is skipped.
 */
export async function runFaults(options: FaultScheduleOptions): Promise<FaultsOutcome> {
  const lasting = new Set<ValidFault>();
  const skipped: SkippedFault[] = [];
  const records = await Promise.all(
    options.faults.map(async ({ fault, by }, at) => {
      if (!(await waitUntil(fault.atMs, options))) return undefined;
      const context = { ...options.context, random: options.context.random.fork(String(at)) };
      const reason =
        options.impossible(fault) ??
        withoutMeans(fault, context) ??
        (by === 'nemesis' ? reasonToSkip(fault, lasting, context) : undefined);
      if (reason !== undefined) {
        skipped.push({ kind: fault.kind, target: subjectOf(fault), atMs: options.clock.now() - options.originMs, reason });
        return undefined;
      }
      lasting.add(fault);
      const record = await runFault(fault, context, options);
      lasting.delete(fault);
      return record;
    }),
  );
  return { faults: records.filter((record) => record !== undefined), skipped };
}

/** What the cluster turned out to lack. */
function withoutMeans({ kind }: ValidFault, { target }: FaultContext): string | undefined {
  const reason = target.containers?.cannotDropPackets;
  return kind === 'drop-packets' && reason !== undefined ? `packets cannot be dropped: ${reason}` : undefined;
}

/** Roles are known only now, and so is how long the faults before it took to be undone. */
function reasonToSkip(fault: ValidFault, lasting: ReadonlySet<ValidFault>, { target }: FaultContext): string | undefined {
  const other = [...lasting].find((each) => !isBearable(each, fault));
  if (other !== undefined) return `the ${other.kind} of ${subjectOf(other)} had not ended yet`;
  return needsLeader(fault) && target.leader() === undefined ? 'nobody led at that moment' : undefined;
}

function needsLeader(fault: ValidFault): boolean {
  if (fault.kind !== 'partition' || fault.shape === 'one-way') return fault.target === 'leader';
  return fault.shape === 'isolate-leader' || fault.shape === 'majority' || fault.shape === 'minority';
}

async function runFault(fault: ValidFault, context: FaultContext, options: FaultScheduleOptions): Promise<FaultRecord> {
  const { clock, originMs, signal } = options;
  const startMs = clock.now() - originMs;
  // Told before it begins: what the load sees of it belongs to it from its first moment on.
  const scheduled = { kind: fault.kind, target: subjectOf(fault) };
  options.onStart(startMs, scheduled);
  let active: ActiveFault | undefined;
  let problem: string | undefined;
  try {
    active = await begin(fault, context);
    options.onCarriedOut(clock.now() - originMs, scheduled);
    await waitUntil(fault.atMs + fault.durationMs, options);
  } catch (error) {
    problem = `the fault could not be carried out: ${error instanceof Error ? error.message : String(error)}`;
  }
  try {
    await active?.end();
  } catch (error) {
    problem = `the fault could not be undone: ${error instanceof Error ? error.message : String(error)}`;
  }
  const endMs = clock.now() - originMs;
  options.onEnd(endMs, scheduled);
  const proof = active?.proof() ?? { proven: false, observations: [] };
  const observations = [...proof.observations, ...(problem === undefined ? [] : [problem])];
  if (signal.aborted) observations.push('the fault was cut short');
  return {
    ...scheduled,
    nodes: [...(active?.nodes ?? [])],
    startMs,
    endMs,
    proof: { proven: proof.proven && problem === undefined, observations },
  };
}

function begin(fault: ValidFault, context: FaultContext): Promise<ActiveFault> {
  switch (fault.kind) {
    case 'crash':
      return beginCrash(fault.target, context);
    case 'pause':
      return beginPause(fault.target, context);
    case 'partition':
      return beginPartition(fault, context);
    case 'latency':
      return beginLatency(fault, context);
    case 'bandwidth':
      return beginBandwidth(fault, context);
    case 'loss':
      return beginLoss(fault, context);
    case 'reset':
      return beginReset(fault, context);
    case 'hold':
      return beginHold(fault, context);
    case 'slow-close':
      return beginSlowClose(fault, context);
    case 'restart':
      return beginRestart(fault.target, context);
    case 'wipe':
      return beginWipe(fault.target, context);
    case 'clock-skew':
      return beginClockSkew(fault.target, fault, context);
    case 'slow-disk':
      return beginSlowDisk(fault.target, fault.delayMs, context);
    case 'disconnect':
      return beginDisconnect(fault.target, context);
    case 'drop-packets':
      return beginDropPackets(fault.target, fault.probability, context);
    case 'full-disk':
      return beginFullDisk(fault.target, context);
    default:
      return unreachable(fault);
  }
}

/** False when the signal came first. */
async function waitUntil(atMs: number, { clock, originMs, signal }: FaultScheduleOptions): Promise<boolean> {
  try {
    await sleep(clock, Math.max(0, originMs + atMs - clock.now()), signal);
    return true;
  } catch {
    return false;
  }
}
