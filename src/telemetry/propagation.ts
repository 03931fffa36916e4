// Carries a context from process to process, in gRPC metadata or HTTP headers. Writes the W3C headers traceparent, tracestate
// and baggage; reads these and `baggage-<key>`.

import { type Baggage, BaggageReader, formatBaggage } from './baggage.ts';
import { DistributedContext, type RootOptions } from './context.ts';
import { formatTraceparent, parseTraceparent, parseTracestate } from './trace-context.ts';

/** The part of @grpc/grpc-js's Metadata that is used here. */
export interface MetadataCarrier {
  get(key: string): readonly (string | Buffer)[];
  set(key: string, value: string): void;
  remove(key: string): void;
  getMap(): Readonly<Record<string, string | Buffer>>;
}

/** Node's IncomingHttpHeaders, or any plain object of headers. Names are read in any case and written in lower case. */
export type HeaderCarrier = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ExtractedContext {
  /** The caller's context, to make a `child` of; or a new root when the caller sent none that is usable. Has the caller's baggage either way. */
  readonly context: DistributedContext;
  /** Whether the trace is the caller's. */
  readonly remote: boolean;
  /** What was malformed, in one line; absent when nothing was. A caller that sends no trace is no problem. */
  readonly problem?: string;
}

const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';
const BAGGAGE = 'baggage';
const BAGGAGE_PREFIX = 'baggage-';

/** Writes the context, replacing any that is there. Returns how many members of baggage did not fit the W3C limits and stay behind. */
export function injectIntoMetadata(context: DistributedContext, metadata: MetadataCarrier): number {
  const { text, leftOut } = formatBaggage(context.baggage);
  metadata.set(TRACEPARENT, formatTraceparent(context));
  if (context.traceState !== '') metadata.set(TRACESTATE, context.traceState);
  else metadata.remove(TRACESTATE);
  if (text !== '') metadata.set(BAGGAGE, text);
  else metadata.remove(BAGGAGE);
  return leftOut;
}

/** As `injectIntoMetadata`, for a plain object of headers. */
export function injectIntoHeaders(context: DistributedContext, headers: Record<string, string | string[] | undefined>): number {
  const { text, leftOut } = formatBaggage(context.baggage);
  headers[TRACEPARENT] = formatTraceparent(context);
  if (context.traceState !== '') headers[TRACESTATE] = context.traceState;
  else delete headers[TRACESTATE];
  if (text !== '') headers[BAGGAGE] = text;
  else delete headers[BAGGAGE];
  return leftOut;
}

/** Reads the caller's context. Never throws for what the carrier holds. `options` are for the root that stands in for a missing one. */
export function extractFromMetadata(metadata: MetadataCarrier, options: RootOptions = {}): ExtractedContext {
  const reader = new BaggageReader();
  for (const header of textsOf(metadata.get(BAGGAGE))) reader.readHeader(header);
  for (const [name, value] of Object.entries(metadata.getMap()))
    if (name.startsWith(BAGGAGE_PREFIX) && typeof value === 'string') reader.readSingle(name.slice(BAGGAGE_PREFIX.length), value);
  return assemble(textsOf(metadata.get(TRACEPARENT)), () => textsOf(metadata.get(TRACESTATE)), reader, options);
}

/** As `extractFromMetadata`, for HTTP headers. */
export function extractFromHeaders(headers: HeaderCarrier, options: RootOptions = {}): ExtractedContext {
  const found: Record<'traceparent' | 'tracestate' | 'baggage', string[]> = { traceparent: [], tracestate: [], baggage: [] };
  const singles: [key: string, value: string][] = [];
  for (const [anyCase, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const name = anyCase.toLowerCase();
    if (name === TRACEPARENT || name === TRACESTATE || name === BAGGAGE) found[name].push(...listOf(value));
    else if (name.startsWith(BAGGAGE_PREFIX)) singles.push([name.slice(BAGGAGE_PREFIX.length), listOf(value).join(',')]);
  }
  const reader = new BaggageReader();
  for (const header of found.baggage) reader.readHeader(header);
  for (const [key, value] of singles) reader.readSingle(key, value);
  return assemble(found.traceparent, () => found.tracestate, reader, options);
}

function assemble(
  traceparents: readonly string[],
  tracestates: () => readonly string[],
  { baggage, problem: baggageProblem }: BaggageReader,
  options: RootOptions,
): ExtractedContext {
  const [traceparent] = traceparents;
  const fresh = (...problems: (string | undefined)[]) =>
    extracted(newRoot(options, baggage), false, [...problems, baggageProblem]);
  if (traceparent === undefined) return fresh();
  if (traceparents.length > 1) return fresh(`${traceparents.length} traceparent headers, one is the most`);
  const parent = parseTraceparent(traceparent);
  // A tracestate belongs to its traceparent and goes with it (section 3.2.2 of Trace Context).
  if (!parent.ok) return fresh(parent.problem);
  const state = parseTracestate(tracestates());
  const context = new DistributedContext({ ...parent.value, traceState: state.ok ? state.value : '', baggage });
  return extracted(context, true, [state.ok ? undefined : state.problem, baggageProblem]);
}

function newRoot(options: RootOptions, baggage: Baggage): DistributedContext {
  return DistributedContext.root({ ...options, baggage: baggage.size > 0 ? baggage : (options.baggage ?? baggage) });
}

function extracted(context: DistributedContext, remote: boolean, problems: readonly (string | undefined)[]): ExtractedContext {
  const problem = problems.filter((each) => each !== undefined).join('; ');
  return problem === '' ? { context, remote } : { context, remote, problem };
}

function textsOf(values: readonly (string | Buffer)[]): string[] {
  return values.filter((value) => typeof value === 'string');
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
