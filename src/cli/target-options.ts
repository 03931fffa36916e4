// The flags that say what is put under load, instead of what the scenario says.

import type { TargetSpec } from '../harness/scenario/scenario.ts';
import { choice, type Invocation, type OptionSpec, text, UsageError } from './command.ts';

const KINDS = ['process', 'etcd', 'external'] as const;

export const TARGET_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  target: {
    type: 'string',
    short: 't',
    placeholder: 'KIND',
    description: "what is put under load: 'process' (our nodes), 'etcd' or 'etcd=PATH', 'external'",
    defaultText: "the scenario's",
  },
  endpoint: {
    type: 'string',
    multiple: true,
    placeholder: 'HOST:PORT',
    description: 'where an external target serves gRPC; once for each server',
  },
  'http-endpoint': {
    type: 'string',
    multiple: true,
    placeholder: 'HOST:PORT',
    description: 'where an external target serves HTTP',
  },
  protocol: {
    type: 'string',
    placeholder: 'windtunnel|etcd',
    description: 'what an external target speaks',
    defaultText: 'windtunnel',
  },
};

/** Undefined: the scenario's. @throws UsageError */
export function targetOf(invocation: Invocation): TargetSpec | undefined {
  const word = text(invocation, 'target');
  const [kind, binary] = word === undefined ? [] : splitOnce(word);
  if (kind !== undefined && !KINDS.some((known) => known === kind))
    throw new UsageError(`--target takes one of ${KINDS.join(', ')}, not '${kind}'`);
  if (kind !== 'external') {
    const stray = ['endpoint', 'http-endpoint', 'protocol'].find((name) => invocation.options[name] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --target external, not ${kind ?? 'without it'}`);
  }
  if (binary !== undefined && kind !== 'etcd')
    throw new UsageError(`--target ${kind} takes no '=${binary}'; only etcd has a program`);
  switch (kind) {
    case 'process':
      return { kind };
    case 'etcd':
      return { kind, ...(binary !== undefined && { binary }) };
    case 'external':
      return {
        kind,
        endpoints: all(invocation, 'endpoint'),
        httpEndpoints: all(invocation, 'http-endpoint'),
        protocol: choice(invocation, 'protocol', ['windtunnel', 'etcd'], 'windtunnel'),
      };
    default:
      return undefined;
  }
}

function all(invocation: Invocation, name: string): readonly string[] {
  return (invocation.options[name] ?? []) as readonly string[];
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
