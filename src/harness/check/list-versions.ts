// What the reads of transactions say about the lists by themselves: the order of the versions of every key, and the
// anomalies that need no cycle.

import { describeValue } from './model.ts';
import { HistoryStructureError } from './operation.ts';
import { agreement } from './read-lists.ts';
import type { Element, MicroOperation, Transaction } from './transactions.ts';
import { describeList } from './transactions.ts';

export interface Anomaly {
  /** As Adya and Elle call it: 'G1a', 'incompatible-order', ... */
  readonly name: string;
  readonly meaning: string;
  /** Positions of transactions, named T1, T2, ... in `steps`. */
  readonly involved: readonly number[];
  /** Lines that say why it is one. */
  readonly steps: readonly string[];
}

export interface KeyVersions {
  /** The longest list that was read. */
  readonly elements: readonly unknown[];
  /** For each element the position of the transaction that appended it. */
  readonly writers: readonly number[];
  /** Committed appends that no read saw. */
  readonly unread: readonly { readonly writer: number; readonly element: Element }[];
}

export interface Versions {
  readonly lists: ReadonlyMap<string, KeyVersions>;
  /** Transactions of unknown outcome that took place, because something of them was read. */
  readonly committed: ReadonlySet<number>;
  /** Reads of successful transactions. */
  readonly reads: number;
  /** When there are any, `lists` and `committed` are empty: a key then has no one order. */
  readonly anomalies: readonly Anomaly[];
}

interface Append {
  readonly writer: number;
  readonly element: Element;
  /** What its transaction had appended to the key just before. */
  readonly previous: Append | undefined;
  /** Whether its transaction appended to the key again. */
  intermediate: boolean;
}

interface Read {
  readonly reader: number;
  readonly list: readonly unknown[];
}

class Key {
  readonly appends = new Map<unknown, Append>();
  readonly reads: Read[] = [];
  longest: Read | undefined;
}

/** Throws HistoryStructureError for an element that is appended twice to a key. */
export function inferVersions(transactions: readonly Transaction[]): Versions {
  const keys = new Map<string, Key>();
  const anomalies: Anomaly[] = [];
  let reads = 0;
  for (const [at, transaction] of transactions.entries()) {
    collect(keys, at, transaction);
    const internal = internalAnomaly(at, transaction);
    if (internal !== undefined) anomalies.push(internal);
  }
  for (const [name, key] of keys) {
    reads += key.reads.length;
    anomalies.push(...keyAnomalies(name, key, transactions));
  }
  if (anomalies.length > 0) return { lists: new Map(), committed: new Set(), reads, anomalies };
  const committed = new Set<number>();
  for (const { longest, appends } of keys.values()) {
    for (const element of longest?.list ?? []) {
      const { writer } = appends.get(element) as Append;
      if (transactions[writer]?.operation.outcome === 'unknown') committed.add(writer);
    }
  }
  const lists = new Map([...keys].map(([name, key]) => [name, versionsOf(key, transactions, committed)]));
  return { lists, committed, reads, anomalies };
}

function collect(keys: Map<string, Key>, at: number, { operation, steps }: Transaction): void {
  const own = new Map<string, Append>();
  for (const step of steps) {
    let key = keys.get(step.key);
    if (key === undefined) {
      key = new Key();
      keys.set(step.key, key);
    }
    if (step.f === 'append') {
      const { element } = step;
      if (key.appends.has(element)) {
        const reason = `element ${describeValue(element)} was appended to ${describeValue(step.key)} before; elements must be unique`;
        throw new HistoryStructureError(operation.index, reason);
      }
      const earlier = own.get(step.key);
      if (earlier !== undefined) earlier.intermediate = true;
      const append = { writer: at, element, previous: earlier, intermediate: false };
      own.set(step.key, append);
      key.appends.set(element, append);
    } else {
      const read = { reader: at, list: step.list };
      key.reads.push(read);
      if (key.longest === undefined || read.list.length > key.longest.list.length) key.longest = read;
    }
  }
}

function versionsOf(
  { longest, appends }: Key,
  transactions: readonly Transaction[],
  committed: ReadonlySet<number>,
): KeyVersions {
  const elements = longest?.list ?? [];
  const seen = new Set(elements);
  const tookPlace = ({ writer }: Append) => transactions[writer]?.operation.outcome === 'ok' || committed.has(writer);
  return {
    elements,
    writers: elements.map((element) => (appends.get(element) as Append).writer),
    unread: [...appends.values()].filter((append) => !seen.has(append.element) && tookPlace(append)),
  };
}

/** A read that contradicts what its own transaction had read or appended before. */
function internalAnomaly(at: number, { steps, operation }: Transaction): Anomaly | undefined {
  if (operation.outcome !== 'ok' || steps.length < 2) return undefined;
  const known = new Map<string, { whole: boolean; list: unknown[] }>();
  for (const [number, step] of steps.entries()) {
    const before = known.get(step.key);
    const early = steps.slice(number + 1).find((later) => isSeenIn(later, step));
    if (early !== undefined) {
      const why = `T1 read ${describeValue(step.key)} with an element that it appended only later`;
      return { name: 'internal', meaning: 'a transaction contradicts itself', involved: [at], steps: [why] };
    }
    if (step.f === 'append') {
      if (before === undefined) known.set(step.key, { whole: false, list: [step.element] });
      else before.list.push(step.element);
      continue;
    }
    if (before !== undefined) {
      const { whole, list } = before;
      const end = step.list.slice(step.list.length - list.length);
      const fits = step.list.length >= list.length && (!whole || step.list.length === list.length);
      if (!fits || agreement(end, list) < list.length) {
        const expected = `${whole ? '' : 'something that ends with '}${describeList(list)}`;
        const why = `T1 read ${describeList(step.list)} from ${describeValue(step.key)} where its own steps before lead to ${expected}`;
        return { name: 'internal', meaning: 'a transaction contradicts itself', involved: [at], steps: [why] };
      }
    }
    known.set(step.key, { whole: true, list: [...step.list] });
  }
  return undefined;
}

function isSeenIn(append: MicroOperation, read: MicroOperation): boolean {
  return append.f === 'append' && read.f === 'read' && append.key === read.key && read.list.includes(append.element);
}

/** At most one of each kind. */
function keyAnomalies(name: string, key: Key, transactions: readonly Transaction[]): Anomaly[] {
  const shown = describeValue(name);
  const found = new Map<string, Anomaly>();
  const report = (anomaly: Anomaly) => found.has(anomaly.name) || found.set(anomaly.name, anomaly);
  const { longest, appends } = key;
  // What is wrong with an element of a list that all agree on is looked for once, in the longest.
  for (const { reader, list } of key.reads) {
    const agrees = longest !== undefined && agreement(list, longest.list) === list.length;
    if (!agrees) report(incompatible(shown, { reader, list }, longest as Read));
    if (!agrees || list === longest?.list) elementAnomalies(shown, key, { reader, list }, transactions).forEach(report);
    const last = appends.get(list.at(-1));
    if (last?.intermediate === true && last.writer !== reader) {
      const why = `T2 read ${describeList(list)} from ${shown}: T1 appended ${describeValue(last.element)} and then more`;
      report({ name: 'G1b', meaning: 'intermediate read', involved: [last.writer, reader], steps: [why] });
    }
  }
  return [...found.values()];
}

function incompatible(shown: string, read: Read, longest: Read): Anomaly {
  const at = agreement(read.list, longest.list);
  const why = `of ${shown}, T1 read ${describeValue(read.list[at])} as element ${at + 1} and T2 read ${describeValue(longest.list[at])}`;
  const involved = [read.reader, longest.reader];
  return { name: 'incompatible-order', meaning: 'reads disagree about the order of a list', involved, steps: [why] };
}

function elementAnomalies(
  shown: string,
  { appends }: Key,
  { reader, list }: Read,
  transactions: readonly Transaction[],
): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const seen = new Map<unknown, number>();
  for (const [at, element] of list.entries()) {
    const what = describeValue(element);
    const earlier = seen.get(element);
    seen.set(element, at);
    const append = appends.get(element);
    const { previous } = append ?? {};
    if (earlier !== undefined) {
      const why = `T1 read ${what} from ${shown} twice, as element ${earlier + 1} and ${at + 1}`;
      anomalies.push({ name: 'duplicate-elements', meaning: 'an append took effect twice', involved: [reader], steps: [why] });
    } else if (append === undefined) {
      const why = `T1 read ${what} from ${shown}, which nothing appended`;
      anomalies.push({ name: 'garbage-read', meaning: 'a read of what was never written', involved: [reader], steps: [why] });
    } else if (transactions[append.writer]?.operation.outcome === 'fail') {
      const why = `T2 read ${what} from ${shown}, which T1, which failed, had appended`;
      anomalies.push({ name: 'G1a', meaning: 'aborted read', involved: [append.writer, reader], steps: [why] });
    } else if (previous !== undefined && !seen.has(previous.element)) {
      const why = `T2 read ${what} from ${shown} without ${describeValue(previous.element)} before it, which T1 had appended first`;
      const meaning = 'a transaction took effect in part, or out of order';
      anomalies.push({ name: 'incompatible-order', meaning, involved: [append.writer, reader], steps: [why] });
    }
  }
  return anomalies;
}
