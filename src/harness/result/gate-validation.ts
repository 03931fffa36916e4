// What `windtunnel gate --validate` measured: every sample of every round of every gate, so that it can be judged again.

import { z } from 'zod';
import { environment } from './schema.ts';

/** Grows when a reader of the old shape would misread the new one. */
export const VALIDATION_VERSION = 1;

const samples = z.array(z.number().positive());
const round = z.strictObject({ base: samples, head: samples }).describe('Nanoseconds per operation, in their order');
export type ValidationRound = z.infer<typeof round>;

const injection = z.strictObject({ kind: z.enum(['work', 'allocation', 'tail']), share: z.number().positive() });

const benchmark = z.strictObject({
  id: z.string(),
  injected: injection.optional().describe('What HEAD was slowed down by. Absent: it is the same code as BASE'),
  first: z.array(round),
  rerun: z.array(round),
  seconds: z.number().min(0),
});
export type ValidationBenchmark = z.infer<typeof benchmark>;

const validationGate = z.strictObject({
  condition: z.string(),
  seed: z.int().min(0),
  startedAt: z.string(),
  benchmarks: z.array(benchmark),
});
export type ValidationGate = z.infer<typeof validationGate>;

export const validationSchema = z.strictObject({
  schema: z.literal('windtunnel-gate-validation'),
  schemaVersion: z.literal(VALIDATION_VERSION),
  rule: z
    .strictObject({
      looks: z.array(z.strictObject({ rounds: z.int(), share: z.number() })),
      changeLevel: z.number(),
      sameLevel: z.number(),
      leastChange: z.number(),
      closely: z.number(),
    })
    .describe('By which it is judged: written before anything was measured'),
  startedAt: z.string(),
  environment,
  commit: z.string().describe('Of BASE and of HEAD'),
  seed: z.int().min(0),
  gates: z.array(validationGate),
});
export type Validation = z.infer<typeof validationSchema>;

export type ValidationWord = 'slower' | 'faster' | 'same' | 'inconclusive';

/** The others. Each calls a benchmark slower, or not, from the first rounds. */
export const CONTROLS = ['single ratio over 5 %', 'Mann-Whitney on raw samples', 'like benchstat'] as const;
export type Control = (typeof CONTROLS)[number];

/** What is the same for the gate, as it would be named in a table: 'the same code, quiet', 'work 5 %'. */
export interface ValidationRow {
  readonly name: string;
  readonly isSame: boolean;
  readonly benchmarks: number;
  readonly words: Readonly<Record<ValidationWord, number>>;
  /** Mean, for a benchmark. */
  readonly seconds: number;
  /** How many were called changed, in the direction of the injection, or in either when there is none. */
  readonly controls: Readonly<Record<Control, number>>;
}

export interface ValidationSummary {
  readonly rows: readonly ValidationRow[];
  /** Benchmarks that are the same and were called slower or faster. */
  readonly alarms: Rate;
  /** Gates with such a benchmark in them. */
  readonly alarmedGates: Rate;
  readonly swapped: SwappedSides;
}

/** How often the gate would call the same code changed, in gates drawn from those that were measured. */
export interface SwappedSides {
  /** How often each gate was drawn. */
  readonly draws: number;
  /** Shares, 0 to 1: of benchmarks that were called slower or faster, and of gates with one. NaN without any. */
  readonly benchmarks: number;
  readonly gates: number;
}

export interface Rate {
  readonly count: number;
  readonly of: number;
  /** The upper end of its 95 % interval. */
  readonly below: number;
}
