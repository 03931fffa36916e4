// Why an acquire can fail. In every case nothing was handed out, so the operation that wanted the resource did not begin.

/** Too many callers wait already. Thrown at once, so that a queue that only grows is noticed early. */
export class PoolExhaustedError extends Error {
  override readonly name = 'PoolExhaustedError';
  readonly code = 'POOL_EXHAUSTED';
  /** The bound that was hit. */
  readonly reason = 'waiters';
}

/** No resource became free in time. */
export class PoolTimeoutError extends Error {
  override readonly name = 'PoolTimeoutError';
  readonly code = 'POOL_TIMEOUT';
}

/** The pool is closing or closed. */
export class PoolClosedError extends Error {
  override readonly name = 'PoolClosedError';
  readonly code = 'POOL_CLOSED';
}

/** The resource that was being made for this caller could not be made; `cause` says why. */
export class PoolCreateError extends Error {
  override readonly name = 'PoolCreateError';
  readonly code = 'POOL_CREATE_FAILED';
}

/** `create` or `recycle` took longer than it may. Found as the `cause` of a PoolCreateError, or as the reason of an event. */
export class ManagerTimeoutError extends Error {
  override readonly name = 'ManagerTimeoutError';
  readonly code = 'POOL_MANAGER_TIMEOUT';
}
