// One direction of one connection: bytes go in, and come out later, in order and complete, as the direction's rules say. No
// socket in it, so that it is tested in virtual time.

import type { Cancel, Clock } from '../../runtime/clock.ts';
import { known, unreachable } from '../../runtime/assert.ts';
import { RingQueue } from '../../runtime/ring-queue.ts';
import type { DirectionState, MutableCounters, RuleFollower } from './direction-state.ts';

/** Where bytes come from; told when it must wait. */
export interface PipeSource {
  pause(): void;
  resume(): void;
}

/** Where bytes go. */
export interface PipeSink {
  /** False: no more until `Pipe.sinkReady` is called. The bytes were taken nevertheless. */
  write(bytes: Uint8Array): boolean;
  /** Nothing more comes; the other direction may go on. */
  end(): void;
  /** The sender is gone. */
  abort(): void;
}

type Item =
  | { readonly kind: 'bytes'; bytes: Uint8Array; readonly dueMs: number }
  | { readonly kind: 'end' | 'abort'; readonly dueMs: number };

/** So much may wait because of the rules: enough for 100 ms at 80 Mbit/s, little enough for hundreds of connections. */
const MOST_HELD_BYTES = 1 << 20;
/** So much may wait when the receiver is slow and no rule is in force; its socket holds as much again. */
const MOST_UNREAD_BYTES = 1 << 16;

/**
 * What the receiver's socket has been given has left the pipe: no rule applies to it any more.
 *
 * Invariants: (1) what came out is a beginning of what went in; (2) nothing comes out while the direction is blocked; (3) a chunk
 * comes out no earlier than the delay that was in force when it went in; (4) what is under way keeps its delay when the rules
 * change, while blocks and bandwidth apply to it at once; (5) at most MOST_HELD_BYTES and one chunk wait.
 */
export class Pipe implements RuleFollower {
  readonly #direction: DirectionState;
  readonly #counters: MutableCounters;
  readonly #source: PipeSource;
  readonly #sink: PipeSink;
  readonly #clock: Clock;
  readonly #queue = new RingQueue<Item>();
  #heldBytes = 0;
  #lastDueMs = 0;
  #sinkReady: boolean;
  #sourcePaused = false;
  #destroyed = false;
  #cancelTimer: Cancel | undefined;
  #reservation: { readonly bytes: number; readonly atMs: number; readonly epoch: number } | undefined;

  /** @param sinkReady false: nothing is written before `sinkReady()` is called. @param counters the direction's, or others for a probe. */
  constructor(parts: {
    readonly direction: DirectionState;
    readonly counters: MutableCounters;
    readonly source: PipeSource;
    readonly sink: PipeSink;
    readonly clock: Clock;
    readonly sinkReady: boolean;
  }) {
    this.#direction = parts.direction;
    this.#counters = parts.counters;
    this.#source = parts.source;
    this.#sink = parts.sink;
    this.#clock = parts.clock;
    this.#sinkReady = parts.sinkReady;
    this.#direction.addFollower(this);
  }

  push(bytes: Uint8Array): void {
    this.#counters.bytesIn += bytes.length;
    if (this.#destroyed) {
      this.#counters.bytesDiscarded += bytes.length;
    } else if (this.#direction.idle && this.#sinkReady && this.#queue.length === 0) {
      this.#forward(bytes);
    } else {
      this.#hold(bytes.length);
      const dueMs = this.#due(this.#direction.drawDelay(bytes.length, this.#counters));
      if (dueMs > this.#clock.now()) this.#counters.chunksDelayed++;
      this.#queue.push({ kind: 'bytes', bytes, dueMs });
      this.#advance();
    }
    this.#regulate();
  }

  /** The sender has closed its half. */
  end(): void {
    this.#close('end');
  }

  /** The sender is gone: what is under way still arrives, then the receiver is told. */
  abort(): void {
    this.#close('abort');
  }

  /** The receiver takes bytes again. */
  sinkReady(): void {
    this.#sinkReady = true;
    this.#advance();
    this.#regulate();
  }

  reconsider(): void {
    if (this.#destroyed) return;
    this.#advance();
    this.#regulate();
  }

  /** The receiver is gone, or both are: what waits is dropped with the connection. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#cancelTimer?.();
    this.#direction.removeFollower(this);
    this.#queue.clear();
    this.#counters.bytesDiscarded += this.#heldBytes;
    this.#hold(-this.#heldBytes);
  }

  #close(kind: 'end' | 'abort'): void {
    if (this.#destroyed) return;
    const { delayMs = 0, closeDelayMs = 0 } = this.#direction.rule;
    if (closeDelayMs > 0) this.#counters.closesDelayed++;
    this.#queue.push({ kind, dueMs: this.#due(delayMs + closeDelayMs) });
    this.#advance();
  }

  /** Sends what may be sent, and sets a timer for what may be sent later. */
  #advance(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (let head = this.#queue.first; head !== undefined; head = this.#queue.first) {
      if (this.#direction.rule.block !== undefined) return;
      // A receiver that reads nothing may still be told that the sender is gone.
      if (!this.#sinkReady && head.kind !== 'abort') return;
      const waitMs = (head.kind === 'bytes' ? Math.max(head.dueMs, this.#bandwidthAt(head)) : head.dueMs) - this.#clock.now();
      if (waitMs > 0) {
        this.#cancelTimer = this.#clock.schedule(waitMs, () => {
          this.#advance();
          this.#regulate();
        });
        return;
      }
      this.#pass(head);
    }
  }

  #pass(head: Item): void {
    switch (head.kind) {
      case 'bytes': {
        const piece = head.bytes.subarray(0, this.#reservation?.bytes ?? head.bytes.length);
        this.#reservation = undefined;
        if (piece.length === head.bytes.length) this.#queue.shift();
        else head.bytes = head.bytes.subarray(piece.length);
        this.#hold(-piece.length);
        this.#forward(piece);
        return;
      }
      case 'end':
        this.#queue.shift();
        this.#sink.end();
        return;
      case 'abort':
        this.#queue.shift();
        this.#sink.abort();
        return;
      default:
        unreachable(head);
    }
  }

  /** When the first piece of the head may leave as far as bandwidth goes. A place is taken only once the head is due. */
  #bandwidthAt(head: Item & { readonly kind: 'bytes' }): number {
    const { rule, bandwidthEpoch: epoch } = this.#direction;
    if (this.#reservation?.epoch !== epoch) this.#reservation = undefined;
    if (rule.bytesPerSecond === undefined || head.dueMs > this.#clock.now()) return 0;
    if (this.#reservation === undefined) {
      const bytes = Math.min(head.bytes.length, this.#direction.pieceBytes);
      this.#reservation = { bytes, atMs: this.#direction.reserve(bytes), epoch };
      this.#counters.chunksThrottled++;
    }
    return known(this.#reservation, 'just taken').atMs;
  }

  #due(delayMs: number): number {
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#clock.now() + delayMs);
    return this.#lastDueMs;
  }

  #forward(bytes: Uint8Array): void {
    this.#counters.bytesForwarded += bytes.length;
    if (!this.#sink.write(bytes)) this.#sinkReady = false;
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#counters.bytesHeld += bytes;
  }

  /** Back pressure. */
  #regulate(): void {
    const most = this.#direction.idle ? MOST_UNREAD_BYTES : MOST_HELD_BYTES;
    if (this.#destroyed) {
      this.#source.pause();
    } else if (!this.#sourcePaused && this.#heldBytes >= most) {
      this.#sourcePaused = true;
      this.#source.pause();
    } else if (this.#sourcePaused && this.#heldBytes < most / 2) {
      this.#sourcePaused = false;
      this.#source.resume();
    }
  }
}
