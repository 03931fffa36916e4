// An actor's children, and the failures they have escalated.

import type { Failure } from './supervision.ts';

export type StopMode = 'drain' | 'now';

/** An actor as its parent and its children see it, whatever its messages are. */
export interface Kin {
  readonly id: string;
  /** Its failure was escalated and has not been decided. */
  readonly suspended: boolean;
  stop(mode: StopMode): Promise<void>;
  /** Carries on after a failure that was escalated. */
  resume(): void;
  /** Has to decide about a failure of `child`, which is suspended until then. */
  takeEscalation(child: Kin, failure: Failure): void;
  adopt(child: Kin): void;
  disown(child: Kin): void;
}

export interface Escalation {
  readonly child: Kin;
  readonly failure: Failure;
}

export class Family {
  // Most actors have no children; they pay for two fields.
  #children: Set<Kin> | undefined;
  #escalations: Escalation[] | undefined;

  get size(): number {
    return this.#children === undefined ? 0 : this.#children.size;
  }

  get hasEscalation(): boolean {
    return this.#escalations !== undefined;
  }

  add(child: Kin): void {
    this.#children ??= new Set();
    this.#children.add(child);
  }

  remove(child: Kin): void {
    this.#children?.delete(child);
  }

  escalate(escalation: Escalation): void {
    (this.#escalations ??= []).push(escalation);
  }

  /** The oldest escalation that still waits for a decision, if any. */
  takeEscalation(): Escalation | undefined {
    const waiting = this.#escalations?.filter(({ child }) => child.suspended) ?? [];
    const [oldest, ...others] = waiting;
    this.#escalations = others.length > 0 ? others : undefined;
    return oldest;
  }

  /** Resolves when all children, and theirs, have stopped. */
  async stop(mode: StopMode): Promise<void> {
    await Promise.all([...(this.#children ?? [])].map((child) => child.stop(mode)));
  }
}
