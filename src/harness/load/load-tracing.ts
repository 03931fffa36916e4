// The root of the trace of every operation of a load. Which traces are worth keeping is decided where all operations are counted,
// so an operation's trace is named there by a number.

import type { Random } from '../../runtime/random.ts';
import { DistributedContext } from '../../telemetry/context.ts';
import { withContext } from '../../telemetry/current-context.ts';
import type { ActiveSpan, Tracer } from '../../telemetry/tracer.ts';
import { cryptoIds } from '../../telemetry/trace-ids.ts';
import type { Outcome } from '../result/schema.ts';
import type { PlannedOperation } from './operation.ts';

export interface LoadTracingOptions {
  readonly tracer: Tracer;
  /** The first half of all trace ids, 16 hexadecimal digits that no other generator has. */
  readonly prefix: string;
  readonly random: Random;
  /** Which share of the traces is sampled, 0 to 1. */
  readonly sample: number;
}

const HIGH = 2 ** 32;
const HIGH_BITS = 0x1f_ffff;

/** @param number what `OperationTrace.number` was. */
export function traceIdOf(prefix: string, number: number): string {
  return prefix + number.toString(16).padStart(16, '0');
}

export class LoadTracing {
  readonly #options: LoadTracingOptions;

  constructor(options: LoadTracingOptions) {
    this.#options = options;
  }

  /**
   * An operation is sent now.
   * @param waitedMs how long ago the schedule wanted it to be.
   */
  begin(operation: PlannedOperation, waitedMs: number): OperationTrace {
    const { tracer, prefix, random, sample } = this.#options;
    // 53 bits: what a number holds. Random, so that whoever samples by the last bits of an id samples evenly.
    const number = (random.uint32() & HIGH_BITS) * HIGH + random.uint32();
    const context = new DistributedContext({
      traceId: traceIdOf(prefix, number),
      spanId: cryptoIds.spanId(),
      sampled: sample > 0 && random.chance(sample),
    });
    const attributes = { 'windtunnel.load': operation.load, 'windtunnel.operation': operation.operation };
    return new OperationTrace(number, tracer.begin('load.operation', context, attributes, tracer.now() - waitedMs));
  }
}

export class OperationTrace {
  /** Names the trace among those of its generator; 1 to 2^53 - 1. */
  readonly number: number;
  readonly #span: ActiveSpan<'load.operation'>;

  /** Use `LoadTracing.begin`. */
  constructor(number: number, span: ActiveSpan<'load.operation'>) {
    this.number = number;
    this.#span = span;
  }

  /** Carries the operation out as a part of its trace. */
  run<R>(carryOut: () => R): R {
    return withContext(this.#span.context, carryOut);
  }

  /** @param code why, of an operation that failed. */
  end(outcome: Outcome, code: string | undefined, isError: boolean): void {
    this.#span.set({ 'windtunnel.outcome': outcome });
    if (isError) this.#span.fail(code ?? 'unknown');
    this.#span.end();
  }
}
