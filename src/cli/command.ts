// What a command of the command line is, and how its flags and help texts are made. One table of options serves both.

import { parseArgs } from 'node:util';
import { didYouMean } from '../harness/scenario/did-you-mean.ts';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** One letter. */
  readonly short?: string;
  readonly multiple?: boolean;
  /** Stands for the value in the help text: 'N', 'DIR'. */
  readonly placeholder?: string;
  /** The value may be left out, and is then ''. The next word is taken as the value only when it matches; '--name=VALUE' always is. */
  readonly valueIfMatches?: RegExp;
  readonly description: string;
  /** Named in the help text; the command itself applies it. */
  readonly defaultText?: string;
}

export interface Invocation {
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Behind the command's name: '[PATTERN]'. */
  readonly arguments: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Below the options in the help text: examples first. */
  readonly notes?: string;
  /** Left out of the list of commands: for the harness's own use. */
  readonly internal?: boolean;
  /** Resolves with the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** The user asked for something that is not there. Exit code 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError naming the flag that is wrong, and the one that may have been meant. */
export function parseInvocation(command: Command, argv: readonly string[]): Invocation {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, spec]) => [
      name,
      { type: spec.type, ...(spec.short && { short: spec.short }), ...(spec.multiple && { multiple: true }) },
    ]),
  );
  try {
    const parsed = parseArgs({ args: withValues(command, argv), options, allowPositionals: true, strict: true });
    return { options: parsed.values as Invocation['options'], positionals: parsed.positionals };
  } catch (error) {
    const unknown = /Unknown option '(-[^']*)'/.exec((error as Error).message)?.[1];
    const ambiguous = /Option '(?:-\w, )?(--[^ ']+).*' argument is ambiguous/.exec((error as Error).message)?.[1];
    if (ambiguous !== undefined)
      throw new UsageError(`${ambiguous} needs a value; one that begins with '-' is written ${ambiguous}=-...`);
    if (unknown === undefined) throw new UsageError((error as Error).message.split('\n', 1)[0]);
    const flags = Object.keys(command.options).map((name) => `--${name}`);
    throw new UsageError(`unknown option '${unknown}'${didYouMean(unknown, flags)}`);
  }
}

/** Where a value may be left out and is, it is made empty, which `parseArgs` can read. */
function withValues(command: Command, argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, at) => {
    const pattern = word.startsWith('--') ? command.options[word.slice(2)]?.valueIfMatches : undefined;
    if (pattern === undefined || (end >= 0 && at > end)) return word;
    return pattern.test(argv[at + 1] ?? '') ? word : `${word}=`;
  });
}

/** A whole number option within its range, or undefined when it was not given. @throws UsageError */
export function wholeNumber(invocation: Invocation, name: string, low: number, high: number): number | undefined {
  const text = invocation.options[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (String(text).trim() === '' || !Number.isSafeInteger(value) || value < low || value > high) {
    throw new UsageError(`--${name} takes a whole number from ${low} to ${high}, not '${String(text)}'`);
  }
  return value;
}

export function text(invocation: Invocation, name: string): string | undefined {
  const value = invocation.options[name];
  return typeof value === 'string' ? value : undefined;
}

export function flag(invocation: Invocation, name: string): boolean {
  return invocation.options[name] === true;
}

/** @throws UsageError unless the value is one of `choices`. */
export function choice<T extends string>(invocation: Invocation, name: string, choices: readonly T[], otherwise: T): T {
  const value = text(invocation, name);
  if (value === undefined) return otherwise;
  const found = choices.find((known) => known === value);
  if (found === undefined) throw new UsageError(`--${name} takes one of ${choices.join(', ')}, not '${value}'`);
  return found;
}

export function helpOf(command: Command): string {
  const rows = Object.entries(command.options).map(([name, spec]) => {
    const value = spec.placeholder ?? 'VALUE';
    const shown = spec.valueIfMatches === undefined ? value : `[${value}]`;
    const left = `${spec.short ? `-${spec.short}, ` : '    '}--${name}${spec.type === 'string' ? ` ${shown}` : ''}`;
    return [left, `${spec.description}${spec.defaultText ? ` (default: ${spec.defaultText})` : ''}`] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return [
    command.summary,
    '',
    `Usage: windtunnel ${command.name}${command.arguments ? ` ${command.arguments}` : ''}${rows.length > 0 ? ' [options]' : ''}`,
    ...(rows.length > 0 ? ['', 'Options:', ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)] : []),
    ...(command.notes ? ['', command.notes] : []),
    '',
  ].join('\n');
}
