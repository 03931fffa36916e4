// The harness's end of the control connection: the links as an object.

import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { LinkError, type LinkPlan, type SocksPlan } from './link-table.ts';
import type { LinkCommands, LinkResponse } from './protocol.ts';
import type { AppliedRules, DirectedRule, Direction, DirectionCounters } from './rule.ts';

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: LinkError) => void;
}

/** Every method rejects with LinkError when it cannot be carried out, or when the proxy is gone. */
export class RemoteLinks {
  readonly #output: Writable;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #ended: string | undefined;

  /** @param input what the proxy says; @param output what it hears. */
  constructor(input: Readable, output: Writable) {
    this.#output = output;
    output.on('error', (error) => this.#end(error.message));
    createInterface({ input })
      .on('line', (line) => this.#receive(line))
      .on('close', () => this.#end('the process of the links has ended'));
  }

  /** Opens links; resolves with where they listen, host:port, in the order given. */
  open(links: readonly (LinkPlan | SocksPlan)[]): Promise<readonly string[]> {
    return this.#ask('open', { links });
  }

  /** Puts rules into force beside those that are. Resolves when they are in force. */
  async apply(rules: readonly DirectedRule[]): Promise<AppliedRules> {
    const name = `rules ${this.#lastId + 1}`;
    await this.#ask('apply', { name, rules });
    return {
      lift: async () => {
        await this.#ask('lift', { name });
      },
    };
  }

  /** Resets every connection that carries one of the directions; resolves with how many. */
  reset(directions: readonly Direction[]): Promise<number> {
    return this.#ask('reset', { directions });
  }

  /** Of every direction. */
  counters(): Promise<readonly DirectionCounters[]> {
    return this.#ask('counters', {});
  }

  /**
   * Sends messages in a direction, one after the other, and resolves with the milliseconds that each took; with fewer when the
   * rest did not arrive within `timeoutMs`.
   */
  probe(direction: Direction, messages: number, timeoutMs: number): Promise<readonly number[]> {
    return this.#ask('probe', { direction, messages, timeoutMs });
  }

  #ask<Name extends keyof LinkCommands>(command: Name, ask: LinkCommands[Name]['ask']): Promise<LinkCommands[Name]['answer']> {
    if (this.#ended !== undefined) return Promise.reject(new LinkError(this.#ended));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#output.write(`${JSON.stringify({ ...ask, id, command })}\n`);
    });
  }

  #receive(line: string): void {
    const response = JSON.parse(line) as LinkResponse;
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if ('error' in response) pending?.reject(new LinkError(response.error));
    else pending?.resolve(response.answer as never);
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const { reject } of this.#pending.values()) reject(new LinkError(this.#ended));
    this.#pending.clear();
  }
}
