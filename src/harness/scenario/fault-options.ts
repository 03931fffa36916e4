// The options of each kind of fault.

import { z } from 'zod';
import { between, duration, fraction, oneOf, options, positive, signedDuration, text, trueOrFalse, variants } from './options.ts';
import type { ValidFault } from './valid-scenario.ts';

const timed = { at: duration({ zero: 'allowed' }), duration: duration({ zero: 'refused' }) };
const target = text("'leader', 'follower', 'random', 'all', 'majority', 'minority' or the name of a node such as 'n1'");
const onNode = { ...timed, target };
/** Of a clock. */
const MAX_OFFSET_MS = 24 * 3_600_000;
const links = oneOf('peers', 'clients', 'all');
const onLinks = { ...onNode, links: links.default('peers') };
const delay = duration({ zero: 'refused' });

/** One for each kind. */
const KINDS = [
  options({ kind: z.literal('crash'), ...onNode }),
  options({ kind: z.literal('pause'), ...onNode }),
  options({ kind: z.literal('restart'), ...onNode }),
  options({ kind: z.literal('wipe'), ...onNode }),
  options({
    kind: z.literal('clock-skew'),
    ...onNode,
    offset: signedDuration(MAX_OFFSET_MS).default(0),
    drift: between(0.5, 2).default(1),
  }),
  options({ kind: z.literal('slow-disk'), ...onNode, delay }),
  options({ kind: z.literal('full-disk'), ...onNode }),
  options({
    kind: z.literal('partition'),
    ...timed,
    shape: oneOf('halves', 'majority', 'minority', 'isolate-leader', 'majorities-ring', 'bridge', 'one-way'),
    mode: oneOf('hold', 'cut').default('hold'),
    target: target.optional(),
    clients: trueOrFalse().default(false),
  }),
  options({ kind: z.literal('latency'), ...onLinks, delay, jitter: duration({ zero: 'allowed' }).default(0) }),
  options({ kind: z.literal('bandwidth'), ...onLinks, bytesPerSecond: positive() }),
  options({
    kind: z.literal('loss'),
    ...onLinks,
    probability: fraction(),
    retransmit: duration({ zero: 'refused' }).default(200),
  }),
  options({ kind: z.literal('reset'), ...onLinks, every: duration({ zero: 'refused' }).optional() }),
  options({ kind: z.literal('hold'), ...onNode, links: links.default('all') }),
  options({ kind: z.literal('slow-close'), ...onLinks, delay }),
] as const;

const names = KINDS.map((kind) => kind.shape.kind.value);

export const fault = variants('kind', names, KINDS, "a fault such as { kind: 'crash', ... }").superRefine((input, context) => {
  if (input.kind !== 'partition') return;
  const refuse = (option: string, message: string) => context.addIssue({ code: 'custom', path: [option], message, input });
  if (input.target !== undefined && input.shape !== 'one-way')
    refuse('target', `has no meaning for the shape '${input.shape}', which says by itself whom it befalls`);
  if (input.clients && (input.shape === 'majorities-ring' || input.shape === 'bridge'))
    refuse('clients', `has no meaning for the shape '${input.shape}', which leaves no node without a majority`);
});

/** What is a duration in the options of some kind; valid, it is called `...Ms`. */
const DURATIONS = ['at', 'duration', 'offset', 'delay', 'jitter', 'retransmit', 'every'] as const;

type InMilliseconds<T> = T extends unknown
  ? { [name in keyof T as name extends (typeof DURATIONS)[number] ? `${name}Ms` : name]: T[name] }
  : never;

export function validFault(input: z.output<typeof fault>): ValidFault {
  const renamed = Object.entries(input).map(([name, value]) => [
    (DURATIONS as readonly string[]).includes(name) ? `${name}Ms` : name,
    value,
  ]);
  const valid = Object.fromEntries(renamed) as InMilliseconds<z.output<typeof fault>>;
  return valid.kind === 'partition' ? { ...valid, target: valid.target ?? 'leader' } : valid;
}
