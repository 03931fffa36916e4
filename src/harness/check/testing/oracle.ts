// A second opinion that shares no code with the checker: it tries the orders one after another.

import type { Operation } from '../operation.ts';

/** The state after the operation, or undefined when it is not possible. States are compared by their JSON. */
export type NaiveModel = (state: unknown, operation: Operation) => { readonly state: unknown } | undefined;

export const naiveRegister: NaiveModel = (state, { f, input, output, outcome }) => {
  if (f === 'read') return state === output ? { state } : undefined;
  if (f === 'write') return { state: input };
  const [from, to] = input as [unknown, unknown];
  if (outcome === 'fail') return state === from ? undefined : { state };
  return state === from ? { state: to } : undefined;
};

export const naiveKv: NaiveModel = (state, { f, input, output }) => {
  if (f === 'get') return state === output ? { state } : undefined;
  return { state: f === 'put' ? input : `${state as string}${input as string}` };
};

export const naiveList: NaiveModel = (state, { f, input, output }) => {
  if (f === 'append') return { state: [...(state as unknown[]), input] };
  return JSON.stringify(state) === JSON.stringify(output ?? []) ? { state } : undefined;
};

/** Transactions over lists; the state is an object from key to list. */
export const naiveTransactions: NaiveModel = (state, { input, output, outcome }) => {
  const lists = structuredClone(state) as Record<string, unknown[]>;
  for (const [f, key, value] of (outcome === 'ok' ? output : input) as [string, string, unknown][]) {
    const list = (lists[key] ??= []);
    if (f === 'append') list.push(value);
    else if (outcome === 'ok' && JSON.stringify(list) !== JSON.stringify(value ?? [])) return undefined;
  }
  return { state: Object.fromEntries(Object.entries(lists).sort(([a], [b]) => (a < b ? -1 : 1))) };
};

/**
 * Whether some order of all completed operations and some of the unknown ones respects real time and the model.
 * @param remember whether sets of operations that lead nowhere are remembered: without, it is a plain enumeration.
 */
export function isLinearizable(operations: readonly Operation[], step: NaiveModel, initial: unknown, remember: boolean): boolean {
  const counted = operations.filter(({ outcome, error, f }) => {
    if (outcome === 'unknown') return f !== 'read' && f !== 'get';
    return outcome === 'ok' || error === 'mismatch';
  });
  const dead = new Set<string>();
  const search = (left: readonly Operation[], state: unknown): boolean => {
    if (left.every(({ outcome }) => outcome === 'unknown')) return true;
    const position = remember ? `${left.map(({ index }) => index).join()}|${JSON.stringify(state)}` : '';
    if (remember && dead.has(position)) return false;
    const firstReturn = Math.min(...left.map(({ returnedAt }) => returnedAt));
    for (const operation of left) {
      if (operation.calledAt > firstReturn) continue;
      const next = step(state, operation);
      if (
        next !== undefined &&
        search(
          left.filter((other) => other !== operation),
          next.state,
        )
      )
        return true;
    }
    if (remember) dead.add(position);
    return false;
  };
  return search(counted, initial);
}
