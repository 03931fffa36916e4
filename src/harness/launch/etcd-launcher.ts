// Starts a cluster of etcd servers as processes on this machine, on loopback, with the defaults of etcd.
//
// Links: etcd knows every member by one peer URL, the same for all who dial it, so there is no address to put a link per ordered
// pair at. But it dials its peers through the proxy that HTTP_PROXY names, as Go programs do, and that may be a SOCKS 5 proxy, to
// which a dialler says whom it dials. So each server gets a proxy of its own: whose proxy it is says who dials, and the request says
// whom. Go never uses a proxy for loopback, so the peer URLs are addresses that are kept for documentation (RFC 5737); nobody needs
// to have them, and without its proxy a server would reach nobody.

import { join } from 'node:path';
import type { Injection, InjectionReport } from '../../system/rpc/injection.ts';
import { EtcdEndpoint } from '../etcd/etcd-api.ts';
import { CLIENT } from '../links/rule.ts';
import type { LinkPlan, SocksPlan } from '../links/link-table.ts';
import { type Cluster, type ClusterEvent, LaunchError } from './cluster.ts';
import { EtcdProcess, findEtcd } from './etcd-process.ts';
import { EtcdRoles } from './etcd-roles.ts';
import { launchOnFreePorts, LINKS_LISTEN, LocalCluster, type LocalClusterOptions, startedOrStopped } from './local-cluster.ts';

export interface EtcdClusterOptions extends LocalClusterOptions {
  /** Each server has its own folder below it. */
  readonly dataFolder: string;
  /** The program: a path, or a name to be looked for on PATH. */
  readonly binary: string;
}

/** Resolves when every server is part of the cluster and answers. @throws LaunchError; then nothing is left running. */
export function launchEtcd(options: EtcdClusterOptions): Promise<Cluster> {
  const binary = findEtcd(options.binary);
  return launchOnFreePorts(options.nodes * 2, options.random, (ports) => {
    const cluster = new EtcdCluster({ ...options, binary }, ports);
    return startedOrStopped(cluster, () => cluster.start());
  });
}

/** host:port of one server, as it listens and as its peers call it. */
interface Addresses {
  readonly id: string;
  readonly client: string;
  readonly peer: string;
  readonly advertisedPeer: string;
}

class EtcdCluster extends LocalCluster<EtcdProcess> {
  readonly #options: EtcdClusterOptions;
  readonly #direct: readonly Addresses[];
  readonly #endpoints: ReadonlyMap<string, EtcdEndpoint>;
  #roles: EtcdRoles | undefined;

  constructor(options: EtcdClusterOptions, ports: readonly number[]) {
    super(options.clock);
    this.#options = options;
    this.#direct = Array.from({ length: options.nodes }, (_, at) => {
      const peer = `127.0.0.1:${ports[options.nodes + at]}`;
      const advertisedPeer = options.links ? `192.0.2.${at + 1}:2380` : peer;
      return { id: `n${at + 1}`, client: `127.0.0.1:${ports[at]}`, peer, advertisedPeer };
    });
    this.#endpoints = new Map(this.#direct.map(({ id, client }) => [id, new EtcdEndpoint(client, options.clock)]));
  }

  async start(): Promise<void> {
    const { links } = this.#options;
    const ways = links
      ? await this.#waysThroughLinks(links.seed)
      : this.#direct.map(({ client }) => ({ client, proxy: undefined }));
    this.nodes = this.#direct.map(({ id, client: directEndpoint }, at) => {
      const endpoint = ways[at]?.client ?? directEndpoint;
      // etcd serves HTTP (its metrics, its JSON API) on the same port.
      return { id, endpoint, httpEndpoint: endpoint, directEndpoint, directHttpEndpoint: directEndpoint };
    });
    this.processes = new Map(this.#direct.map((node, at) => [node.id, this.#server(node, ways[at]?.proxy)]));
    this.#roles = new EtcdRoles({
      endpoints: this.#endpoints,
      clock: this.clock,
      onEvent: (event) => this.handle(event),
    });
    await this.startProcesses();
  }

  wipe(node: string): Promise<string> {
    return notEtcd(`the data of ${node} cannot be deleted: etcd has no way back for a member that forgot its votes`);
  }

  waitForRejoin(node: string): Promise<void> {
    return notEtcd(`${node} cannot be waited for: no etcd server was wiped`);
  }

  inject(node: string, { inject }: Injection): Promise<InjectionReport> {
    return notEtcd(`${inject} cannot be injected into ${node}: that needs a node of ours`);
  }

  override async stop(): Promise<void> {
    await this.#roles?.stop();
    // Not in good order: a leader would wait for a successor, of those that end with it, for longer than anybody wants to.
    await Promise.all(
      [...this.processes.values()].map((server) =>
        server.resume().then(
          () => server.kill(),
          () => server.kill(),
        ),
      ),
    );
    await super.stop();
    for (const endpoint of this.#endpoints.values()) endpoint.close();
  }

  protected override handle(event: ClusterEvent): void {
    if (event.type === 'exited') this.#roles?.forget(event.node);
    super.handle(event);
  }

  /** For each server a link from the clients, and a proxy for all it dials. */
  async #waysThroughLinks(seed: number): Promise<{ readonly client: string; readonly proxy: string }[]> {
    const clients = this.#direct.map(({ id, client }): LinkPlan => ({
      from: CLIENT,
      to: id,
      listen: LINKS_LISTEN,
      upstream: client,
    }));
    const proxies = this.#direct.map(({ id }): SocksPlan => ({
      from: id,
      listen: LINKS_LISTEN,
      routes: this.#direct
        .filter((peer) => peer.id !== id)
        .map((peer) => ({ to: peer.id, address: peer.advertisedPeer, upstream: peer.peer })),
    }));
    const addresses = await this.openLinks([...clients, ...proxies], seed, this.#options);
    return this.#direct.map((_, at) => ({
      client: addresses[at] as string,
      proxy: addresses[clients.length + at] as string,
    }));
  }

  #server({ id, client, peer, advertisedPeer }: Addresses, proxy: string | undefined): EtcdProcess {
    const { binary, clusterId, dataFolder, logFolder } = this.#options;
    const advertisedClient = this.nodes.find((node) => node.id === id)?.endpoint ?? client;
    return new EtcdProcess({
      id,
      binary,
      arguments: [
        `--name=${id}`,
        `--data-dir=${join(dataFolder, id)}`,
        `--listen-client-urls=http://${client}`,
        `--advertise-client-urls=http://${advertisedClient}`,
        `--listen-peer-urls=http://${peer}`,
        `--initial-advertise-peer-urls=http://${advertisedPeer}`,
        `--initial-cluster=${this.#direct.map((node) => `${node.id}=http://${node.advertisedPeer}`).join(',')}`,
        `--initial-cluster-token=${clusterId}`,
        '--logger=zap',
        '--log-outputs=stderr',
      ],
      proxy,
      endpoint: this.#endpoints.get(id) as EtcdEndpoint,
      logFile: join(logFolder, `${id}.log`),
      clock: this.clock,
      onEvent: (event) => this.handle(event),
    });
  }
}

function notEtcd(problem: string): Promise<never> {
  return Promise.reject(new LaunchError(problem));
}
