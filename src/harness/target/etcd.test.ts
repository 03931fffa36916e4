// What the target does with etcd, and what it calls certain, against a store in this process that fails as it is told to.

import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Random } from '../../runtime/random.ts';
import { type Failure, type FakeEtcd, startFakeEtcd } from '../etcd/testing/fake-etcd.ts';
import { arrivals, scenarioOf } from '../load/testing/fake-server.ts';
import type { Action, Target } from '../load/operation.ts';
import { connectEtcdTarget } from './etcd.ts';

/** Far more than any answer here takes. */
const TIMEOUT_MS = 20_000;

let etcd: FakeEtcd;
let target: Target;
beforeEach(async () => {
  etcd = await startFakeEtcd();
  target = await connectTo([etcd.address]);
});
afterEach(async () => {
  await target.close();
  await etcd.close();
});

function connectTo(endpoints: readonly string[], namespace?: string): Promise<Target> {
  const bank = { kind: 'bank', accounts: 3, initialBalance: 10 } as const;
  return connectEtcdTarget({
    endpoints,
    ...(namespace !== undefined && { namespace }),
    scenario: scenarioOf({ a: arrivals(1, '1s', { workload: bank }) }, { operationTimeout: TIMEOUT_MS }),
    clock: systemClock,
    random: new Random(1),
  });
}

const { signal } = new AbortController();
const invoke = (action: Action, timeoutMs?: number) => target.invoke({ load: 'a', ...action }, signal, timeoutMs);
const read = () => invoke({ kind: 'registers', operation: 'read', key: 3 });
const write = (value: number, timeoutMs?: number) => invoke({ kind: 'registers', operation: 'write', key: 3, value }, timeoutMs);
const cas = (expected: number, value: number) => invoke({ kind: 'registers', operation: 'cas', key: 3, expected, value });
const add = (value: number) => invoke({ kind: 'set', operation: 'add', value });
const readSet = () => invoke({ kind: 'set', operation: 'read-all' });
const append = (value: number, timeoutMs?: number) => invoke({ kind: 'append', operation: 'append', key: 1, value }, timeoutMs);
const readList = () => invoke({ kind: 'append', operation: 'read', key: 1 });
const transfer = (from: number, to: number, amount: number) => invoke({ kind: 'bank', operation: 'transfer', from, to, amount });
const balances = () => invoke({ kind: 'bank', operation: 'read-all' });

const OK = { outcome: 'ok' };
const failure = (code: status, details: string, applied = false): Failure => ({ code, details, applied });
const noLeader = failure(status.UNAVAILABLE, 'etcdserver: no leader');
const timedOut = failure(status.UNAVAILABLE, 'etcdserver: request timed out', true);
/** On a busy machine the time may be up in the middle of the last attempt, or right before it. */
const CUT_OFF = [
  { outcome: 'fail', code: 'expired' },
  { outcome: 'fail', code: 'deadline-exceeded' },
  { outcome: 'info', code: 'deadline-exceeded' },
];
const leaderChanged = failure(status.UNAVAILABLE, 'etcdserver: leader changed');

describe('answers become outcomes', () => {
  test('of a register', async () => {
    expect(await read()).toEqual({ outcome: 'ok', value: null });
    expect(await cas(1, 2)).toEqual({ outcome: 'fail', code: 'cas-mismatch' });
    expect(await write(7)).toEqual(OK);
    expect(await cas(6, 8)).toEqual({ outcome: 'fail', code: 'cas-mismatch' });
    expect(await read()).toEqual({ outcome: 'ok', value: 7 });
    expect(await cas(7, 8)).toEqual(OK);
    expect(await read()).toEqual({ outcome: 'ok', value: 8 });
    etcd.put('windtunnel/registers/3', 'eight');
    expect(await read()).toEqual({ outcome: 'ok', value: Number.NaN });
  });

  test('of a set, read in pages, in the order of the numbers', async () => {
    for (let value = 25_000; value > 0; value--)
      etcd.put(`windtunnel/elements/${String(value).padStart(16, '0')}`, String(value));
    expect(await add(25_001)).toEqual(OK);
    const callsBefore = etcd.calls.length;
    let late = false;
    // What is added while it is read belongs to no page: all of them are of one moment.
    etcd.onCall = (name) => {
      if (name !== 'Range' || late) return;
      late = etcd.calls.length > callsBefore + 1;
      if (late) etcd.put(`windtunnel/elements/${'9'.repeat(16)}`, '9');
    };
    expect(await readSet()).toEqual({ outcome: 'ok', value: Array.from({ length: 25_001 }, (_, at) => at + 1) });
    expect(late).toBe(true);
    expect(etcd.calls.length - callsBefore).toBe(3);
  });

  test('of a list, to which several append at once', async () => {
    expect(await readList()).toEqual({ outcome: 'ok', value: null });
    expect(await Promise.all([1, 2, 3, 4].map((value) => append(value)))).toEqual([OK, OK, OK, OK]);
    const list = etcd.get('windtunnel/lists/1')?.split(' ').map(Number) ?? [];
    expect(await readList()).toEqual({ outcome: 'ok', value: list });
    expect(list.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  });

  test('of a bank', async () => {
    expect(await balances()).toEqual({ outcome: 'ok', value: [10, 10, 10] });
    expect(await transfer(0, 2, 4)).toEqual(OK);
    expect(await transfer(0, 1, 7)).toEqual({ outcome: 'fail', code: 'insufficient-funds' });
    expect(await Promise.all([transfer(2, 1, 1), transfer(2, 1, 2), transfer(1, 2, 3)])).toEqual([OK, OK, OK]);
    expect(await balances()).toEqual({ outcome: 'ok', value: [6, 10, 14] });
  });
});

test('accounts that are there keep what they hold when another generator connects, and namespaces do not meet', async () => {
  await transfer(0, 1, 5);
  const other = await connectTo([etcd.address]);
  const apart = await connectTo([etcd.address], '_b');
  expect(await balances()).toEqual({ outcome: 'ok', value: [5, 15, 10] });
  expect(await apart.invoke({ load: 'a', kind: 'bank', operation: 'read-all' }, signal)).toEqual({
    outcome: 'ok',
    value: [10, 10, 10],
  });
  expect(etcd.keys().filter((key) => key.startsWith('windtunnel_b/'))).toHaveLength(3);
  await other.close();
  await apart.close();
});

describe('failures', () => {
  test('that mean that nothing was applied are tried again', async () => {
    etcd.failNext(noLeader, noLeader);
    expect(await write(7)).toEqual(OK);
    expect(etcd.calls.filter((call) => call === 'Put with a leader')).toHaveLength(3);
    etcd.failNext(noLeader);
    expect(await cas(7, 8)).toEqual(OK);
  });

  test('that leave a write open end it, and it is sent once', async () => {
    for (const [act, code] of [
      [() => write(7), 'request-timed-out'],
      [() => cas(7, 8), 'request-timed-out'],
      [() => add(1), 'request-timed-out'],
    ] as const) {
      const before = etcd.calls.length;
      etcd.failNext(timedOut);
      expect(await act()).toEqual({ outcome: 'info', code });
      expect(etcd.calls.length - before).toBe(1);
    }
    // It had been applied.
    expect(await read()).toEqual({ outcome: 'ok', value: 8 });
    etcd.failNext(leaderChanged);
    expect(await write(9)).toEqual({ outcome: 'info', code: 'leader-changed' });
  });

  test('of a read are none of the write that follows it, and a write in an append or a transfer is not repeated', async () => {
    etcd.failNext(timedOut);
    expect(await append(1)).toEqual({ outcome: 'fail', code: 'request-timed-out' });
    etcd.failNext(leaderChanged);
    expect(await append(1)).toEqual(OK);
    // The read goes through, the write is applied and not acknowledged.
    etcd.onCall = (name) => {
      if (name === 'Txn') etcd.failNext(timedOut);
    };
    expect(await append(2)).toEqual({ outcome: 'info', code: 'request-timed-out' });
    etcd.onCall = () => {};
    expect(await readList()).toEqual({ outcome: 'ok', value: [1, 2] });
  });

  test('of a read are definite, whatever they are', async () => {
    etcd.failNext(timedOut);
    expect(await read()).toEqual({ outcome: 'fail', code: 'request-timed-out' });
    etcd.failNext(leaderChanged);
    expect(await read()).toEqual({ outcome: 'ok', value: null });
  });

  test('until the time is up are what the last one was', async () => {
    etcd.onCall = () => etcd.failNext(noLeader);
    const before = etcd.calls.length;
    expect([{ outcome: 'fail', code: 'no-leader' }, ...CUT_OFF]).toContainEqual(await write(7, 500));
    expect(etcd.calls.length - before).toBeGreaterThan(1);
    expect(etcd.get('windtunnel/registers/3')).toBeUndefined();
  });

  test('an append that others are always faster than is a conflict, and not applied', async () => {
    let value = 100;
    etcd.onCall = (name) => {
      if (name === 'Txn') etcd.put('windtunnel/lists/1', String(value++));
    };
    expect([{ outcome: 'fail', code: 'conflict' }, ...CUT_OFF]).toContainEqual(await append(1, 500));
    expect(etcd.get('windtunnel/lists/1')).toMatch(/^1\d\d$/);
  });
});

test('an endpoint that nobody listens at is passed over', async () => {
  const gone = await startFakeEtcd();
  await gone.close();
  const both = await connectTo([gone.address, etcd.address]);
  const writes = Array.from({ length: 6 }, (_, value) =>
    both.invoke({ load: 'a', kind: 'registers', operation: 'write', key: 3, value }, signal),
  );
  expect(await Promise.all(writes)).toEqual(writes.map(() => OK));
  await both.close();
});
