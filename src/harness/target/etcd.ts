// Carries planned operations to an etcd cluster, and translates its answers into Jepsen's words. A register is a key; so is an element
// of the set, and an account of the bank; a list is a key that holds all of it. What one request cannot do (append, transfer) is
// done as etcd wants it: read, then write if nothing has changed since, then again. What it says is certain or not is what the
// checkers rely on: see etcd-errors.ts.

import { AssertionError, known } from '../../runtime/assert.ts';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import { backoffDelays } from '../../system/retry/backoff.ts';
import { type Compare, EtcdEndpoint, type EtcdCallOptions, type KeyValue, type TxnResponse } from '../etcd/etcd-api.ts';
import { EtcdError } from '../etcd/etcd-errors.ts';
import { type Answer, CAS_MISMATCH, INSUFFICIENT_FUNDS, type PlannedOperation, type Target } from '../load/operation.ts';
import type { ValidBank, ValidScenario } from '../scenario/valid-scenario.ts';

export interface EtcdTargetOptions {
  /** host:port of the servers; at least one. */
  readonly endpoints: readonly string[];
  /** What the prefix of all keys ends with. Default nothing. */
  readonly namespace?: string;
  readonly scenario: Pick<ValidScenario, 'loads' | 'operationTimeoutMs'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** How long the cluster may take to serve, before the load. */
const SETUP_TIMEOUT_MS = 30_000;
/** Keys of one page of a final read: far below the largest answer that is read. */
const PAGE = 10_000;
const BACKOFF = { baseMs: 20, capMs: 200 };

/** Connects and creates what the workloads need. Safe to do from several generators at once. @throws EtcdError */
export async function connectEtcdTarget(options: EtcdTargetOptions): Promise<Target> {
  const target = new EtcdTarget(options);
  try {
    const deadlineMs = options.clock.now() + SETUP_TIMEOUT_MS;
    await target.waitUntilItServes(deadlineMs);
    for (const { workload } of Object.values(options.scenario.loads))
      if (workload.kind === 'bank') await target.openAccounts(workload, deadlineMs);
  } catch (error) {
    await target.close();
    throw error;
  }
  return target;
}

interface Limits {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

class EtcdTarget implements Target {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #prefix: string;
  readonly #usualTimeoutMs: number;
  readonly #endpoints: readonly EtcdEndpoint[];
  #turn = 0;

  constructor({ endpoints, namespace = '', scenario, clock, random }: EtcdTargetOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#prefix = `windtunnel${namespace}/`;
    this.#usualTimeoutMs = scenario.operationTimeoutMs;
    this.#endpoints = endpoints.map((address) => new EtcdEndpoint(address, clock));
  }

  async waitUntilItServes(deadlineMs: number): Promise<void> {
    await this.#call(true, { deadlineMs }, (endpoint, options) => endpoint.range({ key: this.#key('') }, options));
  }

  /** Those that are not there yet. */
  async openAccounts({ accounts, initialBalance }: ValidBank, deadlineMs: number): Promise<void> {
    for (let id = 0; id < accounts; id++) {
      const key = this.#account(id);
      const request = {
        compare: [unchanged(key, '0')],
        success: [{ requestPut: { key, value: bytesOf(initialBalance) } }],
      };
      // Doing it again changes nothing, as with a read.
      await this.#call(true, { deadlineMs }, (endpoint, options) => endpoint.txn(request, options));
    }
  }

  readonly invoke = async (
    operation: PlannedOperation,
    signal: AbortSignal,
    timeoutMs = this.#usualTimeoutMs,
  ): Promise<Answer> => {
    try {
      return await this.#perform(operation, { deadlineMs: this.#clock.now() + timeoutMs, signal });
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      return { outcome: error.maybeApplied ? 'info' : 'fail', code: error.code };
    }
  };

  close(): Promise<void> {
    for (const endpoint of this.#endpoints) endpoint.close();
    return Promise.resolve();
  }

  async #perform(operation: PlannedOperation, limits: Limits): Promise<Answer> {
    switch (operation.kind) {
      case 'registers':
        return this.#onRegister(operation, limits);
      case 'set':
        if (operation.operation === 'read-all') return { outcome: 'ok', value: await this.#readAll('elements/', limits) };
        return this.#put(this.#key(`elements/${ordered(operation.value)}`), operation.value, limits);
      case 'append':
        if (operation.operation === 'read')
          return { outcome: 'ok', value: listOf(await this.#read(this.#list(operation.key), limits)) };
        return this.#append(this.#list(operation.key), operation.value, limits);
      case 'bank':
        if (operation.operation === 'read-all') return { outcome: 'ok', value: await this.#readAll('accounts/', limits) };
        return this.#transfer(operation, limits);
      default:
        throw new AssertionError(`not for etcd: ${operation.kind}`);
    }
  }

  async #onRegister(operation: Extract<PlannedOperation, { kind: 'registers' }>, limits: Limits): Promise<Answer> {
    const key = this.#key(`registers/${operation.key}`);
    switch (operation.operation) {
      case 'read': {
        const found = await this.#read(key, limits);
        return { outcome: 'ok', value: found === undefined ? null : numberOf(found) };
      }
      case 'write':
        return this.#put(key, operation.value, limits);
      case 'cas': {
        const holds: Compare = { key, result: 'EQUAL', target: 'VALUE', value: bytesOf(operation.expected) };
        const done = await this.#writeIf([holds], [[key, bytesOf(operation.value)]], limits);
        return done ? { outcome: 'ok' } : { outcome: 'fail', code: CAS_MISMATCH };
      }
    }
  }

  #append(key: Uint8Array, value: number, limits: Limits): Promise<Answer> {
    return this.#untilUnchanged(limits, async () => {
      const found = await this.#read(key, limits);
      const list = found === undefined ? String(value) : `${textOf(found)} ${value}`;
      const done = await this.#writeIf([unchanged(key, found?.modRevision)], [[key, Buffer.from(list)]], limits);
      return done ? { outcome: 'ok' } : undefined;
    });
  }

  #transfer({ from, to, amount }: { from: number; to: number; amount: number }, limits: Limits): Promise<Answer> {
    const keys = [this.#account(from), this.#account(to)] as const;
    return this.#untilUnchanged(limits, async () => {
      const [source, destination] = await this.#readTogether(keys, limits);
      if (source === undefined || destination === undefined) throw new AssertionError('the accounts were opened before the load');
      if (numberOf(source) < amount) return { outcome: 'fail', code: INSUFFICIENT_FUNDS };
      const done = await this.#writeIf(
        [unchanged(keys[0], source.modRevision), unchanged(keys[1], destination.modRevision)],
        [
          [keys[0], bytesOf(numberOf(source) - amount)],
          [keys[1], bytesOf(numberOf(destination) + amount)],
        ],
        limits,
      );
      return done ? { outcome: 'ok' } : undefined;
    });
  }

  /** Again while others were faster; a `conflict`, of which nothing was applied, when time is up. */
  async #untilUnchanged(limits: Limits, attempt: () => Promise<Answer | undefined>): Promise<Answer> {
    for (const delayMs of backoffDelays(BACKOFF, this.#random)) {
      const answer = await attempt();
      if (answer !== undefined) return answer;
      if (!(await this.#pause(delayMs, limits))) break;
    }
    return { outcome: 'fail', code: 'conflict' };
  }

  async #put(key: Uint8Array, value: number, limits: Limits): Promise<Answer> {
    await this.#call(false, limits, (endpoint, options) => endpoint.put({ key, value: bytesOf(value) }, options));
    return { outcome: 'ok' };
  }

  /** Whether the comparisons held, so that the keys were written. */
  async #writeIf(compare: readonly Compare[], writes: readonly [Uint8Array, Uint8Array][], limits: Limits): Promise<boolean> {
    const request = { compare, success: writes.map(([key, value]) => ({ requestPut: { key, value } })) };
    const answer = await this.#call(false, limits, (endpoint, options) => endpoint.txn(request, options));
    return answer.succeeded === true;
  }

  async #read(key: Uint8Array, limits: Limits): Promise<KeyValue | undefined> {
    const { kvs = [] } = await this.#call(true, limits, (endpoint, options) => endpoint.range({ key }, options));
    return kvs[0];
  }

  /** As they are at one moment. */
  async #readTogether(keys: readonly Uint8Array[], limits: Limits): Promise<(KeyValue | undefined)[]> {
    const request = { compare: [], success: keys.map((key) => ({ requestRange: { key } })) };
    const { responses = [] }: TxnResponse = await this.#call(true, limits, (endpoint, options) => endpoint.txn(request, options));
    return keys.map((_, at) => responses[at]?.responseRange?.kvs?.[0]);
  }

  /** The numbers of all keys below a name, in the order of the keys, page by page as they were at the first one. */
  async #readAll(name: string, limits: Limits): Promise<number[]> {
    const values: number[] = [];
    let key = this.#key(name);
    const rangeEnd = endOf(key);
    let revision: string | undefined;
    for (;;) {
      const request = { key, rangeEnd, limit: PAGE, ...(revision !== undefined && { revision }) };
      const { header, kvs = [], more } = await this.#call(true, limits, (endpoint, options) => endpoint.range(request, options));
      for (const each of kvs) values.push(numberOf(each));
      const last = kvs.at(-1);
      if (more !== true || last === undefined) return values;
      revision ??= header?.revision;
      key = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  /**
   * Calls the endpoints in turn until one answers. Again only after an error that means that nothing was applied, or of what may be
   * done twice; after any other the operation is over, for a second attempt could apply it again.
   */
  async #call<T>(
    repeatable: boolean,
    limits: Limits,
    attempt: (endpoint: EtcdEndpoint, options: EtcdCallOptions) => Promise<T>,
  ): Promise<T> {
    const { deadlineMs, signal } = limits;
    const delays = backoffDelays(BACKOFF, this.#random);
    for (;;) {
      const timeoutMs = deadlineMs - this.#clock.now();
      if (timeoutMs <= 0) throw new EtcdError('expired', 'the time was up before it was sent', { maybeApplied: false });
      try {
        return await attempt(this.#next(), { timeoutMs, signal });
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        const again = error.retryable && (repeatable || !error.maybeApplied);
        if (again && (await this.#pause(delays.next().value, limits))) continue;
        // A read that failed changed nothing and says nothing, whatever the reason; also when it was to be followed by a write.
        throw repeatable ? new EtcdError(error.code, error.message, { maybeApplied: false, cause: error }) : error;
      }
    }
  }

  /** False, at once, when it would last beyond the deadline, or when nobody waits any more. */
  async #pause(delayMs: number, { deadlineMs, signal }: Limits): Promise<boolean> {
    if (this.#clock.now() + delayMs >= deadlineMs) return false;
    return sleep(this.#clock, delayMs, signal).then(
      () => true,
      () => false,
    );
  }

  /** The next one that is connected; when none is, the next one. */
  #next(): EtcdEndpoint {
    const all = this.#endpoints;
    const inTurn = all.map((_, at) => known(all[(this.#turn + at) % all.length], 'an endpoint'));
    const connected = inTurn.map((endpoint) => endpoint.connected);
    const chosen = Math.max(0, connected.indexOf(true));
    this.#turn = (this.#turn + chosen + 1) % all.length;
    return known(inTurn[chosen], 'an endpoint');
  }

  #key(name: string): Uint8Array {
    return Buffer.from(`${this.#prefix}${name}`);
  }

  #list(key: number): Uint8Array {
    return this.#key(`lists/${key}`);
  }

  #account(id: number): Uint8Array {
    return this.#key(`accounts/${ordered(id)}`);
  }
}

/** @param revision '0' or undefined: the key is not there. */
function unchanged(key: Uint8Array, revision: string | undefined): Compare {
  return { key, result: 'EQUAL', target: 'MOD', modRevision: revision ?? '0' };
}

/** As text whose order is that of the numbers, up to 2^53. */
function ordered(value: number): string {
  return String(value).padStart(16, '0');
}

function bytesOf(value: number): Uint8Array {
  return Buffer.from(String(value));
}

function textOf({ value = Buffer.of() }: KeyValue): string {
  return Buffer.from(value).toString();
}

/** What is not a whole number stands out as NaN: null in a history, and no checker takes it for a value that was written. */
function numberOf(found: KeyValue): number {
  const text = textOf(found);
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function listOf(found: KeyValue | undefined): number[] | null {
  if (found === undefined) return null;
  return textOf(found)
    .split(' ')
    .map((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN));
}

/** The first key behind all that begin with a prefix. */
function endOf(prefix: Uint8Array): Uint8Array {
  const end = Buffer.from(prefix);
  end[end.length - 1] = known(end.at(-1), 'a prefix is not empty') + 1;
  return end;
}
