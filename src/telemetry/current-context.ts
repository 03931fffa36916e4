// The context of the work that is running, without passing it through every function.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { DistributedContext } from './context.ts';

const storage = new AsyncLocalStorage<DistributedContext>();

/** Runs `run` with `context` as the current one, for it and for everything asynchronous it starts. Returns what `run` returns. */
export function withContext<R>(context: DistributedContext, run: () => R): R {
  return storage.run(context, run);
}

/** The innermost context around the running code, or undefined outside of any. */
export function currentContext(): DistributedContext | undefined {
  return storage.getStore();
}
