// Keeps the number of series bounded, whatever values arrive: an unbounded label is how a metrics server is brought down.

import type { LabelBound, Labels } from './signal.ts';

/** The value under which everything beyond a label's bound is counted. */
export const OTHER = 'other';

/** Folds labels to those of one metric, within their bounds. */
export class LabelGuard {
  readonly #names: readonly string[];
  readonly #bounds: readonly { readonly admitted: Set<string>; readonly room: number }[];

  constructor(labels: Labels) {
    this.#names = Object.keys(labels);
    this.#bounds = Object.values(labels).map(boundOf);
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** A new object with exactly this metric's labels, in a fixed order. Values out of bounds, and missing ones, become 'other'. */
  fold(labels: Readonly<Record<string, string | undefined>>): Record<string, string> {
    const folded: Record<string, string> = {};
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i] as string;
      folded[name] = this.#admit(i, labels[name]);
    }
    return folded;
  }

  #admit(label: number, value: string | undefined): string {
    const { admitted, room } = this.#bounds[label] as { admitted: Set<string>; room: number };
    if (value === undefined) return OTHER;
    if (admitted.has(value)) return value;
    if (admitted.size >= room) return OTHER;
    admitted.add(value);
    return value;
  }
}

function boundOf(bound: LabelBound): { admitted: Set<string>; room: number } {
  return bound.kind === 'one-of' ? { admitted: new Set(bound.values), room: 0 } : { admitted: new Set(), room: bound.count };
}
