// The flags that say what becomes of traces.

import {
  parseTraceDestination,
  type TraceDestination,
  TraceDestinationError,
  traceDestinationOf,
} from '../telemetry/trace-destination.ts';
import type { TraceOptions } from '../harness/run-traces.ts';
import { type Invocation, type OptionSpec, text, UsageError } from './command.ts';

const DEFAULT_SAMPLE = 0.01;

export const TRACE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  traces: {
    type: 'string',
    placeholder: 'WHERE',
    description: "where sampled traces go: 'otlp=URL', 'jaeger=URL', 'jaeger=udp://HOST:PORT', 'file=PATH'; 'off' traces nothing",
    defaultText: 'OTEL_TRACES_EXPORTER; those of the slowest requests are kept in the result anyway',
  },
  sample: {
    type: 'string',
    placeholder: 'SHARE',
    description: 'which share of the requests is sampled for --traces, above 0 to 1',
    defaultText: String(DEFAULT_SAMPLE),
  },
};

/** Undefined: nothing is traced. @throws UsageError */
export function tracesOf(invocation: Invocation, environment: NodeJS.ProcessEnv): TraceOptions | undefined {
  const destination = destinationOf(text(invocation, 'traces'), environment);
  const sample = text(invocation, 'sample');
  const share = sample === undefined ? DEFAULT_SAMPLE : Number(sample);
  if (!(share > 0 && share <= 1) || sample?.trim() === '')
    throw new UsageError(`--sample takes a number above 0, to 1, not '${sample}'`);
  if (sample !== undefined && (destination === undefined || destination === 'off'))
    throw new UsageError('--sample goes with --traces: it says which share of the requests is sent there');
  if (destination === 'off') return undefined;
  return { destination, sample: destination === undefined ? 0 : share };
}

function destinationOf(word: string | undefined, environment: NodeJS.ProcessEnv): TraceDestination | 'off' | undefined {
  try {
    if (word === 'off') return word;
    return word === undefined ? traceDestinationOf(environment) : parseTraceDestination(word, environment);
  } catch (error) {
    if (error instanceof TraceDestinationError) throw new UsageError(error.message);
    throw error;
  }
}
