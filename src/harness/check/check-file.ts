// Checks a recorded history, of any format that can be told from its content.

import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { HistoryModel } from '../history/event.ts';
import { HISTORY_MODELS } from '../history/event.ts';
import type { HistoryFormat } from '../history/open.ts';
import { openHistory } from '../history/open.ts';
import type { AcknowledgedWritesResult } from './acknowledged-writes.ts';
import { checkAcknowledgedWrites } from './acknowledged-writes.ts';
import { checkAppendLists } from './append-lists.ts';
import { bankStartOf, checkBank } from './bank.ts';
import { kvModel } from './kv.ts';
import type { LinearizabilityOptions, LinearizabilityProgress, LinearizabilityResult } from './linearizability.ts';
import { checkLinearizability } from './linearizability.ts';
import { checkListAppend } from './list-append.ts';
import { checkMonotonicAppend, checkMonotonicReads, checkMonotonicSet } from './monotonic-reads.ts';
import { OperationList, Pairing } from './operation.ts';
import { OperationStore } from './operation-store.ts';
import { ReadLists } from './read-lists.ts';
import { registerModel } from './register.ts';
import { explain, explainAcknowledgedWrites, explainVerdict } from './render.ts';
import type { CheckerVerdict } from './verdict.ts';

export interface CheckFileOptions {
  /** What the operations worked on. Default: what the history says or its functions tell. */
  readonly model?: HistoryModel;
  /** What a register holds before the first write. Default: what is customary for the format. */
  readonly initial?: unknown;
  /** Milliseconds, > 0, for reading and checking. Default: no limit. */
  readonly timeLimitMs?: number;
  /** Called about once for each megabyte read, with the operations so far. */
  readonly onRead?: (operations: number) => void;
  readonly onProgress?: (progress: LinearizabilityProgress) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export type CheckerResult = LinearizabilityResult | AcknowledgedWritesResult | CheckerVerdict;

export interface CheckedFile {
  readonly path: string;
  readonly format: HistoryFormat;
  readonly model: HistoryModel;
  readonly operations: number;
  /** The worst of all results: violated, unknown, valid. */
  readonly verdict: 'valid' | 'violated' | 'unknown';
  /** The model's own checker first, then others that apply. */
  readonly results: readonly CheckerResult[];
  /** Lines for people, without a final newline. */
  readonly summary: string;
}

/**
 * Reads and checks the history at `path`. Throws HistoryFormatError for a file that cannot be read as a history,
 * HistoryStructureError for events that do not fit together or the model, RangeError for a bad option, Node's error when
 * there is no such file, and the signal's reason when aborted.
 */
export async function checkFile(path: string, options: CheckFileOptions = {}): Promise<CheckedFile> {
  const clock = options.clock ?? systemClock;
  if (options.model !== undefined && !HISTORY_MODELS.includes(options.model)) {
    throw new RangeError(`unknown model: ${options.model}; known are ${HISTORY_MODELS.join(', ')}`);
  }
  if (options.timeLimitMs !== undefined && !(options.timeLimitMs > 0)) {
    throw new RangeError(`timeLimitMs must be > 0, not ${options.timeLimitMs}`);
  }
  const begin = clock.now();
  options.signal?.throwIfAborted();
  const history = await openHistory(path, options.signal);
  const model = options.model ?? history.model;
  const sink = sinkFor(model);
  const pairing = new Pairing(sink);
  for await (const batch of history.batches) {
    options.signal?.throwIfAborted();
    for (const event of batch) pairing.add(event);
    options.onRead?.(pairing.operations);
  }
  const { timeLimitMs } = options;
  const results = await checkOperations(sink, {
    model,
    initial: 'initial' in options ? options.initial : history.initial,
    nilReadIsUnknown: history.nilReadIsUnknown,
    limits: {
      clock,
      // However long the reading took, a little is left, so that the answer comes from the checker and says what is missing.
      ...(timeLimitMs !== undefined && { timeLimitMs: Math.max(1, timeLimitMs - (clock.now() - begin)) }),
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
    },
  });
  return {
    path,
    format: history.format,
    model,
    operations: pairing.operations,
    verdict: worstOf(results),
    results,
    summary: results.map((result) => summaryOf(result)).join('\n'),
  };
}

interface Question {
  readonly model: HistoryModel;
  readonly initial: unknown;
  readonly nilReadIsUnknown: boolean;
  readonly limits: Omit<LinearizabilityOptions, 'model'>;
}

/** How the operations of a model are best held: by key where that is how they are checked. */
function sinkFor(model: HistoryModel): OperationStore | OperationList {
  if (model === 'register' || model === 'register-map' || model === 'kv') return new OperationStore(model === 'register');
  return new OperationList(model === 'append' ? new ReadLists().shorten : undefined);
}

async function checkOperations(held: OperationStore | OperationList, question: Question): Promise<CheckerResult[]> {
  const { model, initial, nilReadIsUnknown, limits } = question;
  if (held instanceof OperationStore) {
    const object = model === 'kv' ? kvModel() : registerModel({ initial, nilReadIsUnknown });
    return [await checkLinearizability(held, { model: object, ...limits })];
  }
  const { operations } = held;
  switch (model) {
    case 'append': {
      const linearizable = await checkAppendLists(operations, limits);
      return [linearizable, ...applicable(checkMonotonicAppend(operations), checkMonotonicReads(operations))];
    }
    case 'bank':
      return [await checkBank(operations, bankStartOf(initial), limits)];
    case 'list-append':
      return [await checkListAppend(operations, limits)];
    default:
      return [checkAcknowledgedWrites(operations), ...applicable(checkMonotonicSet(operations))];
  }
}

function applicable(...verdicts: readonly (CheckerVerdict | undefined)[]): CheckerVerdict[] {
  return verdicts.filter((verdict) => verdict !== undefined);
}

function worstOf(results: readonly CheckerResult[]): CheckedFile['verdict'] {
  const has = (verdict: CheckedFile['verdict']) => results.some((result) => result.verdict === verdict);
  return has('violated') ? 'violated' : has('unknown') ? 'unknown' : 'valid';
}

/** A result as lines for people. @param mostShown operations of a violation that are printed; by default about a screen. */
export function summaryOf(result: CheckerResult, mostShown?: number): string {
  if ('steps' in result) return explain(result, mostShown);
  return 'samples' in result ? explainAcknowledgedWrites(result) : explainVerdict(result);
}

/** What the checker counted. */
export function countsOf(result: CheckerResult): Record<string, number> {
  if (!('steps' in result)) return { ...result.counts };
  return { keys: result.partitions, ...(result.lost !== undefined && { lost: result.lost }) };
}
