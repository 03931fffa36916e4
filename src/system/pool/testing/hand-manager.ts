// A pool in virtual time, whose resources a test makes, checks and destroys by hand.

import { Random } from '../../../runtime/random.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import type { Manager } from '../manager.ts';
import type { PoolOptions } from '../pool-options.ts';
import type { PoolEvent } from '../pool-statistics.ts';
import { Pool } from '../pool.ts';

export interface Thing {
  readonly id: number;
}

/** A manager whose every answer the test gives by hand or by default at once. */
export class HandManager implements Manager<Thing> {
  readonly made: Thing[] = [];
  readonly destroyed: number[] = [];
  readonly pending: { resolve: () => void; reject: (error: unknown) => void; signal: AbortSignal }[] = [];
  byHand = false;
  recycled = 0;
  onRecycle: (thing: Thing) => Promise<void> | void = () => {};
  onDestroy: (thing: Thing) => Promise<void> | void = () => {};

  create(signal: AbortSignal): Promise<Thing> {
    const thing = { id: this.made.length + this.pending.length };
    if (!this.byHand) {
      this.made.push(thing);
      return Promise.resolve(thing);
    }
    return new Promise((resolve, reject) => {
      this.pending.push({
        resolve: () => {
          this.made.push(thing);
          resolve(thing);
        },
        reject,
        signal,
      });
    });
  }

  recycle(thing: Thing): Promise<void> | void {
    this.recycled++;
    return this.onRecycle(thing);
  }

  destroy(thing: Thing): Promise<void> | void {
    this.destroyed.push(thing.id);
    return this.onDestroy(thing);
  }
}

export function setUp(options: PoolOptions = {}) {
  const clock = new VirtualClock();
  const manager = new HandManager();
  const events: PoolEvent[] = [];
  const pool = new Pool<Thing>(manager, { clock, random: new Random(1), onEvent: (event) => events.push(event), ...options });
  return { clock, manager, events, pool };
}

/** What became of a promise, without waiting for it. */
export function watch<T>(promise: Promise<T>): { value?: T; error?: unknown; state: 'pending' | 'done' | 'failed' } {
  const seen: { value?: T; error?: unknown; state: 'pending' | 'done' | 'failed' } = { state: 'pending' };
  promise.then(
    (value) => Object.assign(seen, { value, state: 'done' }),
    (error: unknown) => Object.assign(seen, { error, state: 'failed' }),
  );
  return seen;
}
