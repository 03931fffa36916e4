// Leave to make one call, for code that would rather report a result than wrap its call in a function.

import type { BreakerMachine } from './machine.ts';

/**
 * Leave to make one call. The first report counts, every later one does nothing. An unsettled permit may hold a probe's place, so bind it with
 * `using`: leaving the block gives it back as `ignore()` does.
 */
export class Permit implements Disposable {
  readonly #machine: BreakerMachine;
  readonly #generation: number;
  #settled = false;

  constructor(machine: BreakerMachine, generation: number) {
    this.#machine = machine;
    this.#generation = generation;
  }

  /** The call was answered. */
  success(): void {
    if (this.#settle()) this.#machine.succeed(this.#generation);
  }

  /** The call ended in an error; the breaker's `isFailure` decides whether it counts, and what that throws is thrown here. */
  failure(error: unknown): void {
    if (this.#settle()) this.#machine.settleError(this.#generation, error);
  }

  /** The call says nothing about the service: it was not made, or its caller cancelled it. */
  ignore(): void {
    if (this.#settle()) this.#machine.ignore(this.#generation);
  }

  [Symbol.dispose](): void {
    this.ignore();
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    return true;
  }
}
