// A directed graph of dependencies of several kinds, and its shortest cycles by which kinds they use.

/** Kinds of edges, as bits of a mask. */
export const WW = 1;
export const WR = 2;
export const RW = 4;
export const REAL_TIME = 8;
/**
 * The second half of a dependency that goes through a node which is no transaction: many to many with few edges. Such an
 * edge is allowed wherever the node was reached.
 */
export const ONWARD = 16;

/** Which edges to follow, and whether exactly one of those must be an rw edge. */
export interface CycleKind {
  readonly mask: number;
  readonly oneRw: boolean;
}

/** Built once, from edges in any order. Nodes are numbered from 0; edges in the order in which they were added. */
export class DependencyGraph {
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #kind: number[] = [];
  #nodes = 0;
  #begin = new Int32Array(1);
  /** Edges, those of one node after another's. */
  #edges = new Int32Array(0);
  // For searches, so that none has to clear what another left.
  #stamp = 0;
  #stamps = new Int32Array(0);
  #arrivedBy = new Int32Array(0);
  #distance = new Int32Array(0);
  /** Edges looked at so far. */
  steps = 0;

  addNode(): number {
    return this.#nodes++;
  }

  addEdge(from: number, to: number, kind: number): number {
    this.#from.push(from);
    this.#to.push(to);
    return this.#kind.push(kind) - 1;
  }

  get nodes(): number {
    return this.#nodes;
  }

  get edges(): number {
    return this.#kind.length;
  }

  from(edge: number): number {
    return this.#from[edge] as number;
  }

  to(edge: number): number {
    return this.#to[edge] as number;
  }

  kind(edge: number): number {
    return this.#kind[edge] as number;
  }

  /** To be called after the last edge and before any search. */
  seal(): void {
    this.#begin = new Int32Array(this.#nodes + 1);
    for (const from of this.#from) this.#begin[from + 1] = (this.#begin[from + 1] as number) + 1;
    for (let node = 0; node < this.#nodes; node++) {
      this.#begin[node + 1] = (this.#begin[node + 1] as number) + (this.#begin[node] as number);
    }
    const filled = this.#begin.slice();
    this.#edges = new Int32Array(this.#from.length);
    for (const [edge, from] of this.#from.entries()) {
      this.#edges[filled[from] as number] = edge;
      filled[from] = (filled[from] as number) + 1;
    }
    this.#stamps = new Int32Array(this.#nodes);
    this.#arrivedBy = new Int32Array(this.#nodes);
    this.#distance = new Int32Array(this.#nodes);
  }

  /** The strongly connected components of two nodes or more (R. Tarjan 1972, without recursion). */
  components(mask: number): number[][] {
    const index = new Int32Array(this.#nodes);
    const low = new Int32Array(this.#nodes);
    const onStack = new Uint8Array(this.#nodes);
    const cursor = this.#begin.slice(0, this.#nodes);
    const components: number[][] = [];
    const stack: number[] = [];
    const path: number[] = [];
    let next = 1;
    for (let root = 0; root < this.#nodes; root++) {
      if (index[root] !== 0) continue;
      path.push(root);
      while (path.length > 0) {
        const node = path.at(-1) as number;
        if (index[node] === 0) {
          index[node] = low[node] = next++;
          stack.push(node);
          onStack[node] = 1;
        }
        const child = this.#nextChild(node, cursor, mask);
        if (child >= 0) {
          if (index[child] === 0) path.push(child);
          else if (onStack[child] === 1) low[node] = Math.min(low[node] as number, index[child] as number);
          continue;
        }
        path.pop();
        const parent = path.at(-1);
        if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number);
        if (low[node] !== index[node]) continue;
        const component = stack.splice(stack.lastIndexOf(node));
        for (const member of component) onStack[member] = 0;
        if (component.length > 1) components.push(component);
      }
    }
    return components;
  }

  /** Moves the node's cursor past one allowed edge; where that leads, or -1 at the end. */
  #nextChild(node: number, cursor: Int32Array, mask: number): number {
    const end = this.#begin[node + 1] as number;
    while ((cursor[node] as number) < end) {
      const edge = this.#edges[cursor[node] as number] as number;
      cursor[node] = (cursor[node] as number) + 1;
      this.steps++;
      if (((this.#kind[edge] as number) & mask) !== 0) return this.#to[edge] as number;
    }
    return -1;
  }

  /**
   * The shortest cycle of the kind within a component, as its edges in order, or undefined. It begins and ends at one of
   * `starts`. Shortest among those found while `isWithinBudget`, which is asked before every start.
   */
  shortestCycle(
    starts: readonly number[],
    component: readonly number[],
    kind: CycleKind,
    isWithinBudget: () => boolean,
  ): number[] | undefined {
    const inside = new Set(component);
    let best: number[] | undefined;
    for (const node of starts) {
      if (!isWithinBudget()) break;
      const limit = best === undefined ? Number.POSITIVE_INFINITY : this.#lengthOf(best);
      const found = kind.oneRw
        ? this.#throughOneRw(node, inside, kind.mask & ~RW, limit)
        : this.#path(node, node, inside, kind.mask, limit);
      if (found !== undefined) best = found;
      if (best !== undefined && this.#lengthOf(best) <= 2) break;
    }
    return best;
  }

  /** A cycle that begins with an rw edge of `node` and has no other. */
  #throughOneRw(node: number, inside: ReadonlySet<number>, mask: number, limit: number): number[] | undefined {
    let best: number[] | undefined;
    for (let at = this.#begin[node] as number; at < (this.#begin[node + 1] as number); at++) {
      const edge = this.#edges[at] as number;
      const target = this.#to[edge] as number;
      if (this.#kind[edge] !== RW || !inside.has(target)) continue;
      const back = this.#path(target, node, inside, mask, (best === undefined ? limit : this.#lengthOf(best)) - 1);
      if (back !== undefined) best = [edge, ...back];
    }
    return best;
  }

  /** The shortest way with at least one edge, shorter than `limit`. Onward edges count nothing: breadth first with a deque. */
  #path(start: number, goal: number, inside: ReadonlySet<number>, mask: number, limit: number): number[] | undefined {
    const allowed = mask | ONWARD;
    const stamp = ++this.#stamp;
    let front = [start];
    this.#stamps[start] = start === goal ? 0 : stamp;
    this.#distance[start] = 0;
    for (let distance = 0; front.length > 0 && distance < limit; distance++) {
      const following: number[] = [];
      let arrived = false;
      // Grows while it is walked: onward edges stay at the same distance.
      for (const node of front) {
        if (node !== start && (this.#distance[node] as number) < distance) continue;
        for (let at = this.#begin[node] as number; at < (this.#begin[node + 1] as number); at++) {
          const edge = this.#edges[at] as number;
          this.steps++;
          const target = this.#to[edge] as number;
          const edgeKind = this.#kind[edge] as number;
          const length = distance + (edgeKind === ONWARD ? 0 : 1);
          if ((edgeKind & allowed) === 0 || length >= limit || !inside.has(target)) continue;
          if (this.#stamps[target] === stamp && (this.#distance[target] as number) <= length) continue;
          this.#stamps[target] = stamp;
          this.#distance[target] = length;
          this.#arrivedBy[target] = edge;
          if (target !== goal) (edgeKind === ONWARD ? front : following).push(target);
          else if (edgeKind === ONWARD) return this.#backFrom(goal, start);
          else arrived = true;
        }
      }
      if (arrived) return this.#backFrom(goal, start);
      front = following;
    }
    return undefined;
  }

  #backFrom(goal: number, start: number): number[] {
    const edges: number[] = [];
    let node = goal;
    do {
      const edge = this.#arrivedBy[node] as number;
      edges.push(edge);
      node = this.#from[edge] as number;
    } while (node !== start);
    return edges.reverse();
  }

  #lengthOf(edges: readonly number[]): number {
    return edges.filter((edge) => this.#kind[edge] !== ONWARD).length;
  }
}
