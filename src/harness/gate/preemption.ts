// Whether a sample is of one's own work alone.

/** Of a sample, by somebody else: less does not show. */
const MOST_TAKEN = 0.01;

type Usage = Pick<NodeJS.ResourceUsage, 'userCPUTime' | 'systemCPUTime' | 'involuntaryContextSwitches'>;

/**
 * Whether somebody else had the core of this process in `elapsedMs`. Its switches alone do not tell that: the threads that collect its
 * garbage take the core from it several times in a sample, and that is its own work. Time that it did not use alone does not tell either: it
 * may have waited. Measured on two cores, of samples of 3 ms: of those that nobody disturbed it used all, within 0.1 ms, of those that a busy
 * neighbour disturbed 1 to 3 ms less than they took.
 */
export function wasPreempted(elapsedMs: number, before: Usage, after: Usage): boolean {
  const ownMs = (after.userCPUTime - before.userCPUTime + after.systemCPUTime - before.systemCPUTime) / 1_000;
  const switches = after.involuntaryContextSwitches - before.involuntaryContextSwitches;
  return switches > 0 && elapsedMs - ownMs > MOST_TAKEN * elapsedMs;
}
