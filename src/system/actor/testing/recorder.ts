// What the tests of actors share: a system in virtual time whose events are kept, and waiting for a condition.

import { settle, VirtualClock } from '../../../runtime/virtual-clock.ts';
import type { ActorEvent } from '../events.ts';
import { ActorSystem, type ActorSystemOptions } from '../system.ts';

export interface RecordedSystem {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly events: ActorEvent[];
  /** The messages that became dead letters, with the reason: 'reason:message'. */
  readonly deadLetters: () => string[];
  /** Events other than dead letters, in order, in one line each. */
  readonly story: () => string[];
}

export function recordedSystem(options: ActorSystemOptions = {}): RecordedSystem {
  const clock = new VirtualClock();
  const events: ActorEvent[] = [];
  const system = new ActorSystem({ clock, onEvent: (event) => events.push(event), ...options });
  return {
    clock,
    system,
    events,
    deadLetters: () =>
      events.flatMap((event) => (event.type === 'dead-letter' ? [`${event.reason}:${String(event.message)}`] : [])),
    story: () => events.flatMap(lineOf),
  };
}

function lineOf(event: ActorEvent): string[] {
  switch (event.type) {
    case 'dead-letter':
      return [];
    case 'spawned':
    case 'stopped':
    case 'restarted':
      return [`${event.type} ${event.actorId}`];
    case 'failed':
      return [`failed ${event.actorId} in ${event.phase} of ${event.originId}: ${String(event.error)} -> ${event.directive}`];
    case 'escalated-to-root':
      return [`escalated-to-root ${event.actorId} from ${event.originId}`];
  }
}

/** Lets the event loop turn until the condition holds; throws when it never does. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (condition()) return;
    await settle();
  }
  throw new Error(`never became true: ${condition.toString()}`);
}
