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
  /** The caller has its answer, or will never ask again. */
  end(): void;
}

class WriteSession {
  readonly clientId = randomUUID();
  /** In ascending order, because a Set keeps the order of insertion. */
  readonly pending = new Set<number>();
  next = 1;

  get oldestPending(): number {
    const [oldest = this.next] = this.pending;
    return oldest;
  }

  get hasRoom(): boolean {
    return this.next - this.oldestPending < WINDOW;
  }
}

/** One session, and a further one whenever the writes of those there are reach too far beyond their oldest unanswered one. */
export class WriteSessions {
  readonly #sessions: WriteSession[] = [];

  begin(): WriteTicket {
    const session = this.#sessions.find((each) => each.hasRoom) ?? this.#open();
    const sequence = session.next++;
    session.pending.add(sequence);
    return {
      clientId: session.clientId,
      sequence,
      get oldestPending() {
        return session.oldestPending;
      },
      end: () => session.pending.delete(sequence),
    };
  }

  #open(): WriteSession {
    const session = new WriteSession();
    this.#sessions.push(session);
    return session;
  }
}
