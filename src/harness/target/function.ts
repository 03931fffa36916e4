// Operations that are functions of the user's.

import type { Random } from '../../runtime/random.ts';
import { known } from '../../runtime/assert.ts';
import { asParentOfUserSpans, belowUserSpan } from '../../telemetry/user-spans.ts';
import type { Answer, PlannedOperation } from '../load/operation.ts';
import type { FunctionContext, FunctionWorkload } from '../scenario/workloads.ts';

export interface FunctionTargetOptions {
  /** By load. */
  readonly functions: ReadonlyMap<string, FunctionWorkload['run']>;
  readonly context: Omit<FunctionContext, 'random' | 'iteration' | 'signal'>;
  readonly random: Random;
}

/** What an error may say of itself. */
type FunctionError = Error & { readonly code?: unknown; readonly maybeApplied?: unknown };

/** Resolves with what the function came to. Every operation has a stream of random numbers of its own, so that its draws do not depend on who else is under way. */
export async function invokeFunction(
  { functions, context, random }: FunctionTargetOptions,
  operation: Extract<PlannedOperation, { kind: 'function' }>,
  signal: AbortSignal,
): Promise<Answer> {
  const run = known(functions.get(operation.load), `the load ${operation.load} has no function`);
  const { iteration } = operation;
  try {
    const own = random.fork(`${operation.load}/${iteration}`);
    // Whatever spans the function makes lie between that of the operation and those of its calls.
    const execute: FunctionContext['execute'] = (...statement) => belowUserSpan(() => context.execute(...statement));
    await asParentOfUserSpans(() => run({ ...context, execute, random: own, iteration, signal }));
    return { outcome: 'ok' };
  } catch (error) {
    const { code, maybeApplied, name } = (error instanceof Error ? error : new Error(String(error))) as FunctionError;
    return { outcome: maybeApplied === false ? 'fail' : 'info', code: typeof code === 'string' ? code : name };
  }
}
