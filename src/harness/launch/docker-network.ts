// The network of a cluster in containers, and what can be done to a node's part in it.

import type { ContainerRuntimeClient } from 'testcontainers';
import type { ContainerControl, PacketFilter } from '../faults/fault.ts';
import { LaunchError } from './cluster.ts';

type Engine = ContainerRuntimeClient;

/** Everything but what a node says to itself. */
const CHAINS = [
  { chain: 'INPUT', others: ['!', '-i', 'lo'] },
  { chain: 'OUTPUT', others: ['!', '-o', 'lo'] },
] as const;

export class ContainerNetwork {
  readonly name: string;
  /** Address of the machine in it; undefined where the engine runs elsewhere. */
  readonly gateway: string | undefined;
  readonly #engine: Engine;
  #cannotDropPackets: string | undefined;

  /** @throws LaunchError */
  static async create(
    engine: Engine,
    name: string,
    { labels, netAdmin }: { readonly labels: Record<string, string>; readonly netAdmin: boolean },
  ): Promise<ContainerNetwork> {
    const { dockerode } = engine.container;
    try {
      const network = await dockerode.createNetwork({ Name: name, Driver: 'bridge', Labels: labels, CheckDuplicate: true });
      const { IPAM: { Config: [config] = [] } = {} } = (await network.inspect()) as {
        IPAM?: { Config?: { Gateway?: string }[] };
      };
      return new ContainerNetwork(engine, name, config?.Gateway, netAdmin);
    } catch (error) {
      throw new LaunchError(
        `the network ${name} could not be made: ${(error as Error).message}; windtunnel doctor --clean removes what earlier runs left`,
        { cause: error },
      );
    }
  }

  private constructor(engine: Engine, name: string, gateway: string | undefined, netAdmin: boolean) {
    this.#engine = engine;
    this.name = name;
    this.gateway = gateway;
    if (!netAdmin) this.#cannotDropPackets = 'NET_ADMIN was not granted (--net-admin)';
  }

  /** Whether packets can be dropped in a container, as it turned out. */
  async tryPacketFilter(container: string): Promise<void> {
    if (this.#cannotDropPackets !== undefined) return;
    try {
      await this.#iptables(container, ['-L', 'INPUT', '-n']);
    } catch (error) {
      this.#cannotDropPackets = (error as Error).message;
    }
  }

  /** @param find the container of a node, while it runs */
  control(find: (node: string) => string | undefined): ContainerControl {
    const container = (node: string) => {
      const id = find(node);
      if (id === undefined) throw new LaunchError(`node ${node} does not run, so nothing can be done to its network`);
      return id;
    };
    const network = () => this.#engine.container.dockerode.getNetwork(this.name);
    return {
      disconnect: async (node) => {
        await network().disconnect({ Container: container(node), Force: true });
      },
      reconnect: async (node) => {
        await network().connect({ Container: container(node), EndpointConfig: { Aliases: [node] } });
      },
      isConnected: async (node) => {
        const { NetworkSettings: settings } = await this.#engine.container.getById(container(node)).inspect();
        return Object.hasOwn(settings.Networks, this.name);
      },
      cannotDropPackets: this.#cannotDropPackets,
      dropPackets: (node, share) => this.#dropPackets(container(node), share),
    };
  }

  /** Resolves with why it could not. */
  async remove(): Promise<string | undefined> {
    try {
      await this.#engine.container.dockerode.getNetwork(this.name).remove();
      return undefined;
    } catch (error) {
      return `the network ${this.name} could not be removed: ${(error as Error).message}`;
    }
  }

  async #dropPackets(container: string, share: number): Promise<PacketFilter> {
    const atRandom = share < 1 ? ['-m', 'statistic', '--mode', 'random', '--probability', String(share)] : [];
    const rules = CHAINS.map(({ chain, others }) => ({ chain, words: [...others, ...atRandom, '-j', 'DROP'] }));
    const lift = async () => {
      for (const { chain, words } of rules) await this.#iptables(container, ['-D', chain, ...words]);
    };
    for (const { chain, words } of rules) await this.#iptables(container, ['-I', chain, ...words]);
    return {
      dropped: async () => {
        const counts = await Promise.all(CHAINS.map(({ chain }) => this.#iptables(container, ['-nvxL', chain, '1'])));
        // The line of the rule begins with its packets.
        return counts.reduce((sum, line) => sum + Number(/^\s*(\d+)/.exec(line)?.[1] ?? 0), 0);
      },
      lift,
    };
  }

  /** @throws LaunchError with what it printed. */
  async #iptables(container: string, words: readonly string[]): Promise<string> {
    const { exitCode, output } = await this.#engine.container.exec(
      this.#engine.container.getById(container),
      ['iptables', '-w', ...words],
      { user: 'root' },
    );
    if (exitCode === 0) return output;
    throw new LaunchError(`iptables ${words.join(' ')} failed in the container: ${output.trim()}`);
  }
}
