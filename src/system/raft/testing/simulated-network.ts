// A network that loses, delays, reorders and duplicates messages, and can be cut one way.

import type { Clock } from '../../../runtime/clock.ts';
import type { Random } from '../../../runtime/random.ts';
import type { Message, NodeId } from '../protocol.ts';

export class SimulatedNetwork {
  /** Probabilities. */
  loss = 0;
  duplication = 0;
  /** How often a message takes some hundred milliseconds instead of a few. */
  straggling = 0;
  duplicates = 0;
  readonly #cut = new Set<string>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #deliver: (message: Message) => void;

  constructor(clock: Clock, random: Random, deliver: (message: Message) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#deliver = deliver;
  }

  /** What is on its way already still arrives. */
  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  send(message: Message): void {
    if (this.#cut.has(`${message.from}>${message.to}`) || this.#random.chance(this.loss)) return;
    this.#schedule(message, this.#random.chance(this.straggling) ? 150 : 1.5);
    if (!this.#random.chance(this.duplication)) return;
    this.duplicates++;
    // Long enough to arrive in another term, or after a restart.
    this.#schedule(message, 400);
  }

  #schedule(message: Message, meanMs: number): void {
    this.#clock.schedule(0.2 + this.#random.exponential(meanMs), () => this.#deliver(message));
  }
}
