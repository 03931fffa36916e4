// OTLP as JSON: what senders post, and the lines of a file of traces, which collectors and Jaeger read too.

import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { readableSpan, type Resource, resourceOf } from '../../telemetry/readable-span.ts';
import { OtlpError } from './otlp-error.ts';
import type { ReceivedSpan } from './received-span.ts';

/** The object that a JSON request or one line of a file holds. Throws OtlpError. */
export function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OtlpError(`not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** One line, without its end: TracesData with a resource for every process. Times keep a fraction of a microsecond. */
export function encodeJson(spans: readonly ReceivedSpan[]): string {
  const resources = new Map<string, Resource>();
  const readable = spans.map((span) => {
    const { service, instance } = span;
    const key = JSON.stringify([service, instance]);
    let resource = resources.get(key);
    if (resource === undefined)
      resources.set(
        key,
        (resource = resourceOf({ 'service.name': service, ...(instance !== '' && { 'service.instance.id': instance }) })),
      );
    return readableSpan(span, resource);
  });
  return Buffer.from(JsonTraceSerializer.serializeRequest(readable) ?? []).toString('utf8');
}
