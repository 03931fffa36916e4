// Writes what the generator does as histories, one for each kind of workload, because each is checked against its own model.

import { join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { MISMATCH, type HistoryModel, type NewHistoryEvent } from '../history/event.ts';
import { HistoryWriter } from '../history/writer.ts';
import type { ValidScenario } from '../scenario/valid-scenario.ts';
import { CAS_MISMATCH, type LoadEvent, type PlannedOperation } from './operation.ts';

const MODELS = { registers: 'register-map', set: 'set' } as const satisfies Record<string, HistoryModel>;

export type WorkloadKind = keyof typeof MODELS;

/** Processes of the reads behind the end of the load: far above those of the generator. */
const FINAL_PROCESS = 1_000_000_000;

export class HistorySink {
  readonly #writers: ReadonlyMap<WorkloadKind, HistoryWriter>;

  private constructor(writers: ReadonlyMap<WorkloadKind, HistoryWriter>) {
    this.#writers = writers;
  }

  /** Creates `history-<kind>.jsonl` in `folder` for each kind of workload. Throws HistoryWriteError. */
  static async open(folder: string, scenario: ValidScenario, seed: number, clock: Clock): Promise<HistorySink> {
    const kinds = new Set(Object.values(scenario.loads).map((load) => load.workload.kind));
    const writers = new Map<WorkloadKind, HistoryWriter>();
    for (const kind of kinds) {
      writers.set(
        kind,
        await HistoryWriter.open(join(folder, `history-${kind}.jsonl`), { model: MODELS[kind], seed }, { clock }),
      );
    }
    return new HistorySink(writers);
  }

  get files(): readonly { readonly kind: WorkloadKind; readonly path: string }[] {
    return [...this.#writers].map(([kind, writer]) => ({ kind, path: writer.path }));
  }

  /** For the generator. */
  readonly record = (event: LoadEvent): void => {
    const { operation } = event;
    const kind: WorkloadKind = operation.operation === 'add' ? 'set' : 'registers';
    this.#writers.get(kind)?.append({
      process: event.process,
      type: event.type,
      f: operation.operation,
      ...(operation.key !== undefined && { key: String(operation.key) }),
      value: event.type === 'ok' && operation.operation === 'read' ? (event.value ?? null) : argumentOf(operation),
      timeNs: Math.round(event.atMs * 1e6),
      ...(event.type !== 'invoke' && event.code !== undefined && { error: event.code === CAS_MISMATCH ? MISMATCH : event.code }),
    });
  };

  /**
   * Records a read behind the end of the load.
   * @param read makes it; when it rejects, the history says that it failed, and so does the returned promise.
   */
  async final<T>(
    kind: WorkloadKind,
    f: 'read' | 'read-all',
    key: string | undefined,
    nowMs: () => number,
    read: () => Promise<T>,
  ): Promise<void> {
    const writer = this.#writers.get(kind);
    const event = (type: NewHistoryEvent['type'], value: unknown): void => {
      writer?.append({
        process: FINAL_PROCESS,
        type,
        f,
        ...(key !== undefined && { key }),
        value,
        timeNs: Math.round(nowMs() * 1e6),
      });
    };
    event('invoke', null);
    try {
      event('ok', await read());
    } catch (error) {
      event('fail', null);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
  }
}

function argumentOf({ operation, value, expected }: PlannedOperation): unknown {
  if (operation === 'read') return null;
  return operation === 'cas' ? [expected, value] : value;
}
