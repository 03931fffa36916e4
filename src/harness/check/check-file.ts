// Checks a recorded history, of any format that can be told from its content.

import type { Clock } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { HistoryModel } from '../history/event.ts';
import { HISTORY_MODELS } from '../history/event.ts';
import type { HistoryFormat, OpenedHistory } from '../history/open.ts';
import { openHistory } from '../history/open.ts';
import type { AcknowledgedWritesResult } from './acknowledged-writes.ts';
import { checkAcknowledgedWrites } from './acknowledged-writes.ts';
import { kvModel } from './kv.ts';
import type { LinearizabilityProgress, LinearizabilityResult } from './linearizability.ts';
import { checkLinearizability } from './linearizability.ts';
import type { Operation } from './operation.ts';
import { pairOperations } from './operation.ts';
import { registerModel } from './register.ts';
import { explain, explainAcknowledgedWrites } from './render.ts';

export interface CheckFileOptions {
  /** What the operations worked on. Default: what the history says or its functions tell. */
  readonly model?: HistoryModel;
  /** What a register holds before the first write. Default: what is customary for the format. */
  readonly initial?: unknown;
  /** Milliseconds, > 0, for reading and checking. Default: no limit. */
  readonly timeLimitMs?: number;
  readonly onProgress?: (progress: LinearizabilityProgress) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

export interface CheckedFile {
  readonly path: string;
  readonly format: HistoryFormat;
  readonly model: HistoryModel;
  readonly operations: number;
  readonly verdict: 'valid' | 'violated' | 'unknown';
  readonly result: LinearizabilityResult | AcknowledgedWritesResult;
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
  const history = await openHistory(path);
  const operations = await pairOperations(history.events);
  options.signal?.throwIfAborted();
  const model = options.model ?? history.model;
  const base = { path, format: history.format, model, operations: operations.length };
  if (model === 'set') {
    const result = checkAcknowledgedWrites(operations);
    return { ...base, verdict: result.verdict, result, summary: explainAcknowledgedWrites(result) };
  }
  const { timeLimitMs } = options;
  // However long the reading took, a little is left, so that the answer comes from the checker and says what is missing.
  const left = timeLimitMs === undefined ? {} : { timeLimitMs: Math.max(1, timeLimitMs - (clock.now() - begin)) };
  const result = await checkLinearizability(oneKey(model, operations), {
    model: model === 'kv' ? kvModel() : registerOf(history, options),
    clock,
    ...left,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
  return { ...base, verdict: result.verdict, result, summary: explain(result) };
}

function registerOf(history: OpenedHistory, options: CheckFileOptions) {
  return registerModel({
    initial: 'initial' in options ? options.initial : history.initial,
    nilReadIsUnknown: history.nilReadIsUnknown,
  });
}

/** A single register is one object, whatever keys were recorded. */
function oneKey(model: HistoryModel, operations: readonly Operation[]): readonly Operation[] {
  return model === 'register' ? operations.map((operation) => ({ ...operation, key: undefined })) : operations;
}
