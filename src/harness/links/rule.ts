// The vocabulary of links: what can be done to the bytes that go from one end to another.

/** The other end of the links between clients and nodes; nodes are called n1, n2, ... */
export const CLIENT = 'client';

/**
 * The stream of bytes from one end to another. A TCP connection dialled by A to B carries the direction A->B and, for replies,
 * the direction B->A; so does one dialled by B to A. What blocks A->B holds A's requests and A's replies.
 */
export interface Direction {
  readonly from: string;
  readonly to: string;
}

/** What is done to a direction. Nothing of it ever drops bytes of a stream that goes on: framing would break. */
export interface LinkRule {
  /**
   * `hold`: bytes wait, connections stay, and go on where they stopped; new connections are accepted and hear nothing. `cut`:
   * connections are reset and new ones too.
   */
  readonly block?: 'hold' | 'cut';
  /** Every chunk arrives at least so much later, in order. Milliseconds >= 0. */
  readonly delayMs?: number;
  /** Up to so much more, evenly distributed. Milliseconds >= 0. */
  readonly jitterMs?: number;
  /** Over all connections of the direction together, > 0. */
  readonly bytesPerSecond?: number;
  /** Of a packet of 1,460 bytes, 0 <= p < 1. A lost packet comes again after `retransmitMs`, and all behind it waits, as in TCP. */
  readonly lossProbability?: number;
  /** The first retransmission timeout; every further one is twice as long. Milliseconds. Default 200, as in Linux. */
  readonly retransmitMs?: number;
  /** All connections that carry the direction are reset at once and then so often. Milliseconds > 0. */
  readonly resetEveryMs?: number;
  /** The other end hears so much later that this one has closed the connection: until then it is half open. Milliseconds >= 0. */
  readonly closeDelayMs?: number;
}

export interface DirectedRule extends Direction {
  readonly rule: LinkRule;
}

/** Rules that are in force. */
export interface AppliedRules {
  /** Lifts them; resolves when they are no longer in force. Rules that others applied stay. */
  lift(): Promise<void>;
}

/** Since the direction was opened, but for what says 'now'. bytesIn = bytesForwarded + bytesHeld + bytesDiscarded. */
export interface DirectionCounters extends Direction {
  /** When they were read, milliseconds of a clock that only the proxy knows. */
  readonly atMs: number;
  /** Read from the sender. */
  readonly bytesIn: number;
  /** Handed to the receiver's socket. */
  readonly bytesForwarded: number;
  /** Wait now. */
  readonly bytesHeld: number;
  /** Were waiting when their connection broke. */
  readonly bytesDiscarded: number;
  /** Now. */
  readonly connectionsOpen: number;
  /** Accepted, also those that were held or refused at once. */
  readonly connectionsTotal: number;
  /** Accepted and reset at once, because of a cut. */
  readonly connectionsRefused: number;
  /** Connections that a rule, a cut or a command reset. */
  readonly resets: number;
  /** Chunks that were given a later time to arrive than their own. */
  readonly chunksDelayed: number;
  /** Chunks of which at least one packet was lost. */
  readonly chunksLost: number;
  /** Pieces that had to wait for bandwidth. */
  readonly chunksThrottled: number;
  /** Ends of streams that were passed on later. */
  readonly closesDelayed: number;
}

export function directionKey({ from, to }: Direction): string {
  return `${from}->${to}`;
}

/** What several rules do together: the harder block, the sum of the delays, the smaller bandwidth, either loss. */
export function combineRules(rules: readonly LinkRule[]): LinkRule {
  const given = (name: Exclude<keyof LinkRule, 'block'>) =>
    rules.map((rule) => rule[name]).filter((value) => value !== undefined);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const blocks = rules.map((rule) => rule.block);
  const lossProbability = 1 - given('lossProbability').reduce((passes, probability) => passes * (1 - probability), 1);
  const combined = {
    block: blocks.includes('cut') ? ('cut' as const) : blocks.includes('hold') ? ('hold' as const) : undefined,
    delayMs: sum(given('delayMs')),
    jitterMs: sum(given('jitterMs')),
    bytesPerSecond: least(given('bytesPerSecond')),
    lossProbability,
    retransmitMs: lossProbability > 0 ? Math.max(0, ...given('retransmitMs')) || DEFAULT_RETRANSMIT_MS : 0,
    resetEveryMs: least(given('resetEveryMs')),
    closeDelayMs: Math.max(0, ...given('closeDelayMs')),
  };
  // Without what does nothing, so that an empty object is the rule that lets everything through.
  return Object.fromEntries(Object.entries(combined).filter(([, value]) => value !== undefined && value !== 0));
}

const DEFAULT_RETRANSMIT_MS = 200;

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
