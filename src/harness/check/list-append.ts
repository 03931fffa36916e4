// Are transactions over append-only lists strictly serializable? After K. Kingsbury, P. Alvaro: Elle: Inferring isolation
// anomalies from experimental observations (PVLDB 14(3), 2020): elements are unique, so the longest list that was read of
// a key is the order of its versions; every read then says which transactions it comes after and before; a cycle among
// these dependencies (Adya: Weak consistency, 1999) means that no order exists.
//
// Two differences. Real time is a chain of moments instead of Elle's frontier of transactions: linear in the length of the
// history whatever the concurrency. An acknowledged append that no read saw comes behind every version that was read, so
// a lost one is a cycle too. With that the check is complete: without anomaly an order exists, any topological one.

import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import { formatDuration } from '../../runtime/duration.ts';
import { breathe } from '../../runtime/breathe.ts';
import { DependencyGraph, ONWARD, REAL_TIME, RW, WR, WW } from './dependency-graph.ts';
import { inferVersions, type Anomaly, type KeyVersions, type Versions } from './list-versions.ts';
import { describeValue } from './model.ts';
import type { Operation } from './operation.ts';
import { lineOf, spanOf } from './operation-line.ts';
import type { Transaction } from './transactions.ts';
import { describeTransaction, transactionOf } from './transactions.ts';
import type { CheckerVerdict } from './verdict.ts';

export interface ListAppendOptions {
  /** Milliseconds, > 0. Default: no limit. */
  readonly timeLimitMs?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

interface CycleName {
  readonly name: string;
  readonly meaning: string;
  /** Kinds of dependencies in the cycle. */
  readonly mask: number;
  /** Exactly one dependency is rw. */
  readonly oneRw: boolean;
}

/** From the worst. The names are Adya's and Elle's. */
const SERIAL_CYCLES: readonly CycleName[] = [
  { name: 'G0', meaning: 'write cycle', mask: WW, oneRw: false },
  { name: 'G1c', meaning: 'circular information flow', mask: WW | WR, oneRw: false },
  { name: 'G-single', meaning: 'read skew', mask: WW | WR | RW, oneRw: true },
  { name: 'G2', meaning: 'anti-dependency cycle, such as write skew', mask: WW | WR | RW, oneRw: false },
];

/** Cycles that need real time leave a serial order, but none that respects it. */
const CYCLES: readonly CycleName[] = [
  ...SERIAL_CYCLES,
  ...SERIAL_CYCLES.map(({ name, meaning, mask, oneRw }) => ({
    name: `${name}-realtime`,
    meaning: `${meaning}, in real time`,
    mask: mask | REAL_TIME,
    oneRw,
  })),
];

/** For looking for shorter cycles once one is found, milliseconds. */
const SHORTEN_FOR_MS = 2_000;
const BREATHE_AFTER_TRANSACTIONS = 5_000;
/** Anomalies that are explained, each of another kind. */
const MAX_EXPLAINED = 4;

/**
 * Checks `txn` operations in the order of their invocation. `unknown` when no successful transaction read anything, or the
 * time is over. Throws HistoryStructureError for other functions and values, and for an element that is appended twice to
 * a list; the signal's reason when aborted.
 */
export async function checkListAppend(
  operations: readonly Operation[],
  options: ListAppendOptions = {},
): Promise<CheckerVerdict> {
  const clock = options.clock ?? systemClock;
  const { timeLimitMs = Number.POSITIVE_INFINITY } = options;
  const deadline = clock.now() + timeLimitMs;
  const counts = { transactions: operations.length, keys: 0, reads: 0, edges: 0 };
  const judged = { checker: 'list-append', counts };
  const unknown = (reason: string): CheckerVerdict => ({ ...judged, verdict: 'unknown', reason });
  const late = () => unknown(`no answer within ${formatDuration(timeLimitMs)}`);

  const transactions = operations.map(transactionOf);
  await breathe(options.signal);
  const versions = inferVersions(transactions);
  counts.keys = versions.lists.size;
  counts.reads = versions.reads;
  if (versions.anomalies.length > 0) return { ...judged, verdict: 'violated', ...explained(versions.anomalies, transactions) };
  if (counts.reads === 0) return unknown('no successful transaction read anything');
  if (clock.now() >= deadline) return late();
  await breathe(options.signal);
  const dependencies = await new Dependencies(transactions, versions).build(options.signal);
  counts.edges = dependencies.graph.edges;
  if (clock.now() >= deadline) return late();
  const cycles = await findCycles(dependencies, clock, options.signal);
  if (cycles.length > 0) return { ...judged, verdict: 'violated', ...explained(cycles, transactions) };
  return { ...judged, verdict: 'valid' };
}

function explained(anomalies: readonly Anomaly[], transactions: readonly Transaction[]) {
  const names = [...new Set(anomalies.map(({ name }) => name))];
  const first = names.flatMap((name) => anomalies.find((anomaly) => anomaly.name === name) ?? []).slice(0, MAX_EXPLAINED);
  const explanation = first.flatMap(({ name, meaning, involved, steps }) => [
    `${name} (${meaning}):`,
    ...involved.map((at, number) => {
      const transaction = transactions[at] as Transaction;
      return `  T${number + 1} = ${lineOf(transaction.operation, describeTransaction(transaction))}`;
    }),
    ...steps.map((step) => `  ${step}`),
  ]);
  return { reason: `not strictly serializable: ${names.join(', ')}`, explanation };
}

/** What comes behind the last version of a key that was read. */
interface Tail {
  readonly node: number;
  readonly unread: KeyVersions['unread'];
  /** Transactions that read the last version and appended behind it. */
  readonly updaters: Set<number>;
}

/** The dependency graph: transactions are its first nodes, in their order. */
class Dependencies {
  readonly graph = new DependencyGraph();
  readonly transactions: readonly Transaction[];
  readonly #versions: Versions;
  /** Edge -> what it is about. */
  readonly #keys: (string | undefined)[] = [];
  readonly #elements: unknown[] = [];

  constructor(transactions: readonly Transaction[], versions: Versions) {
    this.transactions = transactions;
    this.#versions = versions;
    for (const _ of transactions) this.graph.addNode();
  }

  async build(signal: AbortSignal | undefined): Promise<this> {
    const tails = this.#addWrites();
    for (const [at, transaction] of this.transactions.entries()) {
      if (at % BREATHE_AFTER_TRANSACTIONS === 0) await breathe(signal);
      if (transaction.operation.outcome === 'ok') this.#addReads(at, transaction, tails);
    }
    this.#addRealTime();
    this.graph.seal();
    return this;
  }

  /** Version after version of every key; behind the last one a node that stands for the appends that nobody read. */
  #addWrites(): Map<string, Tail> {
    const tails = new Map<string, Tail>();
    for (const [key, { elements, writers, unread }] of this.#versions.lists) {
      for (let at = 1; at < elements.length; at++) {
        this.#add(writers[at - 1] as number, writers[at] as number, WW, key, elements[at]);
      }
      if (unread.length === 0) continue;
      const node = this.graph.addNode();
      tails.set(key, { node, unread, updaters: new Set() });
      const last = writers.at(-1);
      if (last !== undefined) this.#add(last, node, WW, key, undefined);
      for (const { writer, element } of unread) if (writer !== last) this.#add(node, writer, ONWARD, key, element);
    }
    return tails;
  }

  #addReads(at: number, { steps }: Transaction, tails: ReadonlyMap<string, Tail>): void {
    for (const step of steps) {
      if (step.f !== 'read') continue;
      const { key, list } = step;
      const version = this.#versions.lists.get(key);
      if (version === undefined) continue;
      const { elements, writers } = version;
      const last = list.length - 1;
      if (last >= 0) this.#add(writers[last] as number, at, WR, key, elements[last]);
      if (list.length < elements.length) this.#add(at, writers[list.length] as number, RW, key, elements[list.length]);
      else this.#addReadOfLast(at, key, tails);
    }
  }

  /** Whoever read the last known version comes before the appends behind it. */
  #addReadOfLast(at: number, key: string, tails: ReadonlyMap<string, Tail>): void {
    const tail = tails.get(key);
    if (tail === undefined) return;
    const { node, unread, updaters } = tail;
    if (!unread.some(({ writer }) => writer === at)) {
      this.#add(at, node, RW, key, undefined);
      return;
    }
    // It read and then appended itself, and through the node it would come before itself. Two of these are a cycle, a lost
    // update, so that the edges of more are not needed.
    if (updaters.has(at) || updaters.size === 2) return;
    updaters.add(at);
    for (const { writer, element } of unread) this.#add(at, writer, RW, key, element);
  }

  /** A chain of the moments at which a transaction returned: each leads to the next, and to what was called after it. */
  #addRealTime(): void {
    const { graph, transactions } = this;
    const returned = [...transactions.keys()].filter((at) => transactions[at]?.operation.outcome === 'ok');
    returned.sort((a, b) => returnOf(transactions, a) - returnOf(transactions, b));
    let next = 0;
    let moment = -1;
    for (const [at, { operation }] of transactions.entries()) {
      for (; next < returned.length && returnOf(transactions, returned[next] as number) < operation.calledAt; next++) {
        const node = graph.addNode();
        if (moment >= 0) this.#add(moment, node, ONWARD, undefined, undefined);
        this.#add(returned[next] as number, node, REAL_TIME, undefined, undefined);
        moment = node;
      }
      const takesPart = operation.outcome === 'ok' || this.#versions.committed.has(at);
      if (moment >= 0 && takesPart) this.#add(moment, at, ONWARD, undefined, undefined);
    }
  }

  #add(from: number, to: number, kind: number, key: string | undefined, element: unknown): void {
    // What a transaction sees of itself orders nothing.
    if (from === to) return;
    this.graph.addEdge(from, to, kind);
    this.#keys.push(key);
    this.#elements.push(element);
  }

  /** A cycle in words; its edges in order, from a transaction back to it. */
  anomalyOf({ name, meaning }: CycleName, cycle: readonly number[]): Anomaly {
    const hops: { first: number; last: number }[] = [];
    for (const edge of cycle) {
      const hop = hops.at(-1);
      if (this.graph.kind(edge) === ONWARD && hop !== undefined) hop.last = edge;
      else hops.push({ first: edge, last: edge });
    }
    // Told from the transaction that was called first.
    const earliest = Math.min(...hops.map(({ first }) => this.graph.from(first)));
    hops.unshift(...hops.splice(hops.findIndex(({ first }) => this.graph.from(first) === earliest)));
    const involved = hops.map(({ first }) => this.graph.from(first));
    const label = (node: number) => `T${involved.indexOf(node) + 1}`;
    const steps = hops.map(({ first, last }) => {
      const [before, after] = [this.graph.from(first), this.graph.to(last)];
      return `${label(before)} < ${label(after)}: ${this.#because(first, last, label(before), label(after))}`;
    });
    return { name, meaning, involved, steps: [...steps, 'each before the next, and the last before the first: a cycle'] };
  }

  #because(first: number, last: number, before: string, after: string): string {
    const key = describeValue(this.#keys[first]);
    const element = describeValue(this.#elements[last]);
    switch (this.graph.kind(first)) {
      case WW:
        return `${after} appended ${element} to ${key} behind what ${before} had appended (ww)`;
      case WR:
        return `${after} read ${key} up to ${element}, which ${before} appended (wr)`;
      case RW:
        return `${before} read ${key} without ${element}, which ${after} appended (rw)`;
      default: {
        const spans = [this.graph.from(first), this.graph.to(last)].map((at) =>
          spanOf(this.transactions[at]?.operation as Operation),
        );
        return `${before} (${spans[0]}) had returned when ${after} (${spans[1]}) was called (real time)`;
      }
    }
  }
}

function returnOf(transactions: readonly Transaction[], at: number): number {
  return (transactions[at] as Transaction).operation.returnedAt;
}

/** The worst kind of cycle of every tangle of transactions. */
async function findCycles(dependencies: Dependencies, clock: Clock, signal: AbortSignal | undefined): Promise<Anomaly[]> {
  const { graph, transactions } = dependencies;
  const everything = WW | WR | RW | REAL_TIME | ONWARD;
  if (graph.components(everything).length === 0) return [];
  const explainedNodes = new Set<number>();
  const anomalies: Anomaly[] = [];
  const until = clock.now() + SHORTEN_FOR_MS;
  for (const kind of CYCLES) {
    await breathe(signal);
    for (const component of graph.components(kind.mask | ONWARD)) {
      if (component.some((node) => explainedNodes.has(node))) continue;
      const members = component.filter((node) => node < transactions.length).sort((a, b) => a - b);
      let looked = 0;
      // The first is looked for however long it takes: the component proves that a cycle of this kind, or a worse one, is there.
      const isWithinBudget = () => looked++ === 0 || clock.now() < until;
      const cycle = graph.shortestCycle(members, component, kind, isWithinBudget);
      if (cycle === undefined) continue;
      for (const node of component) explainedNodes.add(node);
      anomalies.push(dependencies.anomalyOf(kind, cycle));
    }
  }
  return anomalies;
}
