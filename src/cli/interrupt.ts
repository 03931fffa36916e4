// Ctrl-C: the first asks the work to end and keeps what it has, the second ends at once.

import { EXIT } from '../harness/report/exit.ts';

export interface Interruption {
  readonly signal: AbortSignal;
  /** Puts the default behaviour back. */
  dispose(): void;
}

/** @param onFirst told at the first signal, to say what happens now. */
export function catchInterrupts(onFirst: () => void): Interruption {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    onFirst();
    controller.abort(new Error(`interrupted by ${name}`));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
