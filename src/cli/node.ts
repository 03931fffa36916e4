// `windtunnel node`: one node of a cluster, as the launchers and the container image start it.

import { createInterface } from 'node:readline';
import { EXIT } from '../harness/report/exit.ts';
import { systemClock } from '../runtime/clock.ts';
import { freshSeed, Random } from '../runtime/random.ts';
import { canariesOf } from '../system/node/canary.ts';
import { Injections, obey } from '../system/node/injections.ts';
import { startNode } from '../system/node/node.ts';
import type { NodeEvent } from '../system/rpc/node-event.ts';
import { parseTraceDestination } from '../telemetry/trace-destination.ts';
import { Tracing } from '../telemetry/tracing.ts';
import { type Command, flag, type Invocation, text, UsageError } from './command.ts';

export const node: Command = {
  name: 'node',
  summary: 'Run one node of a cluster',
  arguments: '',
  internal: true,
  options: {
    id: { type: 'string', placeholder: 'ID', description: 'name of this node' },
    cluster: { type: 'string', placeholder: 'ID', description: 'name of the cluster; nodes of another one are refused' },
    listen: { type: 'string', placeholder: 'HOST:PORT', description: 'where to serve gRPC' },
    http: { type: 'string', placeholder: 'HOST:PORT', description: 'where to serve HTTP' },
    data: { type: 'string', placeholder: 'DIR', description: 'data folder of this node' },
    peer: { type: 'string', multiple: true, placeholder: 'ID=HOST:PORT', description: 'where another node is; once for each' },
    advertise: {
      type: 'string',
      multiple: true,
      placeholder: 'ID=HOST:PORT,...',
      description:
        'where clients reach a node, when that is not where its peers do: an address for each network they come from, in the same order for every node',
    },
    'exit-with-parent': { type: 'boolean', description: 'stop when standard input ends' },
    recovering: { type: 'boolean', description: 'the disk of this node was lost: do not vote or count before it has caught up' },
    'trace-receiver': {
      type: 'string',
      placeholder: 'URL',
      description: 'where the spans of traces go that are asked for through standard input',
    },
    traces: { type: 'string', placeholder: 'KIND=WHERE', description: 'where the spans of sampled traces go' },
    'fault-control': { type: 'boolean', description: 'let faults be injected through standard input (with --exit-with-parent)' },
  },
  async run(invocation) {
    const { promise: ended, resolve: end } = Promise.withResolvers<number>();
    const id = required(invocation, 'id');
    const injections = flag(invocation, 'fault-control') ? new Injections(systemClock) : undefined;
    // Stamped with the machine's clock, also when the node's own is skewed: who reads it has one time line for all nodes.
    const say = (event: DistributiveOmit<NodeEvent, 'time' | 'node'>) =>
      process.stdout.write(`${JSON.stringify({ ...event, time: systemClock.wallTime(), node: id })}\n`);
    const tracing = await tracingOf(invocation, id);
    const running = await startNode({
      id,
      clusterId: required(invocation, 'cluster'),
      listen: address(required(invocation, 'listen'), 'listen'),
      http: address(required(invocation, 'http'), 'http'),
      dataFolder: required(invocation, 'data'),
      peers: peersOf(invocation),
      advertised: new Map(addressesOf(invocation, 'advertise')),
      clock: injections?.clock ?? systemClock,
      random: new Random(freshSeed()),
      lostDisk: flag(invocation, 'recovering'),
      canaries: canariesOf(process.env),
      aroundLog: injections?.around,
      tracer: tracing?.tracer,
      traceCounts: tracing && (() => tracing.counts),
      onEvent: say,
      onFatal: () => end(EXIT.error),
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(EXIT.passed));
    if (flag(invocation, 'exit-with-parent')) {
      // The pipe ends with the process that holds its other end, however that process came to its end.
      process.stdin.on('end', () => end(EXIT.passed)).on('error', () => end(EXIT.passed));
      createInterface({ input: process.stdin }).on('line', (line) => {
        const wanted = wantedTraces(line);
        if (wanted === undefined) say(obey(line, injections));
        else {
          tracing?.want(wanted.want);
          if (wanted.answer) void (tracing?.wantedSent() ?? Promise.resolve()).then(() => say({ event: 'spans-sent' }));
        }
      });
    }
    const code = await ended;
    injections?.end();
    await running.stop();
    if (tracing !== undefined) {
      await tracing.close(TRACES_TIMEOUT_MS);
      say({ event: 'traces', ...tracing.counts });
    }
    process.stdin.destroy();
    return code;
  },
};

/** How long a node that is told to stop may take to send its last spans. */
const TRACES_TIMEOUT_MS = 2_000;

async function tracingOf(invocation: Invocation, id: string): Promise<Tracing | undefined> {
  const [receiver, traces] = [text(invocation, 'trace-receiver'), text(invocation, 'traces')];
  if (receiver === undefined && traces === undefined) return undefined;
  return Tracing.start({
    resource: { 'service.name': 'windtunnel-node', 'service.instance.id': id },
    receiver,
    destination: traces === undefined ? undefined : parseTraceDestination(traces, process.env),
  });
}

/** The traces that a line asks for, and whether it waits for an answer; undefined for a line that is about something else. */
function wantedTraces(line: string): { readonly want: readonly string[]; readonly answer: boolean } | undefined {
  if (!line.startsWith('{"want":')) return undefined;
  try {
    const { want, answer } = JSON.parse(line) as { want: unknown; answer?: unknown };
    return Array.isArray(want) ? { want: want.filter((id) => typeof id === 'string'), answer: answer === true } : undefined;
  } catch {
    return undefined;
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function required(invocation: Invocation, name: string): string {
  const value = text(invocation, name);
  if (value === undefined || value === '') throw new UsageError(`node needs --${name}`);
  return value;
}

function address(value: string, name: string): string {
  if (!/^.+:\d+$/.test(value)) throw new UsageError(`--${name} takes HOST:PORT, not '${value}'`);
  return value;
}

function peersOf(invocation: Invocation): Map<string, string> {
  return new Map(
    addressesOf(invocation, 'peer').map(([id, [where = '', another]]) => {
      if (another !== undefined) throw new UsageError(`--peer takes one address of ${id}, not both ${where} and ${another}`);
      return [id, where];
    }),
  );
}

function addressesOf(invocation: Invocation, name: string): (readonly [id: string, addresses: readonly string[]])[] {
  return ((invocation.options[name] ?? []) as readonly string[]).map((word) => {
    const [, id, list] = /^([^=]+)=(.+)$/.exec(word) ?? [];
    const addresses = list?.split(',') ?? [];
    if (id === undefined || addresses.length === 0 || addresses.some((where) => !/^.+:\d+$/.test(where)))
      throw new UsageError(`--${name} takes ID=HOST:PORT, not '${word}'`);
    return [id, addresses];
  });
}
