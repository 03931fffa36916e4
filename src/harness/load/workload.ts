// What operations do: a seeded sequence for each load, with values by which a lost, stale or repeated write is recognised.

import { assert, known } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';
import type {
  ValidAppend,
  ValidBank,
  ValidRegisters,
  ValidSql,
  ValidSqlStatement,
  ValidWorkload,
} from '../scenario/valid-scenario.ts';
import type { Action, Answer, PlannedOperation } from './operation.ts';
import { type Share, WHOLE } from './share.ts';
import { Zipfian } from './zipfian.ts';

/** The operations of one load, in order. */
export interface OperationPlan {
  next(): PlannedOperation;
  /** Tells the plan what an operation of it came to. */
  learn(operation: PlannedOperation, answer: Answer): void;
  /** Reads of everything that the operations so far may have changed; empty for a workload that is not checked. */
  finalReads(): PlannedOperation[];
}

/** Gives integers from 1 that no other plan of the run has, whatever the order in which plans take theirs. */
export interface UniqueValues {
  /** Which plan, from 0 to `of` - 1. */
  readonly index: number;
  /** How many plans the run has: one for each load and generator. */
  readonly of: number;
}

/** What a kind of workload decides; loads of one kind work on the same objects. */
interface Actions {
  next(): Action;
  learn?(action: Action, answer: Answer): void;
  finalReads(): Action[];
}

/**
 * @param random the plan's own stream; the same stream gives the same operations (but see `registers` on `expected`).
 * @param share the part of the load that the plan is for.
 */
export function planOf(
  load: string,
  workload: ValidWorkload,
  random: Random,
  unique: UniqueValues,
  share: Share = WHOLE,
): OperationPlan {
  assert(unique.index >= 0 && unique.index < unique.of, `plan ${unique.index} of ${unique.of}`);
  let taken = 0;
  const actions = actionsOf(workload, random, unique, share, () => taken++ * unique.of + unique.index + 1);
  return {
    next: () => ({ load, ...actions.next() }),
    learn: (operation, answer) => actions.learn?.(operation, answer),
    finalReads: () => actions.finalReads().map((action) => ({ load, ...action })),
  };
}

function actionsOf(
  workload: ValidWorkload,
  random: Random,
  unique: UniqueValues,
  share: Share,
  freshValue: () => number,
): Actions {
  switch (workload.kind) {
    case 'registers':
      return registers(workload, random, freshValue);
    case 'set':
      return {
        next: () => ({ kind: 'set', operation: 'add', value: freshValue() }),
        finalReads: () => [{ kind: 'set', operation: 'read-all' }],
      };
    case 'append':
      return lists(workload, random, unique, freshValue);
    case 'bank':
      return bank(workload, random);
    case 'sql':
      return sql(workload, random, freshValue);
    case 'http':
      return unchecked(() => ({ kind: 'http', operation: workload.method, request: workload }));
    case 'grpc':
      return unchecked(() => ({ kind: 'grpc', operation: workload.method, request: workload }));
    case 'function': {
      let taken = 0;
      return unchecked(() => ({ kind: 'function', operation: 'function', iteration: taken++ * share.of + share.index }));
    }
  }
}

function unchecked(next: () => Action): Actions {
  return { next, finalReads: () => [] };
}

/**
 * Operation, key and value depend on the random stream alone. What a cas expects depends on the answers as well: the value
 * last seen under its key, read or acknowledged, and before any was seen the one last written, so that a fair part of
 * them succeeds. The first cas on a key that was never written becomes a write: there is nothing yet to compare with.
 */
function registers(workload: ValidRegisters, random: Random, freshValue: () => number): Actions {
  const { read, write, cas } = workload.mix;
  const pickKey = chooser(workload.keys, workload.distribution, random);
  const lastSeen = new Map<number, number>();
  const lastPlanned = new Map<number, number>();
  return {
    next() {
      const draw = random.float() * (read + write + cas);
      const key = pickKey();
      if (draw < read) return { kind: 'registers', operation: 'read', key };
      const value = freshValue();
      const isCas = draw >= read + write && lastPlanned.has(key);
      const expected = isCas ? (lastSeen.get(key) ?? lastPlanned.get(key)) : undefined;
      lastPlanned.set(key, value);
      if (!isCas) return { kind: 'registers', operation: 'write', key, value };
      const wanted = known(expected, `no value was planned for register ${key}`);
      return { kind: 'registers', operation: 'cas', key, value, expected: wanted };
    },
    learn(action, answer) {
      if (answer.outcome !== 'ok' || action.kind !== 'registers') return;
      const seen = action.operation === 'read' ? answer.value : action.value;
      if (typeof seen === 'number') lastSeen.set(action.key, seen);
    },
    finalReads: () => Array.from({ length: workload.keys }, (_, key) => ({ kind: 'registers', operation: 'read', key }) as const),
  };
}

/**
 * A list gets `appendsPerKey` appends and is then replaced, so that reads stay small however long the run. Each load has lists of
 * its own: their numbers are its own as its values are.
 */
function lists(workload: ValidAppend, random: Random, unique: UniqueValues, freshValue: () => number): Actions {
  const { append, read } = workload.mix;
  const pickSlot = chooser(workload.keys, workload.distribution, random);
  /** For each list in use: the how many-th it is in its place, and how often it was appended to. */
  const slots = Array.from({ length: workload.keys }, () => ({ generation: 0, appends: 0 }));
  const keyOf = (slot: number, generation: number) => (generation * workload.keys + slot) * unique.of + unique.index;
  return {
    next() {
      const draw = random.float() * (append + read);
      const at = pickSlot();
      const slot = known(slots[at], `no list ${at}`);
      if (draw >= append) return { kind: 'append', operation: 'read', key: keyOf(at, slot.generation) };
      if (slot.appends === workload.appendsPerKey) {
        slot.generation++;
        slot.appends = 0;
      }
      slot.appends++;
      return { kind: 'append', operation: 'append', key: keyOf(at, slot.generation), value: freshValue() };
    },
    finalReads: () =>
      slots.flatMap(({ generation }, at) =>
        Array.from(
          { length: generation + 1 },
          (_, each) => ({ kind: 'append', operation: 'read', key: keyOf(at, each) }) as const,
        ),
      ),
  };
}

function bank({ accounts, maxTransfer, mix }: ValidBank, random: Random): Actions {
  return {
    next() {
      if (random.float() * (mix.transfer + mix.read) >= mix.transfer) return { kind: 'bank', operation: 'read-all' };
      const from = random.integer(0, accounts - 1);
      const to = (from + random.integer(1, accounts - 1)) % accounts;
      return { kind: 'bank', operation: 'transfer', from, to, amount: random.integer(1, maxTransfer) };
    },
    finalReads: () => [{ kind: 'bank', operation: 'read-all' }],
  };
}

function sql({ statements }: ValidSql, random: Random, freshValue: () => number): Actions {
  const total = statements.reduce((sum, { weight }) => sum + weight, 0);
  const pick = (): ValidSqlStatement => {
    let draw = random.float() * total;
    return statements.find(({ weight }) => (draw -= weight) < 0) ?? known(statements.at(-1), 'a statement');
  };
  return unchecked(() => {
    const { name, sql: text, params } = pick();
    const values = params.map((parameter) => {
      if (typeof parameter !== 'object' || parameter === null) return parameter;
      return 'unique' in parameter ? freshValue() : random.integer(...parameter.integer);
    });
    return { kind: 'sql', operation: name, sql: text, params: values };
  });
}

function chooser(count: number, distribution: 'uniform' | 'zipfian', random: Random): () => number {
  if (distribution === 'uniform') return () => random.integer(0, count - 1);
  const zipfian = new Zipfian(count);
  return () => zipfian.draw(random.float());
}
