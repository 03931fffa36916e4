// The client's side of exactly-once: every write has a place in a session, and says which of the session's earlier writes are
// still unanswered, so that the cluster knows what it may forget (dissertation 6.3).

import { randomUUID } from 'node:crypto';

/** The cluster remembers this many writes of one session beyond the oldest unanswered one; we stay below it. */
const WINDOW = 1_000;

/** One write's place. Every attempt of the write uses the same one. */
export interface WriteTicket {
  readonly clientId: string;
  readonly sequence: number;
  /** Read it at each attempt: it moves on as earlier writes end. */
  readonly oldestPending: number;
  /** The cluster answered: it knows the session. */
  acknowledge(): void;
  /** The cluster does not remember the session any more: later writes get another one. */
  expire(): void;
  /** The caller has its answer, or will never ask again. */
  end(): void;
}

class WriteSession {
  readonly clientId = randomUUID();
  /** In ascending order, because a Set keeps the order of insertion. */
  readonly pending = new Set<number>();
  next = 1;
  /**
   * Whether the cluster knows the session. Until then nothing may be declared answered: a first write that never reached the
   * log would make the second one look like that of a session which the cluster has forgotten.
   */
  established = false;

  get oldestPending(): number {
    if (!this.established) return 1;
    const [oldest = this.next] = this.pending;
    return oldest;
  }

  get hasRoom(): boolean {
    return this.next - this.oldestPending < WINDOW;
  }
}

/** One session, and a further one whenever the writes of those there are reach too far beyond their oldest unanswered one. */
export class WriteSessions {
  readonly #sessions = new Set<WriteSession>();

  begin(): WriteTicket {
    const session = this.#withRoom();
    const sequence = session.next++;
    session.pending.add(sequence);
    return {
      clientId: session.clientId,
      sequence,
      get oldestPending() {
        return session.oldestPending;
      },
      acknowledge: () => {
        session.established = true;
      },
      expire: () => {
        this.#sessions.delete(session);
      },
      end: () => {
        session.pending.delete(sequence);
      },
    };
  }

  #withRoom(): WriteSession {
    for (const session of this.#sessions) if (session.hasRoom) return session;
    const session = new WriteSession();
    this.#sessions.add(session);
    return session;
  }
}
