// What decides when a load's virtual users begin their operations: on schedule, or when their last one has ended.

import type { Clock } from '../../runtime/clock.ts';
import type { VirtualUser, VirtualUsers } from './virtual-users.ts';

/** How many operations begin before the event loop gets a turn: answers must be read however late the schedule is. */
export const MOST_PER_TURN = 64;

/** What an executor needs of the run. All instants are milliseconds from the start of the scenario. */
export interface ExecutorContext {
  readonly clock: Clock;
  /** What `clock` read when the scenario started. */
  readonly originMs: number;
  elapsedMs(): number;
  readonly users: VirtualUsers;
  /** An operation was due. */
  scheduled(atMs: number): void;
  /** It could not start. */
  dropped(atMs: number): void;
  /** The load's time is over and no operation will begin any more; some may be under way. Called once. */
  finished(): void;
}

export interface Executor {
  /** Called at the start of the scenario; the load itself may start later. */
  start(): void;
  /** Begins nothing any more, and finishes unless it has. */
  stop(): void;
  /** A user's operation has ended. */
  freed(user: VirtualUser): void;
}
