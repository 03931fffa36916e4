// Every way in which a message can fail to be handled, as a type. `mayHaveHappened` says whether the handler may have
// seen the message: false means that it certainly did not, and that sending it again cannot do its work twice.

/** What all actor errors have in common. */
export abstract class ActorError extends Error {
  abstract readonly code: string;
  /** False: no handler saw the message. True: a handler may have acted on it, wholly or in part. */
  abstract readonly mayHaveHappened: boolean;
  /** The actor the message was meant for. */
  readonly actorId: string;

  constructor(actorId: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.actorId = actorId;
  }
}

/** The mailbox was full and its policy is not to wait. The message was not delivered. */
export class MailboxFullError extends ActorError {
  readonly code = 'mailbox-full';
  readonly mayHaveHappened = false;
  readonly capacity: number;

  constructor(actorId: string, capacity: number) {
    super(actorId, `the mailbox of actor '${actorId}' is full (${capacity} messages)`);
    this.capacity = capacity;
  }
}

/** The actor has stopped, is stopping, or stopped before it reached the message. The message was not handled. */
export class ActorStoppedError extends ActorError {
  readonly code = 'actor-stopped';
  readonly mayHaveHappened = false;

  constructor(actorId: string) {
    super(actorId, `actor '${actorId}' is stopped or about to stop; the message was not handled`);
  }
}

/**
 * No reply within the deadline. When the handler had not begun by then, it never will (`mayHaveHappened` is false);
 * otherwise the work may have been done.
 */
export class AskTimeoutError extends ActorError {
  readonly code = 'ask-timeout';
  readonly mayHaveHappened: boolean;
  readonly timeoutMs: number;

  constructor(actorId: string, timeoutMs: number, begun: boolean) {
    super(
      actorId,
      `actor '${actorId}' did not reply within ${timeoutMs} ms; its handler ${begun ? 'had begun' : 'had not begun and will not'}`,
    );
    this.timeoutMs = timeoutMs;
    this.mayHaveHappened = begun;
  }
}

/** The handler threw before it replied. `cause` is what it threw. */
export class AskFailedError extends ActorError {
  readonly code = 'ask-failed';
  readonly mayHaveHappened = true;

  constructor(actorId: string, cause: unknown) {
    super(actorId, `actor '${actorId}' failed before it replied: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** An actor with this id exists and has not finished stopping. Nothing was spawned. */
export class DuplicateActorError extends ActorError {
  readonly code = 'duplicate-actor';
  readonly mayHaveHappened = false;

  constructor(actorId: string) {
    super(actorId, `there is already an actor with id '${actorId}'`);
  }
}

/** The system shuts down or has shut down. Nothing was spawned. */
export class SystemShutDownError extends ActorError {
  readonly code = 'system-shut-down';
  readonly mayHaveHappened = false;

  constructor(systemName: string, actorId: string) {
    super(actorId, `actor system '${systemName}' is shutting down and spawns no more actors`);
  }
}
