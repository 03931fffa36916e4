// A proof is a list of things that must all have been seen, each with the words for it and the words for its absence.

import type { FaultProof } from './fault.ts';

export interface Evidence {
  readonly holds: boolean;
  readonly observation: string;
}

export function evidence(holds: boolean, seen: string, missing: string): Evidence {
  return { holds, observation: holds ? seen : missing };
}

export function proofFrom(...all: readonly (Evidence | undefined)[]): FaultProof {
  const given = all.filter((each) => each !== undefined);
  return { proven: given.every(({ holds }) => holds), observations: given.map(({ observation }) => observation) };
}

/** A fault of an idle system proves nothing. */
export function loadedBefore(operationsSucceeded: number): Evidence {
  return evidence(
    operationsSucceeded > 0,
    `${operationsSucceeded} operations had succeeded before`,
    'no operation had succeeded before, so nothing was disturbed',
  );
}

export function newLeader(termBefore: number, termAfter: number): Evidence {
  return evidence(
    termAfter > termBefore,
    `a new leader in term ${termAfter}, after term ${termBefore}`,
    `no new leader after term ${termBefore}`,
  );
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}
