// OTLP as protobuf: bytes to the same plain objects that OTLP's JSON has, and the answers back.

import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { OtlpError } from './otlp-error.ts';

type MessageName = 'ExportTraceServiceRequest' | 'ExportTraceServiceResponse' | 'Problem';
type Message = MessageTypeDefinition<object, object>;

let messages: Record<MessageName, Message> | undefined;

/** Read at the first use: most commands never receive a trace. */
function message(name: MessageName): Message {
  messages ??= load();
  return messages[name];
}

function load(): Record<MessageName, Message> {
  const definitions = loadSync(fileURLToPath(new URL('./otlp.proto', import.meta.url)), { longs: String });
  const of = (name: MessageName) => definitions[`windtunnel.otlp.${name}`] as unknown as Message;
  return {
    ExportTraceServiceRequest: of('ExportTraceServiceRequest'),
    ExportTraceServiceResponse: of('ExportTraceServiceResponse'),
    Problem: of('Problem'),
  };
}

/** An ExportTraceServiceRequest: ids as bytes, 64-bit numbers as text. Throws OtlpError. */
export function decodeProtobuf(bytes: Buffer): object {
  try {
    return message('ExportTraceServiceRequest').deserialize(bytes);
  } catch (error) {
    // Truncated, not protobuf at all, or nested deeper than the stack: all of them are the sender's.
    throw new OtlpError(`not an ExportTraceServiceRequest in protobuf (${bytes.length} bytes): ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The answer to a request that was read. */
export function encodeResponse(response: object): Buffer {
  return message('ExportTraceServiceResponse').serialize(response);
}

/** The answer to one that was not: google.rpc.Status. */
export function encodeProblem(problem: { readonly code: number; readonly message: string }): Buffer {
  return message('Problem').serialize(problem);
}
