// Carries out the faults of a scenario at their times, and says afterwards what they did to the cluster.

import { unreachable } from '../../runtime/assert.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { FaultWindow } from '../result/schema.ts';
import { subjectOf, type ValidFault } from '../scenario/valid-scenario.ts';
import { beginBandwidth } from './bandwidth.ts';
import { beginClockSkew } from './clock-skew.ts';
import { beginCrash } from './crash.ts';
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
  readonly faults: readonly ValidFault[];
  readonly context: FaultContext;
  readonly clock: Clock;
  /** What `clock` read when the scenario started. */
  readonly originMs: number;
  /** Faults count from the start of the scenario, as everything in it. */
  readonly onStart: (atMs: number, fault: ScheduledFault) => void;
  /** With the object that `onStart` had been given. */
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

/** Resolves when every fault has ended, with those that began. A fault that cannot be carried out is one without proof. */
export async function runFaults(options: FaultScheduleOptions): Promise<FaultRecord[]> {
  const records = await Promise.all(options.faults.map((fault) => runFault(fault, options)));
  return records.filter((record) => record !== undefined);
}

async function runFault(fault: ValidFault, options: FaultScheduleOptions): Promise<FaultRecord | undefined> {
  const { clock, originMs, signal } = options;
  if (!(await waitUntil(fault.atMs, options))) return undefined;
  const startMs = clock.now() - originMs;
  // Told before it begins: what the load sees of it belongs to it from its first moment on.
  const scheduled = { kind: fault.kind, target: subjectOf(fault) };
  options.onStart(startMs, scheduled);
  let active: ActiveFault | undefined;
  let problem: string | undefined;
  try {
    active = await begin(fault, options.context);
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
