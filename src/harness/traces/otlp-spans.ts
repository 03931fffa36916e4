// From OTLP's objects, whichever encoding they came in, to spans; whatever does not fit is named by its place. Protobuf and
// JSON differ in little: ids are bytes or hexadecimal text, 64-bit numbers text or numbers.

import type { AttributeValue, Span, SpanContext, SpanEvent } from '../../telemetry/span.ts';
import { OtlpError } from './otlp-error.ts';
import type { ReceivedSpan } from './received-span.ts';

/** What OTLP's numbers 0 to 5 mean. */
const KINDS: readonly Span['kind'][] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUS_ERROR = 2;

/** A text is there to be read; the rest of a longer one is cut off. */
const MOST_CHARACTERS = 1_024;
/** Lists within lists: deeper ones are shown as '…'. */
const MOST_DEPTH = 4;

/**
 * The spans of an ExportTraceServiceRequest (or of TracesData, which has the same shape).
 * Throws OtlpError that names the first part that is wrong, such as 'resourceSpans[0].scopeSpans[0].spans[3].traceId'.
 */
export function spansOf(request: unknown): ReceivedSpan[] {
  const spans: ReceivedSpan[] = [];
  for (const [resourceSpans, at] of itemsOf(objectOf(request, 'the request'), 'resourceSpans', '')) {
    const resource = attributesOf(objectOf(resourceSpans['resource'] ?? {}, `${at}.resource`), `${at}.resource`);
    const service = String(resource['service.name'] ?? 'unknown_service');
    const instance = String(resource['service.instance.id'] ?? '');
    for (const [scopeSpans, below] of itemsOf(resourceSpans, 'scopeSpans', `${at}.`)) {
      for (const [span, place] of itemsOf(scopeSpans, 'spans', `${below}.`))
        spans.push({ ...spanOf(span, place), service, instance });
    }
  }
  return spans;
}

type Fields = Readonly<Record<string, unknown>>;

function spanOf(fields: Fields, at: string): Span {
  const startMs = timeOf(fields['startTimeUnixNano'], `${at}.startTimeUnixNano`);
  const parent = fields['parentSpanId'];
  const links = itemsOf(fields, 'links', `${at}.`).map(([link, place]) => contextOf(link, place));
  const events = itemsOf(fields, 'events', `${at}.`).map(([event, place]) => eventOf(event, place));
  const error = errorOf(fields, at);
  return {
    ...contextOf(fields, at),
    name: textOf(fields['name'] ?? '', `${at}.name`),
    kind: kindOf(fields['kind'] ?? 0, `${at}.kind`),
    ...(!isEmptyId(parent) && { parentSpanId: idOf(parent, 8, `${at}.parentSpanId`) }),
    startMs,
    // Clocks can be set back while a span is open.
    endMs: Math.max(startMs, timeOf(fields['endTimeUnixNano'], `${at}.endTimeUnixNano`)),
    attributes: attributesOf(fields, at),
    ...(links.length > 0 && { links }),
    ...(events.length > 0 && { events }),
    ...(error !== undefined && { error }),
  };
}

function contextOf(fields: Fields, at: string): SpanContext {
  return { traceId: idOf(fields['traceId'], 16, `${at}.traceId`), spanId: idOf(fields['spanId'], 8, `${at}.spanId`) };
}

function eventOf(fields: Fields, at: string): SpanEvent {
  return {
    name: textOf(fields['name'] ?? '', `${at}.name`),
    timeMs: timeOf(fields['timeUnixNano'], `${at}.timeUnixNano`),
    attributes: attributesOf(fields, at),
  };
}

function errorOf(fields: Fields, at: string): string | undefined {
  const status = objectOf(fields['status'] ?? {}, `${at}.status`);
  if (status['code'] !== STATUS_ERROR) return undefined;
  return textOf(status['message'] ?? '', `${at}.status.message`) || 'error';
}

function kindOf(value: unknown, at: string): Span['kind'] {
  const kind = typeof value === 'number' ? KINDS[value] : undefined;
  if (kind === undefined) throw new OtlpError(`${at} must be a number from 0 to ${KINDS.length - 1}, not ${shown(value)}`);
  return kind;
}

/** Protobuf leaves an absent id out, JSON often writes an empty text. */
function isEmptyId(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Buffer.isBuffer(value) && value.length === 0);
}

function idOf(value: unknown, bytes: 8 | 16, at: string): string {
  const id = Buffer.isBuffer(value) ? value.toString('hex') : value;
  // Senders of JSON may write capitals.
  if (typeof id === 'string' && id.length === bytes * 2 && /^[0-9a-f]+$/i.test(id) && !/^0+$/.test(id)) return id.toLowerCase();
  throw new OtlpError(`${at} must be ${bytes} bytes (${bytes * 2} hexadecimal digits) and not all zero, not ${shown(id)}`);
}

/** Milliseconds, of nanoseconds since the epoch, which have more digits than a number can hold. */
function timeOf(value: unknown, at: string): number {
  const text = typeof value === 'number' && Number.isSafeInteger(value / 1_024) ? BigInt(value).toString() : value;
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text))
    throw new OtlpError(`${at} must be nanoseconds since 1970 as digits, not ${shown(value)}`);
  return Number(text.slice(0, -6)) + Number(text.slice(-6)) / 1e6;
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== 'string') throw new OtlpError(`${at} must be text, not ${shown(value)}`);
  return cut(value);
}

function attributesOf(fields: Fields, at: string): Record<string, AttributeValue> {
  const entries = itemsOf(fields, 'attributes', `${at}.`).map(([attribute, place]): [string, AttributeValue] => [
    textOf(attribute['key'] ?? '', `${place}.key`),
    valueOf(objectOf(attribute['value'] ?? {}, `${place}.value`), `${place}.value`),
  ]);
  return Object.fromEntries(entries);
}

function valueOf(any: Fields, at: string): AttributeValue {
  const plain = plainOf(any, at, MOST_DEPTH);
  return typeof plain === 'object' ? cut(JSON.stringify(plain)) : plain;
}

/** Lists and maps too, for whoever sends them: they are shown as JSON. */
function plainOf(any: Fields, at: string, depth: number): AttributeValue | object {
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = any;
  if (stringValue !== undefined) return textOf(stringValue, `${at}.stringValue`);
  if (boolValue !== undefined) return boolValue === true;
  if (intValue !== undefined) return numberOf(intValue, `${at}.intValue`);
  if (doubleValue !== undefined) return numberOf(doubleValue, `${at}.doubleValue`);
  if (bytesValue !== undefined)
    return cut(Buffer.isBuffer(bytesValue) ? bytesValue.toString('base64') : textOf(bytesValue, `${at}.bytesValue`));
  if (depth === 0) return '…';
  if (arrayValue !== undefined)
    return itemsOf(objectOf(arrayValue, `${at}.arrayValue`), 'values', `${at}.`).map(([item, place]) =>
      plainOf(item, place, depth - 1),
    );
  if (kvlistValue === undefined) return '';
  const entries = itemsOf(objectOf(kvlistValue, `${at}.kvlistValue`), 'values', `${at}.`);
  return Object.fromEntries(
    entries.map(([entry, place]) => [
      textOf(entry['key'] ?? '', `${place}.key`),
      plainOf(objectOf(entry['value'] ?? {}, place), place, depth - 1),
    ]),
  );
}

/** A number, or as text what JSON has no number for: NaN and the infinities. */
function numberOf(value: unknown, at: string): AttributeValue {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  if (Number.isNaN(number) && value !== 'NaN' && typeof value === 'string')
    throw new OtlpError(`${at} must be a number, not ${shown(value)}`);
  if (typeof number === 'number') return String(number);
  throw new OtlpError(`${at} must be a number, not ${shown(value)}`);
}

function objectOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new OtlpError(`${at} must be an object, not ${shown(value)}`);
  return value as Fields;
}

/** The objects of a list, each with its place. */
function itemsOf(fields: Fields, name: string, before: string): [Fields, string][] {
  const list = fields[name] ?? [];
  if (!Array.isArray(list)) throw new OtlpError(`${before}${name} must be a list, not ${shown(list)}`);
  return list.map((item: unknown, at) => [objectOf(item, `${before}${name}[${at}]`), `${before}${name}[${at}]`]);
}

function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
