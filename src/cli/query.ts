// `windtunnel query 'SQL'`: one statement or script against a running cluster, printed as a table or as JSON.

import { EXIT } from '../harness/report/exit.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDuration } from '../runtime/duration.ts';
import { createClient } from '../system/rpc/client.ts';
import type { SqlValue } from '../system/store/bytes.ts';
import type { ResultSet } from '../system/store/outcome.ts';
import { DEFAULT_DATA_FOLDER, ENDPOINTS_FILE } from './cluster.ts';
import { type Command, flag, text, UsageError } from './command.ts';

export const query: Command = {
  name: 'query',
  summary: 'Run SQL on a cluster',
  arguments: "'SQL' [PARAMETER...]",
  options: {
    endpoints: {
      type: 'string',
      short: 'e',
      placeholder: 'LIST',
      description: 'host:port of some nodes, separated by commas',
      defaultText: 'the cluster that `cluster up` started here',
    },
    data: {
      type: 'string',
      short: 'd',
      placeholder: 'DIR',
      description: 'the data folder of `cluster up`',
      defaultText: DEFAULT_DATA_FOLDER,
    },
    json: { type: 'boolean', description: 'print JSON' },
    timeout: { type: 'string', placeholder: 'D', description: 'how long to try', defaultText: '5s' },
  },
  notes: `A parameter that reads as a number is one; anything else is text.

Examples:
  windtunnel query "create table t (k text primary key, v)"
  windtunnel query "insert into t values (?, ?)" answer 42
  windtunnel query --json "select * from t"`,
  async run(invocation) {
    const [sql, ...params] = invocation.positionals;
    if (sql === undefined) throw new UsageError("query takes SQL: windtunnel query 'select 1'");
    const timeoutMs = parseDuration(text(invocation, 'timeout') ?? '5s');
    if (timeoutMs <= 0) throw new UsageError('--timeout must be above 0');
    const listed = text(invocation, 'endpoints')?.split(',');
    const malformed = listed?.find((endpoint) => !/^.+:\d+$/.test(endpoint));
    if (malformed !== undefined) throw new UsageError(`--endpoints takes host:port,host:port,..., not '${malformed}'`);
    const endpoints = listed ?? (await runningCluster(text(invocation, 'data') ?? DEFAULT_DATA_FOLDER));
    const client = await createClient({ endpoints, timeoutMs }).connect();
    try {
      const answer = await client.execute(sql, params.map(readParameter));
      const out = flag(invocation, 'json')
        ? `${JSON.stringify(answer, jsonValue)}\n`
        : answer.results.map(renderResult).join('\n');
      process.stdout.write(out);
      return EXIT.passed;
    } finally {
      await client.disconnect();
    }
  },
};

async function runningCluster(data: string): Promise<string[]> {
  const path = join(data, ENDPOINTS_FILE);
  const file = await readFile(path, 'utf8').catch(() => undefined);
  if (file === undefined) {
    throw new UsageError(
      `no cluster is running here (${path} is missing); start one with 'windtunnel cluster up', or name one with --endpoints`,
    );
  }
  return (JSON.parse(file) as { nodes: { endpoint: string }[] }).nodes.map((node) => node.endpoint);
}

function readParameter(word: string): SqlValue {
  if (!/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(word)) return word;
  const number = Number(word);
  return Number.isInteger(number) && !Number.isSafeInteger(number) && /^[+-]?\d+$/.test(word) ? BigInt(word) : number;
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  // Buffer has a toJSON, which is applied before this function sees it.
  if (typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer') {
    return Buffer.from((value as unknown as { data: number[] }).data).toString('base64');
  }
  return value;
}

function renderResult({ columns, rows, rowsAffected }: ResultSet): string {
  if (columns.length === 0) return `${rowsAffected} ${rowsAffected === 1 ? 'row' : 'rows'} affected\n`;
  const cells = rows.map((row) => row.map(renderValue));
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((row) => (row[at] as string).length)));
  const line = (values: readonly string[], pad: (value: string, at: number) => string) => values.map(pad).join(' | ').trimEnd();
  const numeric = (at: number) =>
    rows.length > 0 && rows.every((row) => typeof row[at] === 'number' || typeof row[at] === 'bigint');
  const pad = (value: string, at: number) =>
    numeric(at) ? value.padStart(widths[at] as number) : value.padEnd(widths[at] as number);
  return [
    line(columns, pad),
    widths.map((width) => '-'.repeat(width)).join('-+-'),
    ...cells.map((row) => line(row, pad)),
    `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`,
    '',
  ].join('\n');
}

function renderValue(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  // Text from the database must not steer the terminal.
  // oxlint-disable-next-line no-control-regex
  return String(value).replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
