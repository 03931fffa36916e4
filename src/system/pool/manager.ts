// What a pool needs to know about the resources it keeps. The words are those of Rust's deadpool.

/** Makes, checks and unmakes the resources of one pool. */
export interface Manager<T> {
  /**
   * Makes a resource. Should stop and reject when `signal` is aborted (creation timed out, or the pool closes): a create
   * that never settles keeps its place in the pool, because the pool cannot know whether the resource exists.
   */
  create(signal: AbortSignal): Promise<T>;
  /**
   * Called before a resource is used again. Throws (or rejects) when it is unusable; the pool then destroys and replaces
   * it. A manager that answers synchronously keeps `acquire` on its fast path.
   */
  recycle(resource: T): Promise<void> | void;
  /** Frees a resource. Called exactly once for every resource that `create` made. An error is counted and otherwise ignored. */
  destroy(resource: T): Promise<void> | void;
}
