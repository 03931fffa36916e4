// A double-ended queue in a circular buffer: no element is ever moved except when the buffer grows.

/** Grows as needed and never shrinks; every operation but `removeWhere` takes constant time (amortised). */
export class Ring<T> {
  #slots: (T | undefined)[] = Array.from({ length: 8 }, () => undefined);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item;
    this.#size++;
  }

  /** The oldest item, or undefined when empty. */
  first(): T | undefined {
    return this.#slots[this.#head];
  }

  /** The newest item, or undefined when empty. */
  last(): T | undefined {
    return this.#slots[(this.#head + this.#size - 1) & (this.#slots.length - 1)];
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    return item;
  }

  pop(): T | undefined {
    if (this.#size === 0) return undefined;
    const at = (this.#head + --this.#size) & (this.#slots.length - 1);
    const item = this.#slots[at];
    this.#slots[at] = undefined;
    return item;
  }

  /** Takes out and returns what the predicate names, oldest first; the rest keeps its order. */
  removeWhere(predicate: (item: T) => boolean): T[] {
    const removed: T[] = [];
    for (let left = this.#size; left > 0; left--) {
      const item = this.shift() as T;
      if (predicate(item)) removed.push(item);
      else this.push(item);
    }
    return removed;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = Array.from({ length: old.length * 2 }, (_, at) =>
      at < this.#size ? old[(this.#head + at) & (old.length - 1)] : undefined,
    );
    this.#head = 0;
  }
}
