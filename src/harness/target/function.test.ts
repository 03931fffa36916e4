// What a function says of itself decides what the run believes: only an error that claims it is a definite failure.

import { expect, test } from 'vitest';
import { Random } from '../../runtime/random.ts';
import type { PlannedOperation } from '../load/operation.ts';
import type { FunctionContext, FunctionWorkload } from '../scenario/workloads.ts';
import { invokeFunction } from './function.ts';

const { signal } = new AbortController();

function call(run: FunctionWorkload['run'], iteration = 0) {
  const operation = { load: 'own', kind: 'function', operation: 'function', iteration } as const satisfies PlannedOperation;
  const context = {
    endpoints: ['a:1'],
    httpEndpoints: ['b:2'],
    execute: (sql: string) => Promise.resolve({ rows: [[sql]] }),
  };
  return invokeFunction({ functions: new Map([['own', run]]), context, random: new Random(7) }, operation, signal);
}

test('a promise that resolves is ok, whatever it resolves with', async () => {
  expect(await call(() => Promise.resolve('anything'))).toEqual({ outcome: 'ok' });
});

test('an error may have been applied, unless it says that it was not', async () => {
  const failing = (properties: object) => call(() => Promise.reject(Object.assign(new TypeError('no'), properties)));
  expect(await failing({})).toEqual({ outcome: 'info', code: 'TypeError' });
  expect(await failing({ code: 'teapot' })).toEqual({ outcome: 'info', code: 'teapot' });
  expect(await failing({ code: 'teapot', maybeApplied: true })).toEqual({ outcome: 'info', code: 'teapot' });
  expect(await failing({ code: 'teapot', maybeApplied: false })).toEqual({ outcome: 'fail', code: 'teapot' });
  expect(await call(() => Promise.reject(new RangeError('no')))).toEqual({ outcome: 'info', code: 'RangeError' });
});

test('a function that throws before it returns a promise is an error too', async () => {
  const thrower = () => {
    throw new RangeError('at once');
  };
  expect(await call(thrower)).toEqual({ outcome: 'info', code: 'RangeError' });
});

test('it is given what it needs, and random numbers that depend on seed and iteration alone', async () => {
  const seen: FunctionContext[] = [];
  const draws: number[] = [];
  const run = async (context: FunctionContext) => {
    seen.push(context);
    draws.push(context.random.integer(0, 1_000_000_000));
    expect(await context.execute('select 1')).toEqual({ rows: [['select 1']] });
  };
  for (const iteration of [3, 4, 3]) expect(await call(run, iteration)).toEqual({ outcome: 'ok' });
  expect(draws[0]).toBe(draws[2]);
  expect(draws[0]).not.toBe(draws[1]);
  expect(seen.map(({ iteration }) => iteration)).toEqual([3, 4, 3]);
  expect(seen[0]).toMatchObject({ endpoints: ['a:1'], httpEndpoints: ['b:2'], signal });
});
