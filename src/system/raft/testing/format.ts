// Inputs and effects as one line of text each, for transcripts and for the last events before a failure.

import type { Effect, Entry, Input, Message, RaftEvent } from '../protocol.ts';

const text = (data: Uint8Array) => Buffer.from(data).toString('utf8');

/** '4:2=x' is index 4 of term 2 with the data x; '4:2' a noop. */
export function formatEntry({ index, term, kind, data }: Entry): string {
  return kind === 'noop' ? `${index}:${term}` : `${index}:${term}=${text(data)}`;
}

export function formatEntries(entries: readonly Entry[]): string {
  const shown = entries.length <= 8 ? entries : [...entries.slice(0, 3), ...entries.slice(-2)];
  const parts = shown.map(formatEntry);
  if (shown.length < entries.length) parts.splice(3, 0, `...${entries.length - shown.length} more...`);
  return `[${parts.join(' ')}]`;
}

export function formatMessage(message: Message): string {
  return `${message.from}->${message.to} ${message.type} term=${message.term}${bodyOf(message)}`;
}

function bodyOf(message: Message): string {
  switch (message.type) {
    case 'pre-vote-request':
    case 'vote-request':
      return ` last=${message.lastLogIndex}:${message.lastLogTerm}`;
    case 'pre-vote-response':
    case 'vote-response':
      return message.granted ? ' granted' : ' refused';
    case 'append-request': {
      const entries = message.entries.length === 0 ? '' : ` ${formatEntries(message.entries)}`;
      return ` after=${message.previousIndex}:${message.previousTerm} commit=${message.commitIndex} round=${message.round}${entries}${message.recovery === undefined ? '' : ` recover-to=${message.recovery.upTo}`}`;
    }
    case 'append-response':
      return (
        (message.accepted
          ? ` match=${message.matchIndex} round=${message.round}`
          : ` rejected=${message.rejectedIndex} hint=${message.hintIndex}:${message.hintTerm} round=${message.round}`) +
        (message.recovery === undefined ? '' : message.recovery.over ? ' recovered' : ' recovering')
      );
    case 'read-index-request':
      return '';
    case 'read-index-response':
      return ` index=${message.readIndex ?? 'none'}`;
    default:
      return message satisfies never;
  }
}

export function formatInput(input: Input): string {
  switch (input.type) {
    case 'tick':
      return 'tick';
    case 'message':
      return formatMessage(input.message);
    case 'propose':
      return `propose ${input.proposals.map(({ id, data }) => `${id}=${text(data)}`).join(' ')}`;
    case 'read-index':
      return `read-index ${input.id}`;
    case 'persisted':
      return `persisted #${input.sequence}`;
    case 'applied':
      return `applied ${input.index}`;
    case 'recovery-recorded':
      return input.type;
    default:
      return input satisfies never;
  }
}

export function formatEffect(effect: Effect): string {
  switch (effect.type) {
    case 'persist': {
      const { hardState } = effect;
      const vote = hardState === undefined ? '' : ` term=${hardState.term} vote=${hardState.votedFor ?? 'none'}`;
      return `persist #${effect.sequence}${vote}${effect.entries.length === 0 ? '' : ` ${formatEntries(effect.entries)}`}`;
    }
    case 'send':
      return `send ${formatMessage(effect.message)}`;
    case 'apply':
      return `apply ${formatEntries(effect.entries)}`;
    case 'proposed':
      return `proposed ${effect.id} at ${effect.index}:${effect.term}`;
    case 'proposal-rejected':
    case 'read-rejected':
      return `${effect.type} ${effect.id}, leader ${effect.leader ?? 'unknown'}`;
    case 'read-ready':
      return `read-ready ${effect.id}`;
    case 'recovered':
      return `recovered up to ${effect.index}`;
    case 'event':
      return formatEvent(effect.event);
    default:
      return effect satisfies never;
  }
}

function formatEvent(event: RaftEvent): string {
  if (event.type === 'commit') return `commit ${event.index}:${event.term}`;
  const leader = event.role === 'leader' ? '' : `, leader ${event.leader ?? 'unknown'}`;
  return `becomes ${event.role} in term ${event.term}${leader}`;
}
