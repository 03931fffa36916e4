// The proxy's end of the control connection.

import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { unreachable } from '../../runtime/assert.ts';
import type { LinkTable } from './link-table.ts';
import type { LinkRequest, LinkResponse } from './protocol.ts';

/** Carries out commands until the input ends; resolves then. A command that fails is answered with its error. */
export async function serveLinks(table: LinkTable, input: Readable, output: Writable): Promise<void> {
  // Who asked may be gone before the answer comes; the end of the input says so too.
  output.on('error', () => {});
  for await (const line of createInterface({ input })) void answer(table, line, output);
}

async function answer(table: LinkTable, line: string, output: Writable): Promise<void> {
  let response: LinkResponse;
  let id = -1;
  try {
    const request = JSON.parse(line) as LinkRequest;
    id = request.id;
    response = { id, answer: await carryOut(table, request) };
  } catch (error) {
    response = { id, error: error instanceof Error ? error.message : String(error) };
  }
  output.write(`${JSON.stringify(response)}\n`);
}

function carryOut(table: LinkTable, request: LinkRequest): unknown {
  switch (request.command) {
    case 'open':
      return table.open(request.links);
    case 'apply':
      table.apply(request.name, request.rules);
      return null;
    case 'lift':
      table.lift(request.name);
      return null;
    case 'reset':
      return table.reset(request.directions);
    case 'counters':
      return table.counters();
    case 'probe':
      return table.probe(request.direction, request.messages, request.timeoutMs);
    default:
      return unreachable(request);
  }
}
