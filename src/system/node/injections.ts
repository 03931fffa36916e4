// The faults that can be injected into a running node: its clock, and the disk under its log. They end with the process.

import { unreachable } from '../../runtime/assert.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Injection, InjectionKind, InjectionReport, NodeMeasurement } from '../rpc/injection.ts';
import type { NodeEvent } from '../rpc/node-event.ts';
import { FaultyDisk } from './faulty-disk.ts';
import type { LogFolder } from './log-files.ts';
import { SkewedClock } from './skewed-clock.ts';

/** An injection that is none. Nothing was changed. */
export class InjectionError extends Error {
  override readonly name = 'InjectionError';
  readonly code = 'bad-injection';
}

const KINDS: readonly InjectionKind[] = ['clock-skew', 'slow-disk', 'full-disk'];
const MOST_OFFSET_MS = 24 * 3_600_000;
const MOST_DELAY_MS = 30_000;
const LEAST_DRIFT = 0.5;
const MOST_DRIFT = 2;

export class Injections {
  readonly #clock: SkewedClock;
  readonly #disk: FaultyDisk;
  readonly #inForce = new Set<InjectionKind>();

  /** @param clock the true one. */
  constructor(clock: Clock) {
    this.#clock = new SkewedClock(clock);
    this.#disk = new FaultyDisk(clock);
  }

  /** For everything in the node. */
  get clock(): Clock {
    return this.#clock;
  }

  /** Puts the folder of the log on the disk that can fail. */
  get around(): (folder: LogFolder) => LogFolder {
    return this.#disk.around;
  }

  get inForce(): InjectionKind[] {
    return [...this.#inForce];
  }

  /** Ends everything, so that the node can stop without waiting for a slow disk. */
  end(): void {
    for (const kind of this.#inForce) this.#end(kind);
    this.#inForce.clear();
  }

  /** In force when it returns. Throws InjectionError. */
  inject(injection: Injection): InjectionReport {
    const before = this.#measure();
    this.#apply(injection);
    return { before, after: this.#measure() };
  }

  #apply(injection: Injection): void {
    switch (injection.inject) {
      case 'clock-skew': {
        const { offsetMs, drift } = injection;
        within('offsetMs', offsetMs, -MOST_OFFSET_MS, MOST_OFFSET_MS);
        within('drift', drift, LEAST_DRIFT, MOST_DRIFT);
        this.#clock.skew(offsetMs, drift);
        break;
      }
      case 'slow-disk':
        within('delayMs', injection.delayMs, 0, MOST_DELAY_MS);
        this.#disk.slow(injection.delayMs);
        break;
      case 'full-disk':
        this.#disk.full(true);
        break;
      case 'none':
        this.#end(injection.of);
        this.#inForce.delete(injection.of);
        return;
      default:
        unreachable(injection);
    }
    this.#inForce.add(injection.inject);
  }

  #end(kind: InjectionKind): void {
    if (kind === 'clock-skew') this.#clock.skew(0, 1);
    else if (kind === 'slow-disk') this.#disk.slow(0);
    else this.#disk.full(false);
  }

  #measure(): NodeMeasurement {
    const { syncs } = this.#disk;
    return {
      wallMs: this.#clock.wallTime(),
      monotonicMs: this.#clock.now(),
      syncs: syncs.length,
      shortestSyncMs: syncs.length === 0 ? 0 : syncs.reduce((least, ms) => Math.min(least, ms)),
      longestSyncMs: syncs.reduce((most, ms) => Math.max(most, ms), 0),
    };
  }
}

type Answer<E extends NodeEvent = NodeEvent> = E extends { readonly event: 'injected' | 'injection-refused' }
  ? Omit<E, 'time' | 'node'>
  : never;

/**
 * Does what a line of the control channel asks for, and returns what to answer. `request` is 0 in the answer to a line that has none.
 * @param injections undefined: the node was not started to be disturbed.
 */
export function obey(line: string, injections: Injections | undefined): Answer {
  let request = 0;
  try {
    const { request: number, ...injection } = parse(line);
    if (!Number.isSafeInteger(number)) throw new InjectionError(`no number of a request in '${line.slice(0, 200)}'`);
    request = number as number;
    if (injections === undefined) throw new InjectionError('the node was started without --fault-control');
    const kind = injection['inject'] === 'none' ? injection['of'] : injection['inject'];
    if (!(KINDS as readonly unknown[]).includes(kind))
      throw new InjectionError(`what can be injected is ${KINDS.join(', ')}, not '${String(kind)}'`);
    const report = injections.inject(injection as unknown as Injection);
    return { event: 'injected', request, inForce: injections.inForce, ...report };
  } catch (error) {
    if (error instanceof InjectionError) return { event: 'injection-refused', request, problem: error.message };
    throw error;
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new InjectionError(`a line of the control channel is a JSON object, not '${line.slice(0, 200)}'`);
}

function within(name: string, value: number, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return;
  throw new InjectionError(`${name} must be a number from ${least} to ${most}, not ${String(value)}`);
}
