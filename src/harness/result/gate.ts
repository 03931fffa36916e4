// What `windtunnel gate` finds out, as data: the schema of gate.json, and what text and markdown are made from.

import { z } from 'zod';
import { countComparison } from './comparison.ts';
import { environment } from './schema.ts';

/** Grows when a reader of the old shape would misread the new one. */
export const GATE_VERSION = 1;

export const GATE_FILE = 'gate.json';

/** From what needs attention to what needs none. */
export const GATE_WORDS = ['slower', 'accepted', 'faster', 'inconclusive', 'failed', 'same'] as const;
export type GateWordShown = (typeof GATE_WORDS)[number];

const tree = z.strictObject({
  ref: z.string().optional().describe('As it was asked for. Absent: the working tree'),
  commit: z.string(),
  dirty: z.boolean().describe('Whether uncommitted changes were measured with it'),
});

const ratios = z.strictObject({
  rounds: z
    .array(z.number())
    .describe('ln(HEAD / BASE) of each round, in their order: the data that everything is judged by, also later'),
  judged: z.int().min(0).describe('How many of them had been looked at when the verdict fell: 10, 20 or 30, or 0'),
  ratio: z.number().positive().optional().describe('HEAD / BASE: the Hodges-Lehmann estimate. Absent without a round'),
  interval: z
    .tuple([z.number().positive(), z.number().positive()])
    .optional()
    .describe('Exact, from the signed-rank distribution'),
  confidence: z.number().min(0).max(1).optional().describe('Of the interval'),
  pSlower: z.number().min(0).max(1).describe('One-sided, over all looks and all benchmarks together'),
  pFaster: z.number().min(0).max(1),
});
export type GateRatios = z.infer<typeof ratios>;

export const acceptanceSchema = z.strictObject({
  benchmark: z.string().describe('The id of the benchmark, or scenario and metric as the gate prints them'),
  ratio: z.number().positive().describe('HEAD / BASE up to which it is accepted, and 3 % beyond it'),
  reason: z.string().min(1),
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,40}$/, 'a commit is 7 to 40 hexadecimal digits')
    .describe('That made it slower: it must be part of HEAD and not of BASE'),
});
export type Acceptance = z.infer<typeof acceptanceSchema>;

const subject = z.strictObject({
  kind: z.enum(['microbenchmark', 'scenario']),
  id: z.string().describe('suite/name, or scenario and metric'),
  unit: z.enum(['ns', 'ms', 'per second']),
  better: z.enum(['lower', 'higher']),
  verdict: z.enum(GATE_WORDS),
  reason: z.string().optional().describe('Why nothing more can be said, or why it does not count'),
  violated: z.literal(true).optional().describe('It failed because a cluster answered what is wrong'),
  base: z.number().min(0).optional().describe('The median of all rounds, in its unit'),
  head: z.number().min(0).optional(),
  first: ratios,
  rerun: ratios.optional().describe('The fresh rounds that confirm a slowdown. Absent when there was none to confirm'),
  callsPerSample: z.int().min(1).optional(),
  seconds: z.number().min(0).describe('How long it was measured'),
  acceptance: acceptanceSchema.optional().describe('What in results/accepted.json it is accepted by'),
});
export type GateSubject = z.infer<typeof subject>;

export const gateSchema = z.strictObject({
  schema: z.literal('windtunnel-gate'),
  schemaVersion: z.literal(GATE_VERSION),
  id: z.string(),
  status: z.enum(['complete', 'interrupted']),
  startedAt: z.string(),
  finishedAt: z.string(),
  command: z.array(z.string()),
  environment,
  base: tree,
  head: tree,
  seed: z.int().min(0),
  budgetSeconds: z.number().positive(),
  pinnedTo: z.array(z.int().min(0)).describe('The cores that rounds took turns on; empty where nothing can be pinned'),
  injected: z
    .strictObject({ kind: z.string(), share: z.number().positive() })
    .optional()
    .describe('The slowdown that HEAD was given on purpose, to prove the gate'),
  subjects: z.array(subject),
  counts: z.array(countComparison).describe('Deterministic, compared exactly'),
  added: z.array(z.string()).describe('In HEAD only'),
  removed: z.array(z.string()).describe('In BASE only'),
  unused: z.array(acceptanceSchema).describe('What results/accepted.json accepts and nothing needed'),
  exit: z.strictObject({
    code: z.int().describe('0, 94 slower, 96 too noisy to say (only when asked to be strict), 105 interrupted, 1 failed'),
    reasons: z.array(z.string()),
  }),
});
export type Gate = z.infer<typeof gateSchema>;
