// The pieces a scenario's schema is made of, and how what is wrong with a scenario is said. Every message of a piece begins
// with 'must' and is completed with the option's path and the offending value.

import { inspect } from 'node:util';
import { z } from 'zod';
import { DurationError, parseDuration } from '../../runtime/duration.ts';
import type { Duration } from '../../runtime/duration.ts';
import { didYouMean } from './did-you-mean.ts';

/** A scenario that cannot run. The message lists every problem that was found, one a line. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly code = 'invalid-scenario';
  /** Each with the origin, the path of the option and the offending value. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.problems = problems;
  }
}

export function text(what: string): z.ZodString {
  const message = `must be ${what}`;
  return z.string(message).refine((value) => value.trim() !== '', message);
}

export function matching(pattern: RegExp, what: string): z.ZodString {
  const message = `must be ${what}`;
  return z.string(message).regex(pattern, message);
}

export function oneOf<const T extends readonly [string, ...string[]]>(...values: T) {
  return z.enum(values, { error: ({ input }) => mustBeOneOf(values, input) });
}

/** Objects told apart by one of their options. `what` is said of a value that is no object at all. */
export function variants<const T extends readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]]>(
  option: string,
  kinds: readonly string[],
  schemas: T,
  what: string,
) {
  return z.discriminatedUnion(option, schemas, {
    error: ({ code, input }) =>
      code === 'invalid_union' ? mustBeOneOf(kinds, (input as Record<string, unknown>)[option]) : `must be ${what}`,
  });
}

function mustBeOneOf(values: readonly string[], input: unknown): string {
  const listed = values.map((value) => `'${value}'`).join(' or ');
  return `must be ${listed}${SUGGESTION}${typeof input === 'string' ? didYouMean(input, values) : ''}`;
}

export function trueOrFalse(): z.ZodBoolean {
  return z.boolean('must be true or false');
}

/** A whole number, `low` <= x <= `high`. */
export function integer(low: number, high: number): z.ZodNumber {
  const message = `must be a whole number from ${low.toLocaleString('en')} to ${high.toLocaleString('en')}`;
  return z.number(message).int(message).min(low, message).max(high, message);
}

export function positive(): z.ZodNumber {
  return z.number('must be a number > 0').positive('must be a number > 0');
}

/** A number, 0 < x < 1. */
export function fraction(): z.ZodNumber {
  const message = 'must be a number above 0 and below 1';
  return z.number(message).gt(0, message).lt(1, message);
}

/** A number, 0 < x <= 1. */
export function share(): z.ZodNumber {
  const message = 'must be a number above 0, at most 1';
  return z.number(message).gt(0, message).max(1, message);
}

export function notNegative(): z.ZodNumber {
  return z.number('must be a number >= 0').min(0, 'must be a number >= 0');
}

export function between(low: number, high: number): z.ZodNumber {
  const message = `must be a number from ${low} to ${high}`;
  return z.number(message).min(low, message).max(high, message);
}

/** A number of milliseconds, or a Duration with a sign in front; as milliseconds, at most `most` either way. */
export function signedDuration(most: number) {
  const message = `must be a duration with a sign such as '+500ms' or '-2s', or a number of milliseconds, up to ${most / 3_600_000}h`;
  return z.union([z.number(), z.string()], message).transform((input: Duration, context): number => {
    const sign = typeof input === 'number' ? Math.sign(input) : input.startsWith('-') ? -1 : 1;
    const size = readDuration(typeof input === 'number' ? Math.abs(input) : input.replace(/^[+-]/, ''));
    if (size !== undefined && size <= most) return sign * size;
    context.issues.push({ code: 'custom', message, input });
    return z.NEVER;
  });
}

/** A Duration, as milliseconds. */
export function duration({ zero }: { zero: 'allowed' | 'refused' }) {
  const bound = zero === 'allowed' ? '>= 0' : '> 0';
  const message = `must be a duration ${bound} such as '10s', '1m30s' or a number of milliseconds`;
  return z.union([z.number(), z.string()], message).transform((input: Duration, context): number => {
    const ms = readDuration(input);
    if (ms !== undefined && (ms > 0 || zero === 'allowed')) return ms;
    context.issues.push({ code: 'custom', message, input });
    return z.NEVER;
  });
}

const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes, at least `least`: a number, or text with a unit. */
export function byteSize(least: number) {
  const message = `must be a size such as '512MiB' or '2GiB', or a number of bytes, at least ${least / 2 ** 20}MiB`;
  return z.union([z.number(), z.string()], message).transform((input, context): number => {
    const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/.exec(String(input)) ?? [];
    const bytes = typeof input === 'number' ? input : Number(digits) * (BYTES[unit] ?? 0);
    if (Number.isFinite(bytes) && bytes >= least) return Math.round(bytes);
    context.issues.push({ code: 'custom', message, input });
    return z.NEVER;
  });
}

/** One Duration > 0, or two of them, as milliseconds. */
export function durationRange() {
  const message = "must be a duration > 0 such as '10s', or two such as ['5s', '15s'], the shorter one first";
  const one = z.union([z.number(), z.string()], message);
  return z.union([one, z.tuple([one, one], message)], message).transform((input, context) => {
    const [shortest, longest = shortest] = typeof input === 'object' ? input : [input];
    const [shortestMs, longestMs] = [readDuration(shortest), readDuration(longest)];
    if (shortestMs !== undefined && longestMs !== undefined && shortestMs > 0 && shortestMs <= longestMs)
      return { shortestMs, longestMs };
    context.issues.push({ code: 'custom', message, input });
    return z.NEVER;
  });
}

function readDuration(input: Duration): number | undefined {
  try {
    return parseDuration(input);
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

/** An object with exactly these options; others are refused with a suggestion. */
export function options<const S extends z.ZodRawShape>(shape: S, what = 'an object') {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `has no option '${key}'${didYouMean(key, Object.keys(shape))}`).join('\n')
        : `must be ${what}`,
  });
}

// What follows it in a message is said behind the offending value: '... must be 'a' or 'b', not 'aa'; did you mean ...'.
const SUGGESTION = '\u0000';

/** What zod found, as sentences: `origin: loads.registers.rate must be a number > 0, not -5`. */
export function problemsOf(error: z.ZodError, origin: string): string[] {
  return error.issues.flatMap((issue) => {
    const [message = '', suggestion = ''] = issue.message.split(SUGGESTION);
    // For an unknown variant zod's path leads to the option, and its input is the object that has it.
    const input = 'discriminator' in issue ? (issue.input as Record<PropertyKey, unknown>)[issue.path.at(-1) ?? ''] : issue.input;
    return message.split('\n').map((line) => `${origin}: ${sentence(issue.path, line, input)}${suggestion}`);
  });
}

/** One problem: a message that begins with 'must' gets the offending value, any other is complete. */
function sentence(path: readonly PropertyKey[], message: string, input: unknown): string {
  const where = path.length === 0 ? 'the scenario' : pathText(path);
  if (!message.startsWith('must')) return message.startsWith('has ') ? `${where} ${message}` : `${where}: ${message}`;
  return input === undefined && path.length > 0
    ? `${where} is missing: it ${message}`
    : `${where} ${message}, not ${show(input)}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    if (!/^[\w-]+$/.test(String(key))) return `${text}['${String(key)}']`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** A value as a person would write it, shortened. */
function show(value: unknown): string {
  if (typeof value === 'string') return shorten(`'${value}'`);
  if (typeof value === 'object' && value !== null) return shorten(inspect(value, { depth: 1, breakLength: Infinity }));
  if (typeof value === 'function') return 'a function';
  return String(value);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
