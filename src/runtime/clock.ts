// Time, as a value that is passed in. Nothing outside runtime/ reads a clock or sets a timer of its own: what is given a
// Clock can be tested in virtual time and replayed.

import { performance } from 'node:perf_hooks';

/** Cancels what it was returned for. Calling it again, or after the timer fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Monotonic time in milliseconds with a sub-millisecond fraction. Only differences mean something. */
  now(): number;
  /** Milliseconds since the Unix epoch, UTC, with a sub-millisecond fraction. May jump; for display and for wire timestamps only. */
  wallTime(): number;
  /** Calls `callback` once, `delayMs` (>= 0) from now. A pending timer keeps the process alive. */
  schedule(delayMs: number, callback: () => void): Cancel;
  /** Like `schedule`, but a pending timer does not keep the process alive. For housekeeping. */
  scheduleBackground(delayMs: number, callback: () => void): Cancel;
  /** Calls `callback` once, in the next turn of the event loop: pending input and output are served first, and no timer's resolution is waited for. */
  scheduleImmediate(callback: () => void): Cancel;
}

/** The machine's clock and Node's timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => performance.timeOrigin + performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  scheduleBackground(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  scheduleImmediate(callback) {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  },
};

/**
 * Milliseconds to add to what `systemClock.now()` reads in this thread, for a time that all threads of the machine share:
 * `process.hrtime` is the monotonic clock that all of them count on, and nothing promises that they count from the same
 * instant (in Node 26 those of one process do). The error is at most half the time between two reads of it, of which the
 * shortest of many counts: below a microsecond. Not by way of `wallTime()`: the wall clock may be set while a process runs.
 */
export function sharedTimeOffsetMs(): number {
  let [shortestMs, offsetMs] = [Infinity, 0];
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const beforeMs = machineTimeMs();
    const nowMs = performance.now();
    const afterMs = machineTimeMs();
    if (afterMs - beforeMs >= shortestMs) continue;
    shortestMs = afterMs - beforeMs;
    offsetMs = (beforeMs + afterMs) / 2 - nowMs;
  }
  return offsetMs;
}

function machineTimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/**
 * Resolves after `delayMs`. With a signal that is aborted (before or meanwhile) it rejects with the signal's reason and
 * leaves no timer behind.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Calls `callback` every `periodMs`, measured from the end of the previous call, without keeping the process alive. */
export function every(clock: Clock, periodMs: number, callback: () => void): Cancel {
  let cancel = clock.scheduleBackground(periodMs, fire);
  let cancelled = false;
  function fire() {
    callback();
    if (!cancelled) cancel = clock.scheduleBackground(periodMs, fire);
  }
  return () => {
    cancelled = true;
    cancel();
  };
}
