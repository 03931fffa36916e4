// The flags that say what is put under load, instead of what the scenario says.

import type { TargetSpec } from '../harness/scenario/scenario.ts';
import { choice, flag, type Invocation, type OptionSpec, text, UsageError } from './command.ts';

const KINDS = ['process', 'docker', 'compose', 'etcd', 'external'] as const;
/** Options that go with one kind of target. */
const BELONGS: Readonly<Record<string, readonly string[]>> = {
  external: ['endpoint', 'http-endpoint', 'protocol'],
  docker: ['image', 'cpus', 'memory', 'net-admin'],
};

export const TARGET_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  target: {
    type: 'string',
    short: 't',
    placeholder: 'KIND',
    description:
      "what is put under load: 'process' (our nodes), 'docker' (our nodes in containers), 'compose' or 'compose=PROJECT' (what docker compose up has started), 'etcd' or 'etcd=PATH', 'external'",
    defaultText: "the scenario's",
  },
  image: { type: 'string', placeholder: 'NAME', description: 'of the containers', defaultText: 'built from this checkout' },
  cpus: {
    type: 'string',
    placeholder: 'N',
    description: 'the most of a core that each container of a node gets: 0.5',
    defaultText: 'no limit',
  },
  memory: {
    type: 'string',
    placeholder: 'SIZE',
    description: "the most memory that each container of a node gets: '512MiB'",
    defaultText: 'no limit',
  },
  'net-admin': { type: 'boolean', description: 'grant NET_ADMIN to the containers of nodes, which the fault drop-packets needs' },
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
  const [kind, detail] = word === undefined ? [] : splitOnce(word);
  if (kind !== undefined && !KINDS.some((known) => known === kind))
    throw new UsageError(`--target takes one of ${KINDS.join(', ')}, not '${kind}'`);
  for (const [owner, names] of Object.entries(BELONGS)) {
    const stray = owner === kind ? undefined : names.find((name) => invocation.options[name] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --target ${owner}, not ${kind ?? 'without it'}`);
  }
  if (detail !== undefined && kind !== 'etcd' && kind !== 'compose')
    throw new UsageError(`--target ${kind} takes no '=${detail}'; only etcd has a program, and compose a project`);
  switch (kind) {
    case 'process':
      return { kind };
    case 'docker': {
      const [image, cpus, memory] = ['image', 'cpus', 'memory'].map((name) => text(invocation, name));
      return {
        kind,
        ...(image !== undefined && { image }),
        // What is no number is refused with the scenario, which says what is wrong.
        ...(cpus !== undefined && { cpus: Number(cpus) }),
        ...(memory !== undefined && { memory }),
        netAdmin: flag(invocation, 'net-admin'),
      };
    }
    case 'etcd':
      return { kind, ...(detail !== undefined && { binary: detail }) };
    case 'compose':
      return { kind, ...(detail !== undefined && { project: detail }) };
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
