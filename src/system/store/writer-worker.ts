// The thread that owns the writing connection. One message per batch: encoded entries in, encoded outcomes out.

import { parentPort, workerData } from 'node:worker_threads';
import { known } from '../../runtime/assert.ts';
import { ByteReader } from './bytes.ts';
import { encodeOutcomes } from './outcome.ts';
import { StateMachine } from './state-machine.ts';
import type { AppliedEntry } from './state-machine.ts';

export type WriterRequest =
  { readonly type: 'apply'; readonly batch: Uint8Array } | { readonly type: 'digest' } | { readonly type: 'close' };

/** Answers come in the order of the requests. */
export type WriterAnswer =
  | { readonly type: 'ready'; readonly appliedIndex: number }
  | { readonly type: 'applied'; readonly appliedIndex: number; readonly outcomes: Uint8Array }
  | { readonly type: 'digest'; readonly digest: string }
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly message: string };

const port = known(parentPort, 'writer-worker.ts runs in a worker thread');

function serve(machine: StateMachine, request: WriterRequest): WriterAnswer {
  switch (request.type) {
    case 'apply': {
      const outcomes = encodeOutcomes(machine.apply(readBatch(request.batch)));
      return { type: 'applied', appliedIndex: machine.appliedIndex, outcomes };
    }
    case 'digest':
      return { type: 'digest', digest: machine.digest() };
    case 'close':
      machine.close();
      port.close();
      return { type: 'closed' };
  }
}

function readBatch(bytes: Uint8Array): AppliedEntry[] {
  const reader = new ByteReader(bytes);
  const entries = Array.from({ length: reader.count() }, () => ({ index: reader.varint(), data: reader.blob() }));
  reader.end();
  return entries;
}

function post(answer: WriterAnswer): void {
  port.postMessage(answer, answer.type === 'applied' ? [answer.outcomes.buffer as ArrayBuffer] : []);
}

function attempt(work: () => WriterAnswer): void {
  try {
    post(work());
  } catch (error) {
    post({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

attempt(() => {
  const machine = new StateMachine(workerData as { path: string; forgetsWrites: boolean });
  port.on('message', (request: WriterRequest) => attempt(() => serve(machine, request)));
  return { type: 'ready', appliedIndex: machine.appliedIndex };
});
