// Where clients reach the nodes. Clients of different networks reach the same node at different addresses: by its name beside it
// in a network of containers, by a published port of loopback from the machine that carries them. Each is told the addresses of its
// own network, which shows in the one that it called.

import type { NodeId } from '../raft/protocol.ts';

export interface NodeAddressesOptions {
  readonly id: NodeId;
  /** host:port for gRPC. */
  readonly listen: string;
  /** Every other node: where this node reaches it. */
  readonly peers: ReadonlyMap<NodeId, string>;
  /**
   * Where clients reach the nodes, when that is not where their peers do: of each node one host:port for each network, with the
   * networks in the same order everywhere.
   */
  readonly advertised?: ReadonlyMap<NodeId, readonly string[]> | undefined;
}

export class NodeAddresses {
  readonly #options: NodeAddressesOptions;

  constructor(options: NodeAddressesOptions) {
    this.#options = options;
  }

  /**
   * host:port of a node; '' when it is none of ours.
   * @param called where the client reached this node, as it says itself: gRPC in `:authority`, HTTP in `host`, with the port of
   * HTTP. For a host that is not advertised, as behind a tunnel that nobody told the nodes of, it is the first network.
   */
  of(node: NodeId, called?: string): string {
    const { id, listen, peers, advertised } = this.#options;
    const known = advertised?.get(node);
    return known?.[this.#networkOf(called)] ?? known?.[0] ?? (node === id ? listen : (peers.get(node) ?? ''));
  }

  #networkOf(called: string | undefined): number {
    const own = this.#options.advertised?.get(this.#options.id);
    if (own === undefined || called === undefined) return 0;
    const exact = own.indexOf(called);
    return Math.max(0, exact >= 0 ? exact : own.findIndex((address) => hostOf(address) === hostOf(called)));
  }

  /** Every node of the cluster, this one first. */
  get members(): readonly NodeId[] {
    return [this.#options.id, ...this.#options.peers.keys()];
  }
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}
