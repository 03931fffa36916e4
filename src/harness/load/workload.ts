// What operations do: a seeded sequence for each load, with values by which a lost, stale or repeated write is recognised.

import { assert, known } from '../../runtime/assert.ts';
import type { Random } from '../../runtime/random.ts';
import type { ValidRegisters, ValidWorkload } from '../scenario/valid-scenario.ts';
import type { Answer, PlannedOperation } from './operation.ts';
import { Zipfian } from './zipfian.ts';

/** The operations of one load, in order. */
export interface OperationPlan {
  next(): PlannedOperation;
  /** Tells the plan what an operation of it came to. */
  learn(operation: PlannedOperation, answer: Answer): void;
}

/** Gives integers from 1 that no other load of the run has, whatever the order in which loads take theirs. */
export interface UniqueValues {
  /** Which load, from 0 to `of` - 1. */
  readonly index: number;
  /** How many loads the run has. */
  readonly of: number;
}

/** @param random the load's own stream; the same stream gives the same operations (but see `registers` on `expected`). */
export function planOf(load: string, workload: ValidWorkload, random: Random, unique: UniqueValues): OperationPlan {
  assert(unique.index >= 0 && unique.index < unique.of, `load ${unique.index} of ${unique.of}`);
  let taken = 0;
  const freshValue = () => taken++ * unique.of + unique.index + 1;
  if (workload.kind === 'registers') return registers(load, workload, random, freshValue);
  return {
    next: () => ({ load, operation: 'add', value: freshValue() }),
    learn() {},
  };
}

/**
 * Operation, key and value depend on the random stream alone. What a cas expects depends on the answers as well: the value
 * last seen under its key, read or acknowledged, and before any was seen the one last written, so that a fair part of
 * them succeeds. The first cas on a key that was never written becomes a write: there is nothing yet to compare with.
 */
function registers(load: string, workload: ValidRegisters, random: Random, freshValue: () => number): OperationPlan {
  const { read, write, cas } = workload.mix;
  const pickKey = keyChooser(workload, random);
  const lastSeen = new Map<number, number>();
  const lastPlanned = new Map<number, number>();

  function next(): PlannedOperation {
    const draw = random.float() * (read + write + cas);
    const key = pickKey();
    if (draw < read) return { load, operation: 'read', key };
    const value = freshValue();
    const isCas = draw >= read + write && lastPlanned.has(key);
    const expected = isCas ? (lastSeen.get(key) ?? lastPlanned.get(key)) : undefined;
    lastPlanned.set(key, value);
    if (!isCas) return { load, operation: 'write', key, value };
    return { load, operation: 'cas', key, value, expected: known(expected, `no value was planned for register ${key}`) };
  }

  function learn({ operation, key, value }: PlannedOperation, answer: Answer): void {
    if (answer.outcome !== 'ok' || key === undefined) return;
    const seen = operation === 'read' ? answer.value : value;
    if (typeof seen === 'number') lastSeen.set(key, seen);
  }

  return { next, learn };
}

function keyChooser({ keys, distribution }: ValidRegisters, random: Random): () => number {
  if (distribution === 'uniform') return () => random.integer(0, keys - 1);
  const zipfian = new Zipfian(keys);
  return () => zipfian.draw(random.float());
}
