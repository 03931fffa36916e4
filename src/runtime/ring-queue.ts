// A queue on a circular array: nothing is ever moved except when it grows, where Array.shift moves everything.

/** Slots of an empty queue. A power of two, as every size is, so that an index wraps with a mask. */
const INITIAL_SLOTS = 16;
/** A queue that grew beyond this gives its array back once it is empty: one burst must not hold memory for ever. */
const KEPT_SLOTS = 1_024;

/**
 * First in, first out; `pop` takes from the other end. Every operation but `removeWhere` takes constant time (amortised).
 * `undefined` may be an item: look at `length` to tell it from none.
 */
export class RingQueue<T> {
  #slots: (T | undefined)[] = newSlots(INITIAL_SLOTS);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The oldest item, left in place. Undefined when empty. */
  get first(): T | undefined {
    return this.#slots[this.#head];
  }

  /** The newest item, left in place. Undefined when empty. */
  get last(): T | undefined {
    return this.#slots[(this.#head + this.#length - 1) & (this.#slots.length - 1)];
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length++;
  }

  /** Removes and returns the oldest item. Undefined when empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    this.#giveBack();
    return item;
  }

  /** Removes and returns the newest item. Undefined when empty. */
  pop(): T | undefined {
    if (this.#length === 0) return undefined;
    const at = (this.#head + --this.#length) & (this.#slots.length - 1);
    const item = this.#slots[at];
    this.#slots[at] = undefined;
    this.#giveBack();
    return item;
  }

  /** Takes out and returns what the predicate names, oldest first; the rest keeps its order. */
  removeWhere(predicate: (item: T) => boolean): T[] {
    const removed: T[] = [];
    for (let left = this.#length; left > 0; left--) {
      const item = this.shift() as T;
      if (predicate(item)) removed.push(item);
      else this.push(item);
    }
    return removed;
  }

  clear(): void {
    this.#slots = newSlots(INITIAL_SLOTS);
    this.#head = 0;
    this.#length = 0;
  }

  /** Oldest first. The queue must not be changed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let at = 0; at < this.#length; at++) yield this.#slots[(this.#head + at) & (this.#slots.length - 1)] as T;
  }

  #giveBack(): void {
    if (this.#length === 0 && this.#slots.length > KEPT_SLOTS) this.clear();
  }

  #grow(): void {
    const old = this.#slots;
    const slots = newSlots<T>(old.length * 2);
    for (let at = 0; at < this.#length; at++) slots[at] = old[(this.#head + at) & (old.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}

function newSlots<T>(count: number): (T | undefined)[] {
  const slots: (T | undefined)[] = [];
  slots.length = count;
  return slots;
}
