// Lets the event loop turn in the middle of long work, so that progress is shown and Ctrl-C is heard.

import { setImmediate } from 'node:timers';

/** Throws the signal's reason when it was aborted meanwhile. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  signal?.throwIfAborted();
}
