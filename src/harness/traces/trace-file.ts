// The kept traces as a file: OTLP as JSON, a line for each trace with the batches it links to. That is what OpenTelemetry's
// file exporter writes and its collector reads.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { writeWhole } from '../result/whole-file.ts';
import { type AssembledTrace, assemble } from './assembly.ts';
import { OtlpError } from './otlp-error.ts';
import { decodeJson, encodeJson } from './otlp-json.ts';
import { spansOf } from './otlp-spans.ts';
import type { ReceivedSpan } from './received-span.ts';

export const TRACES_FILE = 'traces.jsonl';

/** A longer line is none of ours. */
const MOST_LINE = 32 * 2 ** 20;

/** Writes the traces to `path`, whole or not at all. A batch that several of them link to is written once, with the first. */
export async function writeTraces(path: string, traces: readonly AssembledTrace[]): Promise<void> {
  const written = new Set<string>();
  await writeWhole(path, async (file) => {
    for (const { traceId, spans, linked } of traces) {
      const parts = [[traceId, spans] as const, ...linked].filter(([id]) => !written.has(id));
      for (const [id] of parts) written.add(id);
      const all = parts.flatMap(([, own]) => own);
      if (all.length > 0) await file.write(`${encodeJson(all)}\n`);
    }
  });
}

/** The spans of a file by trace. Throws OtlpError that names the line; rejects with what the file system says when there is no file. */
export async function readTraces(path: string): Promise<Map<string, ReceivedSpan[]>> {
  const traces = new Map<string, ReceivedSpan[]>();
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    number++;
    if (line.trim() === '') continue;
    for (const span of spansOfLine(line, `${path}:${number}`)) {
      const own = traces.get(span.traceId);
      if (own === undefined) traces.set(span.traceId, [span]);
      else own.push(span);
    }
  }
  return traces;
}

function spansOfLine(line: string, place: string): ReceivedSpan[] {
  try {
    if (line.length > MOST_LINE) throw new OtlpError(`a line of ${line.length} characters is none of ours`);
    return spansOf(decodeJson(line));
  } catch (error) {
    throw new OtlpError(`${place}: ${(error as Error).message}`, { cause: error });
  }
}

/** The traces of a file, of these ids, as far as they are in it. */
export function assembleAll(traces: ReadonlyMap<string, readonly ReceivedSpan[]>, traceIds: readonly string[]): AssembledTrace[] {
  return traceIds.filter((id) => traces.has(id)).map((id) => assemble(id, (other) => traces.get(other) ?? []));
}
