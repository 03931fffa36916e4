// Writes what the generator does as histories, one for each kind of workload, because each is checked against its own model.

import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { MISMATCH, type HistoryHeader, type NewHistoryEvent } from '../history/event.ts';
import { HistoryWriter } from '../history/writer.ts';
import type { ValidScenario, ValidWorkload, WorkloadKind } from '../scenario/valid-scenario.ts';
import { type Answer, EXPECTED_FAILURES, type LoadEvent, type PlannedOperation } from './operation.ts';

/** Processes of the reads behind the end of the load: far above those of the generator. */
const FINAL_PROCESS = 1_000_000_000;

export class HistorySink {
  readonly #writers: ReadonlyMap<WorkloadKind, HistoryWriter>;

  private constructor(writers: ReadonlyMap<WorkloadKind, HistoryWriter>) {
    this.#writers = writers;
  }

  /**
   * Creates `history-<kind>.jsonl` in `folder` for each kind of workload that is checked. Throws HistoryWriteError.
   * @param part goes into the files' names, when this is one part of several.
   */
  static async open(folder: string, scenario: ValidScenario, seed: number, clock: Clock, part = ''): Promise<HistorySink> {
    const writers = new Map<WorkloadKind, HistoryWriter>();
    for (const { workload } of Object.values(scenario.loads)) {
      const header = headerOf(workload);
      if (header === undefined || writers.has(workload.kind)) continue;
      const path = join(folder, `history-${workload.kind}${part}.jsonl`);
      writers.set(workload.kind, await HistoryWriter.open(path, { ...header, seed }, { clock }));
    }
    return new HistorySink(writers);
  }

  get files(): readonly { readonly kind: WorkloadKind; readonly path: string }[] {
    return [...this.#writers].map(([kind, writer]) => ({ kind, path: writer.path }));
  }

  /** For the generator. */
  readonly record = (event: LoadEvent): void => {
    const { operation } = event;
    this.#writers.get(operation.kind)?.append({
      process: event.process,
      type: event.type,
      ...whatOf(operation),
      value: event.type === 'ok' ? resultOf(operation, event.value) : argumentOf(operation),
      timeNs: Math.round(event.atMs * 1e6),
      ...(event.type !== 'invoke' &&
        event.code !== undefined && { error: EXPECTED_FAILURES.has(event.code) ? MISMATCH : event.code }),
    });
  };

  /** Records a read behind the end of the load. @param invoke makes it. Resolves with what it came to. */
  async final(operation: PlannedOperation, nowMs: () => number, invoke: () => Promise<Answer>): Promise<Answer> {
    const writer = this.#writers.get(operation.kind);
    const record = (type: NewHistoryEvent['type'], value: unknown): void => {
      const timeNs = Math.round(nowMs() * 1e6);
      writer?.append({ process: FINAL_PROCESS, type, ...whatOf(operation), value, timeNs });
    };
    record('invoke', null);
    const answer = await invoke();
    // A read that did not succeed says nothing and changed nothing.
    if (answer.outcome === 'ok') record('ok', resultOf(operation, answer.value));
    else record('fail', null);
    return answer;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
  }
}

/** Undefined for a workload whose answers are not checked. */
function headerOf(workload: ValidWorkload): HistoryHeader | undefined {
  switch (workload.kind) {
    case 'registers':
      return { model: 'register-map' };
    case 'set':
      return { model: 'set' };
    case 'append':
      return { model: 'append' };
    case 'bank':
      return { model: 'bank', initial: { accounts: workload.accounts, balance: workload.initialBalance } };
    default:
      return undefined;
  }
}

function whatOf(operation: PlannedOperation): { readonly f: string; readonly key?: string } {
  return { f: operation.operation, ...('key' in operation && { key: String(operation.key) }) };
}

function argumentOf(operation: PlannedOperation): unknown {
  if (operation.operation === 'cas' && operation.kind === 'registers') return [operation.expected, operation.value];
  if (operation.kind === 'bank' && operation.operation === 'transfer') {
    const { from, to, amount } = operation;
    return { from, to, amount };
  }
  return 'value' in operation ? operation.value : null;
}

function resultOf(operation: PlannedOperation, value: unknown): unknown {
  return operation.operation === 'read' || operation.operation === 'read-all' ? (value ?? null) : argumentOf(operation);
}
