// The metrics of every scenario of a run, as one file.

import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ResultError } from '../result/error.ts';
import type { Run } from '../result/schema.ts';
import { type LabelledRecord, openMetricsOf } from './openmetrics.ts';
import { readMetricsRecord } from './record.ts';

export const OPENMETRICS_FILE = 'openmetrics.txt';

/** Lines are written in pieces of about so many characters. */
const PIECE = 1 << 16;

/**
 * Writes what was recorded of a run, with the labels scenario, run and commit on every series, and returns the path. The file appears
 * complete or not at all.
 * @param folder of run.json.
 * @throws ResultError 'missing' when no metrics were recorded or kept; MetricsRecordError
 */
export async function writeOpenMetrics(run: Run, folder: string, path = join(folder, OPENMETRICS_FILE)): Promise<string> {
  const commit = run.environment.git?.commit;
  const records: LabelledRecord[] = [];
  for (const { name, metricsFile } of run.scenarios) {
    if (metricsFile === undefined) continue;
    const labels = { scenario: name, run: run.id, ...(commit !== undefined && { commit }) };
    const file = join(folder, metricsFile);
    if (!existsSync(file))
      throw new ResultError('missing', `${file} is not there: the metrics of this run were not kept with it`);
    records.push({ record: await readMetricsRecord(file), labels });
  }
  if (records.length === 0) throw new ResultError('missing', `no metrics were recorded in ${folder}: run its scenarios again`);
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    await pipeline(Readable.from(inPieces(openMetricsOf(records))), createWriteStream(temporary));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return path;
}

function* inPieces(lines: Iterable<string>): Generator<string> {
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
