// The flag that serves the harness's own metrics.

import type { ListenAddress } from '../harness/metrics/metrics-server.ts';
import { type Invocation, type OptionSpec, text, UsageError } from './command.ts';

const LOOPBACK = '127.0.0.1';

export const METRICS_OPTION: OptionSpec = {
  type: 'string',
  placeholder: '[HOST:]PORT',
  description: `serve the harness's own metrics at http://HOST:PORT/metrics while it runs; port 0 picks a free one, and HOST is ${LOOPBACK} unless said`,
  defaultText: 'not served, only recorded',
};

/** Undefined: they are not served. @throws UsageError */
export function metricsAddressOf(invocation: Invocation): ListenAddress | undefined {
  const word = text(invocation, 'metrics-port');
  if (word === undefined) return undefined;
  const [, ipv6, name, digits] = /^(?:(?:\[([\da-f:.]+)\]|([^:\s]+)):)?(\d+)$/i.exec(word) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new UsageError(`--metrics-port takes [HOST:]PORT with a port from 0 to 65535, not '${word}'`);
  return { host: ipv6 ?? name ?? LOOPBACK, port };
}
