// A first-in-first-out queue on a circular array: push and shift are O(1), where Array.shift is O(n).

/** Slots of an empty queue. A power of two, as every size is, so that an index wraps with a mask. */
const INITIAL_SLOTS = 16;
/** A queue that grew beyond this gives its array back once it is empty: one burst must not hold memory for ever. */
const KEPT_SLOTS = 1_024;

export class RingQueue<T> {
  #slots: (T | undefined)[] = newSlots(INITIAL_SLOTS);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length++;
  }

  /** Removes and returns the oldest item. Only for a queue that is not empty: `undefined` may be an item. */
  shift(): T {
    const item = this.#slots[this.#head] as T;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    if (this.#length === 0 && this.#slots.length > KEPT_SLOTS) {
      this.#slots = newSlots(INITIAL_SLOTS);
      this.#head = 0;
    }
    return item;
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
