// The sending side of Raft traffic: one stream to one peer, reopened with backoff for as long as the node runs. Frames that
// cannot be sent now are dropped, because Raft repeats what matters and a queue would only deliver old news.

import { type Client, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { Message, NodeId } from '../raft/protocol.ts';
import { HEADERS, type PeerFrame, peerService } from '../rpc/contract.ts';
import { type EntriesTrace, writeEntriesTrace, writeMessage } from '../rpc/peer-wire.ts';
import { connectChannel } from '../rpc/session.ts';

const FIRST_BACKOFF_MS = 20;
const LONGEST_BACKOFF_MS = 500;
const CONNECT_TIMEOUT_MS = 1_000;

/** Frames handed to the stream that have not reached the socket. A peer that reads nothing costs this much memory at most. */
const MOST_UNSENT_FRAMES = 256;

export interface PeerLinkOptions {
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
  /** host:port */
  readonly endpoint: string;
  readonly clock: Clock;
  /** Told once for each change: why the link is down, or undefined when it is up. */
  readonly onChange?: (problem: string | undefined) => void;
}

export class PeerLink {
  readonly #options: PeerLinkOptions;
  #client: Client | undefined;
  #stream: ClientDuplexStream<PeerFrame, PeerFrame> | undefined;
  /** Of this connection: what an earlier one did not send is gone with it. */
  #unsent = { frames: 0 };
  #backoffMs = FIRST_BACKOFF_MS;
  #cancelRetry: Cancel | undefined;
  readonly #closing = new AbortController();
  #dropped = 0;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    void this.#connect();
  }

  /** Messages that were dropped because the link was down or full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param traces what carries their entries is measured as. */
  send(messages: readonly Message[], traces: readonly EntriesTrace[] = []): void {
    if (this.#stream === undefined || this.#unsent.frames >= MOST_UNSENT_FRAMES) {
      this.#dropped += messages.length;
      return;
    }
    const unsent = this.#unsent;
    unsent.frames++;
    const frame = {
      messages: messages.map(writeMessage),
      ...(traces.length > 0 && { traces: traces.map(writeEntriesTrace) }),
    };
    this.#stream.write(frame, () => {
      unsent.frames--;
    });
  }

  close(): void {
    this.#closing.abort();
    this.#cancelRetry?.();
    this.#drop();
  }

  async #connect(): Promise<void> {
    const { endpoint, clock, clusterId, from } = this.#options;
    try {
      const client = await connectChannel(endpoint, { clock, timeoutMs: CONNECT_TIMEOUT_MS, signal: this.#closing.signal });
      if (this.#closing.signal.aborted) {
        client.close();
        return;
      }
      this.#client = client;
      const metadata = new Metadata();
      metadata.set(HEADERS.cluster, clusterId);
      metadata.set(HEADERS.node, from);
      const { path, requestSerialize, responseDeserialize } = peerService.Exchange;
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
      stream.on('data', () => {});
      stream.on('error', (error: Error) => this.#lost(stream, error.message));
      stream.on('end', () => this.#lost(stream, 'the peer ended the stream'));
      this.#stream = stream;
      this.#unsent = { frames: 0 };
      this.#backoffMs = FIRST_BACKOFF_MS;
      this.#options.onChange?.(undefined);
    } catch (error) {
      this.#retry(error instanceof Error ? error.message : String(error));
    }
  }

  #lost(stream: ClientDuplexStream<PeerFrame, PeerFrame>, problem: string): void {
    if (this.#stream !== stream) return;
    this.#drop();
    this.#retry(problem);
  }

  #retry(problem: string): void {
    if (this.#closing.signal.aborted) return;
    this.#options.onChange?.(problem);
    this.#cancelRetry = this.#options.clock.schedule(this.#backoffMs, () => void this.#connect());
    this.#backoffMs = Math.min(LONGEST_BACKOFF_MS, this.#backoffMs * 2);
  }

  #drop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
    this.#client?.close();
    this.#client = undefined;
  }
}
