// Ask several nodes at once, and say which of them answered.

import { assert } from '../../runtime/assert.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import { NodeCancelledError, NodeTimeoutError } from './errors.ts';
import type { CancelReason } from './errors.ts';
import { partialResultOf } from './partial-result.ts';
import type { NodeEnd, PartialResult } from './partial-result.ts';

export interface FanOutOptions {
  /** How many nodes must answer, 1 to the number of nodes; see `quorumOf`. */
  readonly quorum: number;
  /** How long to wait for the nodes, in milliseconds (> 0, at most 2^31 - 1). */
  readonly timeoutMs: number;
  /**
   * True: end as soon as a quorum has answered or can no longer be reached, and cancel the rest. False, the default: wait until every node has
   * answered or failed, at most `timeoutMs`, so that the result is complete whenever it can be.
   */
  readonly returnEarly?: boolean;
  /** Aborting ends the wait at once; the nodes that have not answered count as cancelled. */
  readonly signal?: AbortSignal;
  /** Default `systemClock`. */
  readonly clock?: Clock;
}

/** A call to one node. Its signal aborts, with that node's error as the reason, when the node is no longer waited for. */
export type NodeCall<T, Node extends string> = (node: Node, signal: AbortSignal) => Promise<T>;

/** Beyond this Node's timers fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Calls all nodes concurrently. A node fails with what its call throws or rejects with, with NodeTimeoutError (maybe happened) when it has not
 * answered in time, or with NodeCancelledError; its result after that is dropped.
 *
 * Resolves however the nodes fare: failures are in the result. Rejects, before any call, with AssertionError that names the offending
 * value when there are no nodes, a node appears twice, or an option is out of range.
 */
export async function fanOut<T, Node extends string>(
  nodes: readonly Node[],
  call: NodeCall<T, Node>,
  options: FanOutOptions,
): Promise<PartialResult<T, Node>> {
  check(nodes, options);
  return new Gathering<T, Node>(nodes, options).gather(call);
}

function check(nodes: readonly string[], { quorum, timeoutMs }: FanOutOptions): void {
  assert(nodes.length > 0, 'there is no node to call');
  const twice = nodes.find((node, at) => nodes.indexOf(node) !== at);
  assert(twice === undefined, `node ${twice} is given twice`);
  assert(
    Number.isInteger(quorum) && quorum >= 1 && quorum <= nodes.length,
    `quorum is 1 to the number of nodes (${nodes.length}), not ${quorum}`,
  );
  assert(
    timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS,
    `timeoutMs is above 0 and at most ${LONGEST_TIMER_MS}, not ${timeoutMs}`,
  );
}

/**
 * One fan-out under way.
 *
 * Invariants:
 * 1. A node's end is recorded once, and none after the fan-out is over.
 * 2. Once it is over it holds no timer and no listener, and every called node without an answer of its own has been aborted.
 */
class Gathering<T, Node extends string> {
  readonly #nodes: readonly Node[];
  readonly #options: FanOutOptions;
  readonly #ends = new Map<Node, NodeEnd<T>>();
  readonly #controllers = new Map<Node, AbortController>();
  readonly #done = Promise.withResolvers<PartialResult<T, Node>>();
  readonly #onAbort = () => this.#cancelRest('aborted', this.#options.signal?.reason);
  #cancelTimer: Cancel | undefined;
  #answered = 0;
  #over = false;

  constructor(nodes: readonly Node[], options: FanOutOptions) {
    // A copy: the caller's list may change while the nodes are thinking.
    this.#nodes = [...nodes];
    this.#options = options;
  }

  gather(call: NodeCall<T, Node>): Promise<PartialResult<T, Node>> {
    const { signal, timeoutMs, clock = systemClock } = this.#options;
    if (signal?.aborted === true) this.#onAbort();
    else {
      signal?.addEventListener('abort', this.#onAbort, { once: true });
      this.#cancelTimer = clock.schedule(timeoutMs, () => this.#giveUpRest((node) => new NodeTimeoutError(node, timeoutMs)));
      for (const node of this.#nodes) this.#begin(node, call);
    }
    return this.#done.promise;
  }

  #begin(node: Node, call: NodeCall<T, Node>): void {
    // A call can end it all: by aborting the caller's signal, or by throwing at once.
    if (this.#over) return;
    const controller = new AbortController();
    this.#controllers.set(node, controller);
    try {
      call(node, controller.signal).then(
        (value) => this.#record(node, { answered: true, value }),
        (error: unknown) => this.#record(node, { answered: false, error }),
      );
    } catch (error) {
      this.#record(node, { answered: false, error });
    }
  }

  #record(node: Node, end: NodeEnd<T>): void {
    if (this.#over) return;
    this.#ends.set(node, end);
    if (end.answered) this.#answered++;
    if (this.#ends.size === this.#nodes.length) this.#finish();
    else if (this.#options.returnEarly === true) this.#maybeReturnEarly();
  }

  #maybeReturnEarly(): void {
    const { quorum } = this.#options;
    const failed = this.#ends.size - this.#answered;
    if (this.#answered >= quorum) this.#cancelRest('quorum-reached');
    else if (this.#nodes.length - failed < quorum) this.#cancelRest('quorum-impossible');
  }

  #cancelRest(reason: CancelReason, cause?: unknown): void {
    this.#giveUpRest((node) => new NodeCancelledError(node, reason, this.#controllers.has(node), cause));
  }

  #giveUpRest(errorOf: (node: Node) => Error): void {
    const rest = this.#nodes.filter((node) => !this.#ends.has(node));
    const errors = rest.map(errorOf);
    for (const [at, node] of rest.entries()) this.#ends.set(node, { answered: false, error: errors[at] });
    this.#finish();
    // Last, because what listens to these signals may do anything.
    for (const [at, node] of rest.entries()) this.#controllers.get(node)?.abort(errors[at]);
  }

  #finish(): void {
    this.#over = true;
    this.#cancelTimer?.();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#done.resolve(partialResultOf(this.#nodes, this.#ends, this.#options.quorum));
  }
}
