// Accounts that only transfers change: the total stays what it was, and no balance is negative. As Jepsen's `bank`
// checker. In addition the balances of every read have to be the sum of what happened before it and some of what was
// under way, which finds lost and invented transfers that leave the total alone.

import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { breathe } from '../../runtime/breathe.ts';
import { describeValue } from './model.ts';
import type { Operation } from './operation.ts';
import { HistoryStructureError } from './operation.ts';
import { lineOf } from './operation-line.ts';
import type { CheckerVerdict } from './verdict.ts';

export interface BankStart {
  /** How many accounts, numbered from 0. An integer >= 1. */
  readonly accounts: number;
  /** What each holds in the beginning. An integer >= 0. */
  readonly balance: number;
}

export interface BankOptions {
  /** Milliseconds, > 0. Default: no limit. */
  readonly timeLimitMs?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

interface Transfer {
  readonly operation: Operation;
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

interface Read {
  readonly operation: Operation;
  readonly balances: readonly number[];
}

/** Subsets of transfers that are tried for one read: about a millisecond. */
const MAX_TRIES = 20_000;
const BREATHE_AFTER_READS = 200;

/** What the header of a bank history has to say. Throws HistoryStructureError when it does not. */
export function bankStartOf(initial: unknown): BankStart {
  const { accounts, balance } = (initial ?? {}) as Partial<Record<keyof BankStart, unknown>>;
  const counts = Number.isSafeInteger(accounts) && (accounts as number) >= 1;
  if (counts && Number.isSafeInteger(balance) && (balance as number) >= 0) {
    return { accounts: accounts as number, balance: balance as number };
  }
  const reason = `the header of a bank needs initial: { accounts, balance }, integers, not ${describeValue(initial)}`;
  throw new HistoryStructureError(0, reason);
}

/**
 * Checks `transfer` ({ from, to, amount }) and `read-all` (all balances: an array, or an object by account) operations,
 * in the order of their invocation. `unknown` without a successful read and when the time is over; valid when too many
 * transfers were under way to explain some reads, with their number in `counts.unexplained`. Throws
 * HistoryStructureError for other functions and values, and the signal's reason when aborted.
 */
export async function checkBank(
  operations: readonly Operation[],
  start: BankStart,
  options: BankOptions = {},
): Promise<CheckerVerdict> {
  const clock = options.clock ?? systemClock;
  const deadline = clock.now() + (options.timeLimitMs ?? Number.POSITIVE_INFINITY);
  const transfers: Transfer[] = [];
  const reads: { operation: Operation; balances: readonly number[] | string }[] = [];
  for (const operation of operations) {
    if (operation.f === 'transfer') transfers.push(transferOf(operation, start.accounts));
    else if (operation.f !== 'read-all') {
      throw new HistoryStructureError(operation.index, `a bank has transfer and read-all, not ${operation.f}`);
    } else if (operation.outcome === 'ok') reads.push({ operation, balances: balancesOf(operation, start.accounts) });
  }
  const counts = {
    transfers: transfers.filter(({ operation }) => operation.outcome === 'ok').length,
    unknown: transfers.filter(({ operation }) => operation.outcome === 'unknown').length,
    reads: reads.length,
    unexplained: 0,
  };
  const violated = (reason: string, involved: readonly Operation[]): CheckerVerdict => ({
    checker: 'bank',
    counts,
    verdict: 'violated',
    reason,
    explanation: involved.map((operation) => lineOf(operation, describe(operation))),
  });
  const complete: Read[] = [];
  for (const { operation, balances } of reads) {
    const wrong = typeof balances === 'string' ? balances : wrongBalance(balances, start);
    if (wrong !== undefined) return violated(wrong, [operation]);
    complete.push({ operation, balances: balances as readonly number[] });
  }
  if (reads.length === 0) return { checker: 'bank', counts, verdict: 'unknown', reason: 'no read-all succeeded' };
  const ledger = new Ledger(transfers, start);
  for (const [at, read] of complete.entries()) {
    if (clock.now() >= deadline) {
      const reason = `the time was over with ${complete.length - at} of ${complete.length} reads not compared with the transfers`;
      return { checker: 'bank', counts, verdict: 'unknown', reason };
    }
    const explained = ledger.explains(read);
    if (explained === undefined) counts.unexplained++;
    else if (!explained) {
      const { settled, underWay } = ledger.around(read.operation);
      const reason = `no choice among the ${underWay.length} transfers under way explains the balances after ${settled} that had succeeded`;
      return violated(reason, [...underWay.slice(0, 10), read.operation]);
    }
    if (at % BREATHE_AFTER_READS === 0) await breathe(options.signal);
  }
  // Every read holds all that had succeeded before it, the last one too.
  return { checker: 'bank', counts: { ...counts, ...(counts.unexplained === 0 && { lost: 0 }) }, verdict: 'valid' };
}

function transferOf(operation: Operation, accounts: number): Transfer {
  const { from, to, amount } = (operation.input ?? {}) as Partial<Record<'from' | 'to' | 'amount', unknown>>;
  const isAccount = (account: unknown) =>
    Number.isSafeInteger(account) && (account as number) >= 0 && (account as number) < accounts;
  if (isAccount(from) && isAccount(to) && Number.isSafeInteger(amount)) {
    return { operation, from: from as number, to: to as number, amount: amount as number };
  }
  const reason = `a transfer needs { from, to, amount }, accounts from 0 to ${accounts - 1}, not ${describeValue(operation.input)}`;
  throw new HistoryStructureError(operation.index, reason);
}

/** The balances in the order of the accounts, or what is wrong with them. */
function balancesOf({ index, output }: Operation, accounts: number): readonly number[] | string {
  if (typeof output !== 'object' || output === null) {
    throw new HistoryStructureError(index, `read-all answers the balances, not ${describeValue(output)}`);
  }
  const byAccount = new Map(Object.entries(output));
  const balances = Array.from({ length: accounts }, (_, account) => byAccount.get(String(account)) as unknown);
  const missing = balances.findIndex((balance) => balance === undefined || balance === null);
  if (missing >= 0) return `account ${missing} is missing`;
  const foreign = [...byAccount.keys()].find((name) => !(Number(name) < accounts && String(Number(name)) === name));
  if (foreign !== undefined) return `there is an account ${JSON.stringify(foreign)}, which nobody made`;
  const odd = balances.findIndex((balance) => !Number.isSafeInteger(balance));
  return odd >= 0 ? `account ${odd} holds ${describeValue(balances[odd])}` : (balances as number[]);
}

function wrongBalance(balances: readonly number[], { accounts, balance }: BankStart): string | undefined {
  const total = balances.reduce((sum, each) => sum + each, 0);
  if (total !== accounts * balance) return `the total is ${total}, not ${accounts * balance}`;
  const negative = balances.findIndex((each) => each < 0);
  return negative < 0 ? undefined : `account ${negative} holds ${balances[negative]}`;
}

/** The transfers, and what the balances can be at a given moment. Reads are asked for in the order of their calls. */
class Ledger {
  /** Those that succeeded, in the order of their returns. */
  readonly #byReturn: readonly Transfer[];
  /** All that may have taken effect, in the order of their calls. */
  readonly #byCall: readonly Transfer[];
  readonly #settled: number[];
  #applied = 0;
  #called = 0;
  /** Called, and not settled. */
  #open: Transfer[] = [];

  constructor(transfers: readonly Transfer[], { accounts, balance }: BankStart) {
    const ok = transfers.filter(({ operation }) => operation.outcome === 'ok');
    this.#byReturn = ok.sort((a, b) => a.operation.returnedAt - b.operation.returnedAt);
    this.#byCall = transfers.filter(({ operation }) => operation.outcome !== 'fail');
    this.#settled = Array.from({ length: accounts }, () => balance);
  }

  /** Whether some choice of the transfers under way leads to these balances; undefined when there are too many choices. */
  explains({ operation, balances }: Read): boolean | undefined {
    const underWay = this.#advance(operation);
    const missing = balances.map((balance, account) => balance - (this.#settled[account] as number));
    return choose(underWay, missing);
  }

  around(read: Operation): { settled: number; underWay: readonly Operation[] } {
    return { settled: this.#applied, underWay: this.#advance(read).map(({ operation }) => operation) };
  }

  /** Applies what had returned before `read` was called; what may have taken effect besides. */
  #advance(read: Operation): Transfer[] {
    for (; this.#applied < this.#byReturn.length; this.#applied++) {
      const { operation, from, to, amount } = this.#byReturn[this.#applied] as Transfer;
      if (operation.returnedAt > read.calledAt) break;
      this.#settled[from] = (this.#settled[from] as number) - amount;
      this.#settled[to] = (this.#settled[to] as number) + amount;
    }
    for (; this.#called < this.#byCall.length; this.#called++) {
      const transfer = this.#byCall[this.#called] as Transfer;
      if (transfer.operation.calledAt > read.returnedAt) break;
      this.#open.push(transfer);
    }
    this.#open = this.#open.filter(({ operation }) => operation.returnedAt > read.calledAt);
    return this.#open.filter(({ operation }) => operation.calledAt < read.returnedAt);
  }
}

/**
 * Whether some of `transfers` add up to `missing`, account by account. The transfers are tried account by account, so that
 * a wrong sum is seen as soon as the last transfer of an account is decided.
 */
function choose(transfers: readonly Transfer[], missing: number[]): boolean | undefined {
  const useful = transfers.filter(({ from, to, amount }) => from !== to && amount !== 0);
  useful.sort((a, b) => Math.min(a.from, a.to) - Math.min(b.from, b.to));
  const last = missing.map((_, account) => useful.findLastIndex(({ from, to }) => from === account || to === account));
  const settledAfter = Array.from({ length: useful.length }, (_, at) =>
    [...last.keys()].filter((account) => last[account] === at),
  );
  if ([...last.keys()].some((account) => last[account] === -1 && missing[account] !== 0)) return false;
  let tries = 0;
  const decide = (at: number): boolean => {
    const transfer = useful[at];
    if (transfer === undefined) return true;
    if (tries++ > MAX_TRIES) return false;
    const settled = () => (settledAfter[at] as number[]).every((account) => missing[account] === 0);
    if (settled() && decide(at + 1)) return true;
    const { from, to, amount } = transfer;
    missing[from] = (missing[from] as number) + amount;
    missing[to] = (missing[to] as number) - amount;
    if (settled() && decide(at + 1)) return true;
    missing[from] -= amount;
    missing[to] += amount;
    return false;
  };
  const found = decide(0);
  return found ? true : tries > MAX_TRIES ? undefined : false;
}

function describe({ f, input, output }: Operation): string {
  if (f === 'read-all') return `read-all -> ${describeValue(output, 200)}`;
  const { from, to, amount } = input as Transfer;
  return `transfer ${amount} from ${from} to ${to}`;
}
