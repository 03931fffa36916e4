// The operations of a long history, by key, in columns: some seventy bytes each besides their values, where objects need
// three times as much and keep the garbage collector busy. A key's operations are objects only while it is checked.

import { Interner } from './model.ts';
import type { Operation, OperationSink, Outcome } from './operation.ts';

const OUTCOMES: readonly Outcome[] = ['ok', 'fail', 'unknown'];

/** Rows are kept in blocks, so that growing copies nothing. */
const BLOCK_ROWS = 16_384;

class Block {
  readonly index = new Float64Array(BLOCK_ROWS);
  readonly process = new Float64Array(BLOCK_ROWS);
  readonly calledAt = new Float64Array(BLOCK_ROWS);
  readonly returnedAt = new Float64Array(BLOCK_ROWS);
  readonly calledNs = new Float64Array(BLOCK_ROWS);
  readonly returnedNs = new Float64Array(BLOCK_ROWS);
  readonly outcome = new Uint8Array(BLOCK_ROWS);
  // Numbers of the store's texts.
  readonly f = new Int32Array(BLOCK_ROWS);
  readonly key = new Int32Array(BLOCK_ROWS);
  readonly node = new Int32Array(BLOCK_ROWS);
  readonly error = new Int32Array(BLOCK_ROWS);
  readonly input: unknown[] = [];
  readonly output: unknown[] = [];
}

export class OperationStore implements OperationSink {
  readonly #blocks: Block[] = [];
  readonly #texts = new Interner();
  readonly #rows = new Map<string | undefined, number[]>();
  readonly #oneKey: boolean;
  #size = 0;

  /** @param oneKey whether all operations are on one object, whatever keys were recorded. */
  constructor(oneKey = false) {
    this.#oneKey = oneKey;
  }

  get size(): number {
    return this.#size;
  }

  get keys(): Iterable<string | undefined> {
    return this.#rows.keys();
  }

  countOf(key: string | undefined): number {
    return this.#rows.get(key)?.length ?? 0;
  }

  /** The operations on a key, in the order of their invocation. */
  operationsOf(key: string | undefined): Operation[] {
    return (this.#rows.get(key) ?? []).map((row) => this.#read(row));
  }

  add(operation: Operation): number {
    const row = this.#size++;
    if (row % BLOCK_ROWS === 0) this.#blocks.push(new Block());
    const key = this.#oneKey ? undefined : operation.key;
    const rows = this.#rows.get(key);
    if (rows === undefined) this.#rows.set(key, [row]);
    else rows.push(row);
    this.#write(row, operation);
    return row;
  }

  replace(row: number, operation: Operation): void {
    this.#write(row, operation);
  }

  #write(row: number, operation: Operation): void {
    const block = this.#blocks[Math.floor(row / BLOCK_ROWS)] as Block;
    const at = row % BLOCK_ROWS;
    block.index[at] = operation.index;
    block.process[at] = operation.process;
    block.calledAt[at] = operation.calledAt;
    block.returnedAt[at] = operation.returnedAt;
    block.calledNs[at] = operation.calledNs;
    block.returnedNs[at] = operation.returnedNs;
    block.outcome[at] = OUTCOMES.indexOf(operation.outcome);
    block.f[at] = this.#texts.intern(operation.f);
    block.key[at] = this.#texts.intern(this.#oneKey ? undefined : operation.key);
    block.node[at] = this.#texts.intern(operation.node);
    block.error[at] = this.#texts.intern(operation.error);
    block.input[at] = operation.input;
    block.output[at] = operation.output;
  }

  #read(row: number): Operation {
    const block = this.#blocks[Math.floor(row / BLOCK_ROWS)] as Block;
    const at = row % BLOCK_ROWS;
    return {
      index: block.index[at] as number,
      process: block.process[at] as number,
      f: this.#text(block.f[at]) as string,
      key: this.#text(block.key[at]),
      input: block.input[at],
      output: block.output[at],
      outcome: OUTCOMES[block.outcome[at] as number] as Outcome,
      error: this.#text(block.error[at]),
      node: this.#text(block.node[at]),
      calledAt: block.calledAt[at] as number,
      returnedAt: block.returnedAt[at] as number,
      calledNs: block.calledNs[at] as number,
      returnedNs: block.returnedNs[at] as number,
    };
  }

  #text(number: number | undefined): string | undefined {
    return this.#texts.value(number as number) as string | undefined;
  }
}
