import { describe, expect, test, vi } from 'vitest';
import { AssertionError } from '../../runtime/assert.ts';
import { settle, VirtualClock } from '../../runtime/virtual-clock.ts';
import { NodeCancelledError, NodeTimeoutError } from './errors.ts';
import { fanOut } from './fan-out.ts';
import type { FanOutOptions } from './fan-out.ts';
import { answer, down, failure, planned, run, silence } from './testing/planned.ts';

describe('waiting for every node', () => {
  test('is complete when all have answered, in the order of the nodes', async () => {
    const { result, settledMs, aborted } = await run({ a: answer(30, 'A'), b: answer(10, 'B'), c: answer(20, 'C') });
    expect(result).toEqual({
      kind: 'complete',
      data: new Map([
        ['a', 'A'],
        ['b', 'B'],
        ['c', 'C'],
      ]),
    });
    expect(result.kind === 'complete' && [...result.data.keys()]).toEqual(['a', 'b', 'c']);
    expect(settledMs).toBe(30);
    expect(aborted).toEqual([]);
  });

  test('is partial when a quorum has answered, and names the others', async () => {
    const { result, settledMs } = await run({ a: failure(5), b: answer(40, 'B'), c: answer(20, 'C') });
    expect(result).toEqual({
      kind: 'partial',
      data: new Map([
        ['b', 'B'],
        ['c', 'C'],
      ]),
      failedNodes: ['a'],
      errors: new Map([['a', down]]),
    });
    expect(settledMs).toBe(40);
  });

  test('is failed when too few have answered, and names those who did', async () => {
    const { result } = await run({ a: failure(5), b: answer(10, 'B'), c: failure(20) });
    expect(result).toEqual({
      kind: 'failed',
      successfulNodes: ['b'],
      errors: new Map([
        ['a', down],
        ['c', down],
      ]),
    });
  });

  test('ends at the timeout: the silent node is aborted with its error', async () => {
    const { result, settledMs, aborted, signals } = await run({ a: answer(10, 'A'), b: silence, c: answer(20, 'C') });
    expect(settledMs).toBe(1_000);
    expect(aborted).toEqual(['b']);
    expect(result).toMatchObject({ kind: 'partial', failedNodes: ['b'] });
    const error = result.kind === 'partial' ? result.errors.get('b') : undefined;
    expect(error).toBeInstanceOf(NodeTimeoutError);
    expect(error).toMatchObject({ code: 'NODE_TIMEOUT', node: 'b', timeoutMs: 1_000, maybeApplied: true });
    expect(signals.get('b')?.reason).toBe(error);
  });

  test('fails when a majority is silent', async () => {
    const { result, aborted } = await run({ a: answer(10, 'A'), b: silence, c: silence });
    expect(result).toMatchObject({ kind: 'failed', successfulNodes: ['a'] });
    expect(aborted).toEqual(['b', 'c']);
  });

  test('drops late answers and late errors, unheard', async () => {
    const clock = new VirtualClock();
    const late = [Promise.withResolvers<string>(), Promise.withResolvers<string>()] as const;
    const call = (node: 'a' | 'b') => late[node === 'a' ? 0 : 1].promise;
    const result = fanOut(['a', 'b'], call, { quorum: 1, timeoutMs: 50, clock });
    await clock.advanceAsync(50);
    const before = await result;
    late[0].resolve('late');
    late[1].reject(new Error('late, and nobody listens'));
    await settle();
    expect(before).toMatchObject({ kind: 'failed', successfulNodes: [] });
    expect(before.kind === 'failed' && before.errors.get('a')).toBeInstanceOf(NodeTimeoutError);
  });

  test('a call that throws at once is an error of its node', async () => {
    const clock = new VirtualClock();
    const call = (node: string): Promise<string> => {
      if (node === 'a') throw down;
      return Promise.resolve(node);
    };
    const result = await fanOut(['a', 'b', 'c'], call, { quorum: 2, timeoutMs: 50, clock });
    expect(result).toMatchObject({ kind: 'partial', failedNodes: ['a'], errors: new Map([['a', down]]) });
    expect(clock.pendingTimers).toBe(0);
  });

  test('a value of undefined is an answer, and an error of undefined an error', async () => {
    const call = (node: string): Promise<undefined> => (node === 'a' ? Promise.resolve(undefined) : Promise.reject(undefined));
    const result = await fanOut(['a', 'b'], call, { quorum: 1, timeoutMs: 50, clock: new VirtualClock() });
    expect(result).toEqual({
      kind: 'partial',
      data: new Map([['a', undefined]]),
      failedNodes: ['b'],
      errors: new Map([['b', undefined]]),
    });
  });

  test('is about the nodes that were given, whatever becomes of the list', async () => {
    const clock = new VirtualClock();
    const { nodes, call } = planned<string>(clock, { a: answer(10, 'A'), b: answer(20, 'B') });
    const result = fanOut(nodes, call, { quorum: 2, timeoutMs: 50, clock });
    await clock.advanceAsync(15);
    nodes.splice(0, 2, 'c');
    await clock.advanceAsync(15);
    expect(await result).toMatchObject({
      kind: 'complete',
      data: new Map([
        ['a', 'A'],
        ['b', 'B'],
      ]),
    });
  });

  test('calls all nodes before any has answered', async () => {
    const clock = new VirtualClock();
    const { nodes, call, signals } = planned(clock, { a: answer(10, 'A'), b: answer(10, 'B'), c: answer(10, 'C') });
    const result = fanOut(nodes, call, { quorum: 3, timeoutMs: 50, clock });
    expect(signals.size).toBe(3);
    await clock.advanceAsync(10);
    await expect(result).resolves.toMatchObject({ kind: 'complete' });
  });
});

describe('returning early', () => {
  test('ends with the quorum and cancels the rest', async () => {
    const plans = { a: answer(30, 'A'), b: answer(10, 'B'), c: silence, d: answer(20, 'D'), e: failure(15) };
    const { result, settledMs, aborted, signals } = await run(plans, { returnEarly: true });
    expect(settledMs).toBe(30);
    expect(aborted).toEqual(['c']);
    expect(result).toMatchObject({ kind: 'partial', failedNodes: ['c', 'e'] });
    const error = result.kind === 'partial' ? result.errors.get('c') : undefined;
    expect(error).toBeInstanceOf(NodeCancelledError);
    expect(error).toMatchObject({ code: 'NODE_CANCELLED', node: 'c', reason: 'quorum-reached', maybeApplied: true });
    expect(signals.get('c')?.reason).toBe(error);
  });

  test('is complete when the quorum is every node', async () => {
    const { result } = await run({ a: answer(30, 'A'), b: answer(10, 'B') }, { returnEarly: true, quorum: 2 });
    expect(result.kind).toBe('complete');
  });

  test('ends as soon as the quorum can no longer be reached', async () => {
    const plans = { a: failure(10), b: answer(20, 'B'), c: failure(30), d: silence, e: failure(40) };
    const { result, settledMs, aborted } = await run(plans, { returnEarly: true });
    expect(settledMs).toBe(40);
    expect(aborted).toEqual(['d']);
    expect(result).toMatchObject({ kind: 'failed', successfulNodes: ['b'] });
    expect(result.kind === 'failed' && result.errors.get('d')).toMatchObject({ reason: 'quorum-impossible' });
  });

  test('does not call the rest when calls that throw have decided already', async () => {
    const call = vi.fn<(node: string) => Promise<string>>(() => {
      throw down;
    });
    const clock = new VirtualClock();
    const result = await fanOut(['a', 'b', 'c'], call, { quorum: 2, timeoutMs: 50, returnEarly: true, clock });
    expect(call).toHaveBeenCalledTimes(2);
    expect(result.kind === 'failed' && result.errors.get('c')).toMatchObject({
      reason: 'quorum-impossible',
      maybeApplied: false,
    });
    expect(clock.pendingTimers).toBe(0);
  });

  test('still ends at the timeout', async () => {
    const { result, settledMs } = await run({ a: answer(10, 'A'), b: silence, c: silence }, { returnEarly: true });
    expect(settledMs).toBe(1_000);
    expect(result.kind === 'failed' && result.errors.get('b')).toBeInstanceOf(NodeTimeoutError);
  });
});

describe('abort', () => {
  const reason = new Error('the user left');

  test('ends the wait at once with what is there', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const { nodes, call, signals } = planned(clock, { a: answer(10, 'A'), b: answer(20, 'B'), c: silence });
    const result = fanOut(nodes, call, { quorum: 2, timeoutMs: 1_000, clock, signal: controller.signal });
    await clock.advanceAsync(25);
    controller.abort(reason);
    const settled = await result;
    expect(settled).toMatchObject({ kind: 'partial', failedNodes: ['c'] });
    const error = settled.kind === 'partial' ? settled.errors.get('c') : undefined;
    expect(error).toMatchObject({ code: 'NODE_CANCELLED', reason: 'aborted', maybeApplied: true, cause: reason });
    expect(signals.get('c')?.reason).toBe(error);
    expect(signals.get('a')?.aborted).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  test('before the first call: no node is called', async () => {
    const call = vi.fn<(node: string) => Promise<string>>();
    const clock = new VirtualClock();
    const options = { quorum: 1, timeoutMs: 50, clock, signal: AbortSignal.abort(reason) };
    const result = await fanOut(['a', 'b'], call, options);
    expect(call).not.toHaveBeenCalled();
    expect(result).toMatchObject({ kind: 'failed', successfulNodes: [] });
    expect(result.kind === 'failed' && result.errors.get('b')).toMatchObject({ reason: 'aborted', maybeApplied: false });
    expect(clock.pendingTimers).toBe(0);
  });

  test('by one of the calls: the nodes after it are not called', async () => {
    const controller = new AbortController();
    const call = vi.fn<(node: string) => Promise<string>>((node) => {
      if (node === 'b') controller.abort(reason);
      return Promise.resolve(node);
    });
    const clock = new VirtualClock();
    const result = await fanOut(['a', 'b', 'c'], call, { quorum: 1, timeoutMs: 50, clock, signal: controller.signal });
    expect(call).toHaveBeenCalledTimes(2);
    expect(result.kind === 'failed' && [...result.errors.values()]).toMatchObject([
      { node: 'a', maybeApplied: true },
      { node: 'b', maybeApplied: true },
      { node: 'c', maybeApplied: false },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('after the end changes nothing, and no listener is left on the signal', async () => {
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, 'addEventListener');
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    const { aborted } = await run({ a: answer(10, 'A'), b: answer(10, 'B') }, { signal: controller.signal });
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener));
    controller.abort(reason);
    expect(aborted).toEqual([]);
  });
});

describe('arguments', () => {
  const call = vi.fn<(node: string) => Promise<string>>();

  test.each<[string, readonly string[], Partial<FanOutOptions>]>([
    ['no node', [], {}],
    ['node b is given twice', ['a', 'b', 'b'], {}],
    ['not 0', ['a'], { quorum: 0 }],
    ['(2), not 3', ['a', 'b'], { quorum: 3 }],
    ['1.5', ['a', 'b'], { quorum: 1.5 }],
    ['NaN', ['a'], { timeoutMs: Number.NaN }],
    ['not 0', ['a'], { timeoutMs: 0 }],
    ['Infinity', ['a'], { timeoutMs: Number.POSITIVE_INFINITY }],
  ])('out of range are refused before any call: %s', async (text, nodes, options) => {
    const error = await fanOut(nodes, call, { quorum: 1, timeoutMs: 50, ...options }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(AssertionError);
    expect((error as Error).message).toContain(text);
    expect(call).not.toHaveBeenCalled();
  });
});
