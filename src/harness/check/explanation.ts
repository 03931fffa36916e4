// Why a history is not linearizable, in as few operations as possible.

import type { Model } from './model.ts';
import type { Operation } from './operation.ts';
import { Search } from './search.ts';
import { layOut } from './timeline.ts';
import type { ZoneConflict } from './zones.ts';

export interface ExplainedOperation {
  readonly operation: Operation;
  /** As the model puts it: 'read -> 3'. */
  readonly text: string;
  /** False when it may have taken effect or not: its outcome is unknown, or it is under way beyond the others. */
  readonly required: boolean;
}

export interface LinearizablePrefix {
  /** Operations in it. */
  readonly length: number;
  /** The last of them that changed the state, in the order that was found. */
  readonly tail: readonly ExplainedOperation[];
  /** The state after them; undefined when it is one that nobody observed. */
  readonly state: string | undefined;
}

export interface Explanation {
  readonly key: string | undefined;
  /** Operations on the key that a verdict depends on. */
  readonly operations: number;
  /** The first completed operation that fits into no order. */
  readonly stuck: ExplainedOperation;
  /**
   * An order of everything that completed before `stuck` did, and the state after it: the longest linearizable prefix.
   * Undefined when it was not found within the budget.
   */
  readonly prefix: LinearizablePrefix | undefined;
  /** Operations, in the order of their calls, that by themselves cannot be ordered. */
  readonly witness: readonly ExplainedOperation[];
  /** What more one has to know to see that `witness` is impossible. */
  readonly note: string | undefined;
  /** Whether `witness` is impossible whatever came before, so that it can be understood by itself. */
  readonly selfContained: boolean;
}

export interface Violation {
  readonly model: Model;
  readonly key: string | undefined;
  readonly required: readonly Operation[];
  readonly optional: readonly Operation[];
  /** Everything that returned before it is known to be linearizable. */
  readonly stuck: Operation | undefined;
  /** What was found without a search. */
  readonly conflict: ZoneConflict | undefined;
  /** Awaited now and then; may throw to stop. */
  readonly breathe: () => Promise<void>;
}

/** Search steps to spend on each phase: the end of the prefix, its order, the witness. About half a second. */
const BUDGET_STEPS = 2_000_000;
const BREATHE_AFTER_STEPS = 20_000;
/** Operations of the prefix that are kept: its end tells how the state came about. */
const PREFIX_TAIL = 10;

interface Part {
  readonly required: readonly Operation[];
  readonly optional: readonly Operation[];
}

/** Explains a violation that a search has found. Takes a few seconds at most, whatever the time limit of the check was. */
export async function explainViolation(violation: Violation): Promise<Explanation> {
  return new Explainer(violation).explain();
}

class Explainer {
  readonly #violation: Violation;
  #budget = 0;
  #sinceBreath = 0;

  constructor(violation: Violation) {
    this.#violation = violation;
  }

  async explain(): Promise<Explanation> {
    const { conflict } = this.#violation;
    return conflict === undefined ? this.#explainSearch() : this.#explainConflict(conflict);
  }

  async #explainConflict(conflict: ZoneConflict): Promise<Explanation> {
    const by = {
      nothing: 'nothing produces',
      'one operation': 'only one operation produces',
      'the beginning': 'nothing brings back',
    };
    const note = `${by[conflict.producedBy]} ${conflict.state}`;
    return this.#explanation(conflict.stuck, conflict, { note, selfContained: false });
  }

  async #explainSearch(): Promise<Explanation> {
    const stuck = await this.#firstStuck();
    this.#refill();
    const upTo = this.#cutEnd(stuck.returnedAt + 1);
    const window = await this.#cutBegin(upTo);
    const selfContained = window !== undefined;
    const witness = await this.#thinOut(window ?? upTo, selfContained);
    return this.#explanation(stuck, witness, { note: undefined, selfContained });
  }

  async #explanation(stuck: Operation, witness: Part, how: Pick<Explanation, 'note' | 'selfContained'>): Promise<Explanation> {
    const { key, required, optional } = this.#violation;
    const must = new Set(witness.required);
    const all = this.#inOrder([...witness.required, ...witness.optional]);
    this.#refill();
    return {
      key,
      operations: required.length + optional.length,
      stuck: this.#explained(stuck, true),
      prefix: await this.#orderBefore(stuck),
      witness: all.map((operation) => this.#explained(operation, must.has(operation))),
      ...how,
    };
  }

  /** About half a second of work for each phase, more only where a single search is as long. */
  #refill(): void {
    this.#budget = BUDGET_STEPS + 20 * this.#violation.required.length;
  }

  /**
   * The operation with whose return the history ceased to be linearizable. The search ends as soon as it sees that a
   * later operation will be impossible, so it knows only a lower bound.
   */
  async #firstStuck(): Promise<Operation> {
    this.#refill();
    const { required, stuck } = this.#violation;
    const byReturn = [...required].sort((a, b) => a.returnedAt - b.returnedAt);
    let low = stuck === undefined ? -1 : byReturn.indexOf(stuck) - 1;
    let high = byReturn.length - 1;
    for (let stride = 1; high - low > 1 && this.#budget > 0; stride *= 2) {
      // Often the lower bound is the answer, or near it.
      const at = Math.min(low + stride, (low + high) >>> 1);
      const part = this.#cutEnd((byReturn[at] as Operation).returnedAt + 1);
      if (await this.#isViolated(part, false)) high = at;
      else low = at;
    }
    return byReturn[high] as Operation;
  }

  /** What had been invoked before `position`. What returned later may have taken effect by then, or not. */
  #cutEnd(position: number): Part {
    const { required, optional } = this.#violation;
    const called = required.filter((operation) => operation.calledAt < position);
    const pending = called.filter((operation) => operation.returnedAt >= position);
    return {
      required: called.filter((operation) => operation.returnedAt < position),
      optional: this.#inOrder([...optional.filter((operation) => operation.calledAt < position), ...this.#changing(pending)]),
    };
  }

  async #orderBefore(stuck: Operation): Promise<LinearizablePrefix | undefined> {
    const { required, optional } = this.#cutEnd(stuck.returnedAt);
    const search = new Search(layOut(this.#violation.model, required, optional));
    await this.#run(search);
    if (search.status !== 'linearizable') return undefined;
    const completed = new Set(required);
    const order = search.order();
    const tail = this.#changing(order)
      .slice(-PREFIX_TAIL)
      .map((operation) => this.#explained(operation, completed.has(operation)));
    return { length: order.length, tail, state: search.describeState() };
  }

  /**
   * The latest beginning from which the part is still impossible, whatever the state was. Everything that returned
   * before the first operation kept was called precedes all that is kept, and so is summed up in that state; what was
   * under way at that moment may belong to either side. The later the beginning, the stronger the claim.
   */
  async #cutBegin(part: Part): Promise<Part | undefined> {
    const from = (at: number): Part => {
      const position = (part.required[at] as Operation).calledAt;
      const required = part.required.slice(at);
      const straddling = part.required.slice(0, at).filter((operation) => operation.returnedAt > position);
      return { required, optional: this.#inOrder([...part.optional, ...this.#changing(straddling)]) };
    };
    // Most violations are local: from the end in growing strides, then bisection within the last.
    let high = part.required.length;
    let low = high - 1;
    for (let stride = 1; low >= 0 && !(await this.#isViolated(from(low), true)); stride *= 2) {
      high = low;
      // The beginning itself is worth asking about: is it impossible whatever the initial state was?
      low = low === 0 ? -1 : Math.max(0, low - stride);
    }
    while (low >= 0 && high - low > 1) {
      const middle = (low + high) >>> 1;
      if (await this.#isViolated(from(middle), true)) low = middle;
      else high = middle;
    }
    return low < 0 ? undefined : from(low);
  }

  /**
   * Leaves out what cannot be the cause: operations that could make no other one possible, as long as the rest is still
   * impossible. In chunks that become smaller, as in delta debugging (Zeller, Hildebrandt 2002).
   */
  async #thinOut(part: Part, anyStart: boolean): Promise<Part> {
    let kept = part;
    let chunk = Math.max(1, (part.required.length + part.optional.length) >>> 1);
    for (;;) {
      const before = kept;
      const all = this.#inOrder([...kept.required, ...kept.optional]);
      for (let begin = all.length; begin > 0 && this.#budget > 0; begin -= chunk) {
        const smaller = this.#without(kept, all.slice(Math.max(0, begin - chunk), begin));
        if (smaller !== kept && (await this.#isViolated(smaller, anyStart))) kept = smaller;
      }
      if (this.#budget <= 0 || (chunk === 1 && kept === before)) return kept;
      // A read left out can make the write that it observed superfluous, so single operations are tried until none goes.
      chunk = Math.max(1, chunk >>> 1);
    }
  }

  /** Without those of `candidates` that cannot make possible what is kept. The same object when all of them can. */
  #without(part: Part, candidates: readonly Operation[]): Part {
    const all = [...part.required, ...part.optional];
    const machine = this.#violation.model.compile(all);
    const dropped = new Set(candidates);
    for (let size = 0; size !== dropped.size;) {
      size = dropped.size;
      const numbers = [...all.keys()];
      const asked = numbers.filter((at) => dropped.has(all[at] as Operation));
      const kept = numbers.filter((at) => !dropped.has(all[at] as Operation));
      // What has to stay may itself have been helped by another candidate: repeat until nothing has to come back.
      machine.helpful(asked, kept).forEach((helpful, at) => helpful && dropped.delete(all[asked[at] as number] as Operation));
    }
    if (dropped.size === 0) return part;
    const stays = (operation: Operation) => !dropped.has(operation);
    return { required: part.required.filter(stays), optional: part.optional.filter(stays) };
  }

  async #isViolated(part: Part, anyStart: boolean): Promise<boolean> {
    if (part.required.length === 0) return false;
    const timeline = layOut(this.#violation.model, part.required, part.optional);
    await this.#spend(part.required.length + part.optional.length);
    const starts = anyStart ? timeline.machine.startStates() : [timeline.machine.initial];
    if (starts === undefined) return false;
    for (const start of starts) {
      const search = new Search(timeline, start);
      await this.#run(search);
      if (search.status !== 'violated') return false;
    }
    return true;
  }

  async #run(search: Search): Promise<void> {
    while (search.status === 'running' && this.#budget > 0) {
      const before = search.steps;
      search.run(BREATHE_AFTER_STEPS);
      await this.#spend(search.steps - before + 1);
    }
  }

  async #spend(steps: number): Promise<void> {
    this.#budget -= steps;
    this.#sinceBreath += steps;
    if (this.#sinceBreath < BREATHE_AFTER_STEPS) return;
    this.#sinceBreath = 0;
    await this.#violation.breathe();
  }

  /** Those that may change the state; what only observes and is not complete says nothing. */
  #changing(operations: readonly Operation[]): readonly Operation[] {
    const machine = this.#violation.model.compile(operations);
    return operations.filter((_, at) => machine.effect(at) !== 'none');
  }

  #inOrder(operations: Operation[]): Operation[] {
    return operations.sort((a, b) => a.calledAt - b.calledAt);
  }

  #explained(operation: Operation, required: boolean): ExplainedOperation {
    return { operation, text: this.#violation.model.describe(operation), required };
  }
}
