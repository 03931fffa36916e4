// What several nodes answered together, and which of them did not.

import { assert } from '../../runtime/assert.ts';

/**
 * - complete: every node answered.
 * - partial: a quorum answered, but not every node.
 * - failed: too few nodes answered. What the successful ones did is done all the same.
 *
 * Maps and lists are in the order in which the nodes were given. Every node is either among those that answered or a key of `errors`.
 */
export type PartialResult<T, Node extends string = string> =
  | { readonly kind: 'complete'; readonly data: ReadonlyMap<Node, T> }
  | {
      readonly kind: 'partial';
      readonly data: ReadonlyMap<Node, T>;
      readonly failedNodes: readonly Node[];
      readonly errors: ReadonlyMap<Node, unknown>;
    }
  | { readonly kind: 'failed'; readonly successfulNodes: readonly Node[]; readonly errors: ReadonlyMap<Node, unknown> };

/** The smallest majority of `count` nodes (a whole number >= 1): any two majorities have a node in common. */
export function quorumOf(count: number): number {
  assert(Number.isSafeInteger(count) && count >= 1, `a quorum is taken of at least 1 node, not ${count}`);
  return Math.floor(count / 2) + 1;
}

/** How one node ended. */
export type NodeEnd<T> = { readonly answered: true; readonly value: T } | { readonly answered: false; readonly error: unknown };

/** Sorts out how the nodes ended. `ends` has an entry for each of `nodes`. */
export function partialResultOf<T, Node extends string>(
  nodes: readonly Node[],
  ends: ReadonlyMap<Node, NodeEnd<T>>,
  quorum: number,
): PartialResult<T, Node> {
  const data = new Map<Node, T>();
  const errors = new Map<Node, unknown>();
  for (const node of nodes) {
    const end = ends.get(node);
    assert(end !== undefined, `nobody knows how ${node} ended`);
    if (end.answered) data.set(node, end.value);
    else errors.set(node, end.error);
  }
  if (errors.size === 0) return { kind: 'complete', data };
  if (data.size >= quorum) return { kind: 'partial', data, failedNodes: [...errors.keys()], errors };
  return { kind: 'failed', successfulNodes: [...data.keys()], errors };
}
