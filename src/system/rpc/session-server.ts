// The server's end of a session: takes frames of requests, runs them concurrently, and answers in frames, each with every
// answer that became ready in the same turn of the event loop.

import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { RequestFrame, ResponseFrame, WireQueryRequest } from './contract.ts';
import { RpcError, toRpcError } from './errors.ts';
import type { QueryBackend } from './backend.ts';
import { readQuery, writeAnswer, writeError } from './wire.ts';

/** More than this many requests under way on one session are refused: memory stays bounded whatever a client sends. */
const MOST_IN_FLIGHT = 8_192;

type Response = NonNullable<ResponseFrame['responses']>[number];

export function serveSession(call: ServerDuplexStream<RequestFrame, ResponseFrame>, backend: QueryBackend): void {
  const called = call.getHost();
  const inFlight = new Map<string, AbortController>();
  let ready: Response[] = [];
  let flushScheduled = false;
  let ended = false;
  let paused = false;

  const respond = (response: Response) => {
    if (ended) return;
    ready.push(response);
    if (flushScheduled) return;
    flushScheduled = true;
    setImmediate(flush);
  };

  const flush = () => {
    flushScheduled = false;
    if (ended || ready.length === 0) return;
    const accepted = call.write({ responses: ready });
    ready = [];
    if (!accepted && !paused) {
      // The client reads more slowly than it asks: take nothing more until it has caught up.
      paused = true;
      call.pause();
      call.once('drain', () => {
        paused = false;
        call.resume();
      });
    }
  };

  const run = (id: string, wire: WireQueryRequest) => {
    if (inFlight.size >= MOST_IN_FLIGHT) {
      respond({ id, error: writeError(new RpcError('overloaded', `${MOST_IN_FLIGHT} requests are under way on this session`)) });
      return;
    }
    if (inFlight.has(id)) {
      respond({
        id,
        error: writeError(new RpcError('invalid-request', `request id ${id} is already under way`, { maybeApplied: true })),
      });
      return;
    }
    const controller = new AbortController();
    inFlight.set(id, controller);
    execute(wire, controller.signal).then(
      (response) => finish(id, { id, response }),
      (error: unknown) => finish(id, { id, error: writeError(toRpcError(error)) }),
    );
  };

  const execute = async (wire: WireQueryRequest, signal: AbortSignal) =>
    writeAnswer(await backend.execute(readQuery(wire), { signal, context: wire.context ?? {}, called }));

  const finish = (id: string, response: Response) => {
    inFlight.delete(id);
    respond(response);
  };

  const abandon = () => {
    if (ended) return;
    ended = true;
    for (const controller of inFlight.values()) controller.abort(new RpcError('cancelled', 'the session ended'));
    inFlight.clear();
    call.end();
  };

  call.on('data', (frame: RequestFrame) => {
    for (const id of frame.cancelled ?? []) inFlight.get(String(id))?.abort(new RpcError('cancelled', 'the caller cancelled'));
    for (const { id, request } of frame.requests ?? []) run(String(id ?? 0), request ?? {});
  });
  call.on('end', abandon);
  call.on('cancelled', abandon);
  call.on('error', abandon);
}
