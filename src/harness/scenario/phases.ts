// Which phase of a scenario an instant belongs to. A pure function of when faults began and ended, so that it gives the
// same answer while the run is under way as it does afterwards.

/** In the order in which a run passes through them. */
export const PHASE_NAMES = ['warmup', 'baseline', 'fault', 'recovery', 'after'] as const;
export type PhaseName = (typeof PHASE_NAMES)[number];

/** All instants are milliseconds from the start of the scenario. */
export interface FaultInterval {
  readonly startMs: number;
  /** Undefined while the fault lasts. */
  readonly endMs: number | undefined;
}

export interface PhaseInterval {
  readonly phase: PhaseName;
  readonly startMs: number;
  readonly endMs: number;
}

export interface PhaseLengths {
  readonly warmupMs: number;
  /** How long `recovery` lasts behind the end of a fault. */
  readonly recoveryMs: number;
}

interface Segment {
  readonly phase: PhaseName;
  readonly startMs: number;
}

/**
 * The phases of [0, untilMs), without gaps or overlaps, empty ones left out:
 * `fault` while any fault lasts; `recovery` for `recoveryMs` after one ended; `warmup` for the first `warmupMs` and
 * `baseline` behind it, until the first fault; `after` behind a recovery. An earlier rule wins over a later one.
 */
export function phasesOf(lengths: PhaseLengths, faults: readonly FaultInterval[], untilMs: number): PhaseInterval[] {
  const segments = segmentsOf(lengths, faults).filter((segment) => segment.startMs < untilMs);
  return segments.map((segment, at) => ({ ...segment, endMs: segments[at + 1]?.startMs ?? untilMs }));
}

/** How long each phase lasted, milliseconds; phases that did not occur are absent. */
export function phaseDurations(intervals: readonly PhaseInterval[]): Partial<Record<PhaseName, number>> {
  const durations: Partial<Record<PhaseName, number>> = {};
  for (const { phase, startMs, endMs } of intervals) durations[phase] = (durations[phase] ?? 0) + endMs - startMs;
  return durations;
}

/** Follows the faults of a running scenario. */
export class PhaseTracker {
  readonly #lengths: PhaseLengths;
  readonly #faults: { startMs: number; endMs: number | undefined }[] = [];
  #segments: readonly Segment[];

  constructor(lengths: PhaseLengths) {
    this.#lengths = lengths;
    this.#segments = segmentsOf(lengths, []);
  }

  faultStarted(atMs: number): void {
    this.#faults.push({ startMs: atMs, endMs: undefined });
    this.#segments = segmentsOf(this.#lengths, this.#faults);
  }

  /**
   * Of several faults that last, any may be the one that ended: phases depend only on when at least one was active.
   * Does nothing when none lasts.
   */
  faultEnded(atMs: number): void {
    const lasting = this.#faults.find((fault) => fault.endMs === undefined);
    if (lasting === undefined) return;
    lasting.endMs = atMs;
    this.#segments = segmentsOf(this.#lengths, this.#faults);
  }

  /** The phase of an instant, as far as is known now: a fault that lasts is taken to last for ever. */
  phaseAt(ms: number): PhaseName {
    for (let at = this.#segments.length - 1; at > 0; at--) {
      const segment = this.#segments[at] as Segment;
      if (ms >= segment.startMs) return segment.phase;
    }
    return (this.#segments[0] as Segment).phase;
  }

  /** The phases of [0, untilMs), as `phasesOf`. */
  windows(untilMs: number): PhaseInterval[] {
    return phasesOf(this.#lengths, this.#faults, untilMs);
  }
}

/** Where phases begin, from 0 on; the last one has no end. Neighbours differ. */
function segmentsOf({ warmupMs, recoveryMs }: PhaseLengths, faults: readonly FaultInterval[]): Segment[] {
  const firstFaultMs = Math.min(...faults.map((fault) => fault.startMs));
  const phaseAt = (ms: number): PhaseName => {
    if (faults.some(({ startMs, endMs }) => ms >= startMs && (endMs === undefined || ms < endMs))) return 'fault';
    if (faults.some(({ endMs }) => endMs !== undefined && ms >= endMs && ms < endMs + recoveryMs)) return 'recovery';
    if (ms < firstFaultMs) return ms < warmupMs ? 'warmup' : 'baseline';
    return 'after';
  };
  const ends = faults.flatMap(({ endMs }) => (endMs === undefined ? [] : [endMs, endMs + recoveryMs]));
  const boundaries = [warmupMs, ...faults.map((fault) => fault.startMs), ...ends].filter((ms) => ms > 0).sort((a, b) => a - b);
  const segments: Segment[] = [{ phase: phaseAt(0), startMs: 0 }];
  for (const startMs of boundaries) {
    const phase = phaseAt(startMs);
    if (phase !== segments.at(-1)?.phase) segments.push({ phase, startMs });
  }
  return segments;
}
