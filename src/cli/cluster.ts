// `windtunnel cluster up`: a cluster to poke at. It keeps its data and its ports, so that it is found again.

import { EXIT } from '../harness/report/exit.ts';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { freshSeed, Random } from '../runtime/random.ts';
import { launchProcesses } from '../harness/launch/process-launcher.ts';
import type { Cluster } from '../harness/launch/cluster.ts';
import { type Command, text, UsageError, wholeNumber } from './command.ts';
import { catchInterrupts } from './interrupt.ts';

/** Where `cluster up` says where it is, for `query`. Below the data folder. */
export const ENDPOINTS_FILE = 'endpoints.json';
export const DEFAULT_DATA_FOLDER = '.windtunnel';

const DEFAULT_PORT = 7_401;

export const cluster: Command = {
  name: 'cluster',
  summary: 'Start a cluster to poke at, and keep it until Ctrl-C',
  arguments: 'up',
  options: {
    nodes: { type: 'string', short: 'n', placeholder: 'N', description: 'how many nodes, 1 to 9', defaultText: '3' },
    data: {
      type: 'string',
      short: 'd',
      placeholder: 'DIR',
      description: 'where the nodes keep their data',
      defaultText: DEFAULT_DATA_FOLDER,
    },
    port: {
      type: 'string',
      short: 'p',
      placeholder: 'PORT',
      description: 'gRPC port of the first node; the other nodes and then their HTTP ports follow it',
      defaultText: String(DEFAULT_PORT),
    },
  },
  notes: `Examples:
  windtunnel cluster up
  windtunnel query "create table t (k text primary key, v)"
  curl -s localhost:7404/query -d '{"query": "select * from t"}'`,
  async run(invocation) {
    const [verb, ...more] = invocation.positionals;
    if (verb !== 'up' || more.length > 0) {
      throw new UsageError(`cluster takes 'up'${verb === undefined ? '' : `, not '${invocation.positionals.join(' ')}'`}`);
    }
    const nodes = wholeNumber(invocation, 'nodes', 1, 9) ?? 3;
    const firstPort = wholeNumber(invocation, 'port', 1, 65_535 - 2 * nodes + 1) ?? DEFAULT_PORT;
    const data = resolve(text(invocation, 'data') ?? DEFAULT_DATA_FOLDER);
    await mkdir(data, { recursive: true });
    await refuseOtherSize(data, nodes);
    const print = (line: string) => process.stdout.write(`${line}\n`);
    const interruption = catchInterrupts(() => print('\nstopping the nodes'));
    try {
      const running = await launchProcesses({
        clusterId: 'local',
        nodes,
        dataFolder: data,
        logFolder: join(data, 'logs'),
        firstPort,
        clock: systemClock,
        random: new Random(freshSeed()),
      });
      try {
        await serve(running, data, interruption.signal, print);
      } finally {
        await running.stop();
        await rm(join(data, ENDPOINTS_FILE), { force: true });
      }
    } finally {
      interruption.dispose();
    }
    print('stopped');
    return EXIT.passed;
  },
};

async function serve(running: Cluster, data: string, signal: AbortSignal, print: (line: string) => void): Promise<void> {
  await writeFile(join(data, ENDPOINTS_FILE), JSON.stringify({ nodes: running.nodes, pid: process.pid }, null, 2));
  if (!signal.aborted) await running.waitForLeader(30_000);
  const leader = running.leader();
  for (const node of running.nodes) {
    print(`${node.id}  ${node.id === leader ? 'leader  ' : 'follower'}  grpc ${node.endpoint}  http http://${node.httpEndpoint}`);
  }
  print(`data and logs in ${data}; Ctrl-C stops the cluster`);
  const restarting = new Set<string>();
  const unsubscribe = running.onEvent((event) => {
    if (event.type === 'role' && event.role === 'leader') print(`${event.node} leads in term ${event.term}`);
    if (event.type === 'exited' && !event.expected && !signal.aborted && !restarting.has(event.node)) {
      // Somebody killed a node to see what happens: what happens is that it comes back.
      print(`${event.node} ended (${event.how}); starting it again`);
      restarting.add(event.node);
      void running
        .restart(event.node)
        .then(() => print(`${event.node} is back`))
        .catch((error: unknown) =>
          print(`${event.node} does not start: ${error instanceof Error ? error.message : String(error)}`),
        )
        .finally(() => restarting.delete(event.node));
    }
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  unsubscribe();
}

/** The members of a cluster are part of its data: starting it with fewer or more nodes would lose writes. */
async function refuseOtherSize(data: string, nodes: number): Promise<void> {
  const path = join(data, 'cluster.json');
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before === undefined) {
    await writeFile(path, JSON.stringify({ nodes }));
    return;
  }
  const size = (JSON.parse(before) as { nodes: number }).nodes;
  if (size !== nodes) {
    throw new UsageError(
      `${data} holds the data of a cluster of ${size} nodes, not ${nodes}; use --nodes ${size}, or another --data folder`,
    );
  }
}
