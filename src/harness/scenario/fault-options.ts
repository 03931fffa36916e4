// The options of each kind of fault, with its times or, for the nemesis, with a weight.

import { z } from 'zod';
import {
  between,
  duration,
  fraction,
  oneOf,
  options,
  positive,
  share,
  signedDuration,
  text,
  trueOrFalse,
  variants,
} from './options.ts';
import type { UntimedFault, ValidFault } from './valid-scenario.ts';

const target = text("'leader', 'follower', 'random', 'all', 'majority', 'minority' or the name of a node such as 'n1'");
/** Of a clock. */
const MAX_OFFSET_MS = 24 * 3_600_000;
const links = oneOf('peers', 'clients', 'all');
const onLinks = { target, links: links.default('peers') };
const delay = duration({ zero: 'refused' });

/** One for each kind. @param common what all of them have besides. */
function kindsWith<const T extends z.ZodRawShape>(common: T) {
  return [
    options({ kind: z.literal('crash'), ...common, target }),
    options({ kind: z.literal('pause'), ...common, target }),
    options({ kind: z.literal('restart'), ...common, target }),
    options({ kind: z.literal('wipe'), ...common, target }),
    options({
      kind: z.literal('clock-skew'),
      ...common,
      target,
      offset: signedDuration(MAX_OFFSET_MS).default(0),
      drift: between(0.5, 2).default(1),
    }),
    options({ kind: z.literal('slow-disk'), ...common, target, delay }),
    options({ kind: z.literal('full-disk'), ...common, target }),
    options({ kind: z.literal('disconnect'), ...common, target }),
    options({ kind: z.literal('drop-packets'), ...common, target, probability: share().default(1) }),
    options({
      kind: z.literal('partition'),
      ...common,
      shape: oneOf('halves', 'majority', 'minority', 'isolate-leader', 'majorities-ring', 'bridge', 'one-way'),
      mode: oneOf('hold', 'cut').default('hold'),
      target: target.optional(),
      clients: trueOrFalse().default(false),
    }),
    options({ kind: z.literal('latency'), ...common, ...onLinks, delay, jitter: duration({ zero: 'allowed' }).default(0) }),
    options({ kind: z.literal('bandwidth'), ...common, ...onLinks, bytesPerSecond: positive() }),
    options({
      kind: z.literal('loss'),
      ...common,
      ...onLinks,
      probability: fraction(),
      retransmit: duration({ zero: 'refused' }).default(200),
    }),
    options({ kind: z.literal('reset'), ...common, ...onLinks, every: duration({ zero: 'refused' }).optional() }),
    options({ kind: z.literal('hold'), ...common, target, links: links.default('all') }),
    options({ kind: z.literal('slow-close'), ...common, ...onLinks, delay }),
  ] as const;
}

const TIMED = kindsWith({ at: duration({ zero: 'allowed' }), duration: duration({ zero: 'refused' }) });
const WEIGHTED = kindsWith({ weight: positive().default(1) });
const names = TIMED.map((kind) => kind.shape.kind.value);
const what = "a fault such as { kind: 'crash', ... }";

export const fault = variants('kind', names, TIMED, what).superRefine(refusePartitionsWithout);
/** What the nemesis draws from. */
export const faultTemplate = variants('kind', names, WEIGHTED, what).superRefine(refusePartitionsWithout);

/** Without a meaning for one of their options. */
function refusePartitionsWithout(
  input: z.output<(typeof TIMED)[number]> | z.output<(typeof WEIGHTED)[number]>,
  context: z.RefinementCtx,
): void {
  if (input.kind !== 'partition') return;
  const refuse = (option: string, message: string) => context.addIssue({ code: 'custom', path: [option], message, input });
  if (input.target !== undefined && input.shape !== 'one-way')
    refuse('target', `has no meaning for the shape '${input.shape}', which says by itself whom it befalls`);
  if (input.clients && (input.shape === 'majorities-ring' || input.shape === 'bridge'))
    refuse('clients', `has no meaning for the shape '${input.shape}', which leaves no node without a majority`);
}

/** What is a duration in the options of some kind; valid, it is called `...Ms`. */
const DURATIONS = ['at', 'duration', 'offset', 'delay', 'jitter', 'retransmit', 'every'] as const;

type InMilliseconds<T> = T extends unknown
  ? { [name in keyof T as name extends (typeof DURATIONS)[number] ? `${name}Ms` : name]: T[name] }
  : never;

export function validFault(input: z.output<typeof fault>): ValidFault {
  const valid = inMilliseconds(input);
  return valid.kind === 'partition' ? { ...valid, target: valid.target ?? 'leader' } : valid;
}

export function validTemplate(input: z.output<typeof faultTemplate>): UntimedFault & { readonly weight: number } {
  const valid = inMilliseconds(input);
  return valid.kind === 'partition' ? { ...valid, target: valid.target ?? 'leader' } : valid;
}

function inMilliseconds<T extends object>(input: T): InMilliseconds<T> {
  const renamed = Object.entries(input).map(([name, value]) => [
    (DURATIONS as readonly string[]).includes(name) ? `${name}Ms` : name,
    value as unknown,
  ]);
  return Object.fromEntries(renamed) as InMilliseconds<T>;
}
